"""An alert with unusual time, identifier, type or encoding has every product of any other."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine, retry
from builders import avro_alert, flat_map, json_alert, record, with_map
from every_stage import call_stage, make_products
from pages import Page

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.claimed_identity import ClaimedIdentity
from sirenflow.errors import AlertError
from sirenflow.inbox import quarantine, store
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.receiver import Receiver

RETRACTION = {"alert_type": "RETRACTION", "event": None}


def process(folder: Path, *alerts: bytes) -> Path:
    """Store alerts of one superevent and make every product; give their directory."""
    receiver = Receiver(folder / "inbox")
    for data in alerts:
        receipt = receiver.accept(Arrival.now(data, "test"))
        assert not isinstance(receipt.content, AlertError), receipt.content
    ((_, files),) = store.list_superevents(folder / "inbox").items()
    return make_products(call_stage, files, folder / "results")


def read(event: Path, name: str) -> Any:
    return json.loads((event / name).read_text(encoding="ascii"))


def text_of(page: Path) -> str:
    return " ".join(Page(page.read_text(encoding="utf-8")).text.split())


@pytest.mark.parametrize(
    "time",
    [
        *("2025-02-07T12:30:00+00:00", "2025-02-07 12:30:00", "2025-02-07t12:30:00z"),
        *("2025-02-07T12:30:00.000001+00:00", "2025-02-07T13:30+01:00", "2016-12-31T23:59:60Z"),
    ],
)
def test_retraction_in_any_spelling_of_its_time_retracts(tmp_path: Path, time: str) -> None:
    sent = {"superevent_id": "S250207a", "time_created": time}
    before = record(superevent_id="S250207a", time_created="2016-12-31T23:59:59Z")
    event = process(tmp_path, json_alert(before), json_alert(record(**RETRACTION, **sent)))
    state = read(event, "event.json")
    assert (state["state"], state["retracted"], state["retracted_by"]) == ("retracted", True, 2)
    assert "Stop follow-up." in text_of(event / "index.html")
    assert read(event, "alerts.json")["alerts"][1]["record"]["time_created"] == time


def test_same_alert_in_other_spellings_and_wrappings_is_one(tmp_path: Path) -> None:
    plain = with_map(flat_map())
    same = {**plain, "time_created": "2026-01-01 01:10:00+01:00", "alert_type": "preliminary"}
    wrapped = json.dumps({"format": "json", "content": json_alert(plain).decode()}).encode()
    variants = (json_alert(same), wrapped, b"\xef\xbb\xbf[" + json_alert(plain) + b"]")
    event = process(tmp_path, json_alert(plain), *variants)
    (alert,) = read(event, "alerts.json")["alerts"]
    assert len(alert["also_received_as"]) == 3
    assert (alert["alert_type"], alert["time_created"]) == ("PRELIMINARY", "2026-01-01T00:10:00Z")


def test_page_and_text_say_where_utc_is_assumed(tmp_path: Path) -> None:
    timed = {"time": "2018-11-01 22:22:46.654", "far": 1e-9}
    sent = record(time_created="2018-11-01 22:36:25", event=timed)
    event = process(tmp_path, json_alert(sent))
    page = text_of(event / "index.html")
    text = " ".join((event / "circular.txt").read_text().split())
    assert "sent 2018-11-01 22:36:25 UTC (zone not given, UTC assumed)" in page
    assert "2018-11-01 22:22:46.654 UTC (zone not given, UTC assumed)" in page
    assert "2018-11-01 22:22:46.654 UTC (zone not given, UTC assumed)" in text


def test_displayed_times_are_rounded(tmp_path: Path) -> None:
    timed = {"time": "2026-01-01T00:05:59.753906Z", "far": 1e-9}
    event = process(tmp_path, json_alert(record(event=timed)))
    assert "2026-01-01 00:05:59.754 UTC" in text_of(event / "index.html")
    assert "2026-01-01 00:05:59.754 UTC" in (event / "circular.txt").read_text()
    assert "00:06:00" in text_of(event.parent / "index.html")


def test_zone_that_was_given_is_not_mentioned(tmp_path: Path) -> None:
    event = process(tmp_path, json_alert(record(time_created="2026-01-01T01:10:00+01:00")))
    assert "assumed" not in text_of(event / "index.html")
    assert "assumed" not in (event / "circular.txt").read_text()


@pytest.mark.parametrize(
    ("superevent", "kind"), [("S1234-a", "real"), ("MS181101ab2", "mock"), ("X" * 64, "real")]
)
def test_unusual_identifier_is_marked_everywhere(
    tmp_path: Path, superevent: str, kind: str
) -> None:
    event = process(tmp_path, json_alert(with_map(flat_map(), superevent_id=superevent)))
    assert event.name == superevent
    state = read(event, "event.json")
    assert (state["category"], state["unusual_identifier"]) == (kind, True)
    page = text_of(event / "index.html")
    assert "Unusual identifier" in page
    assert ("treated as real" in page) == (kind == "real")
    assert f"UNUSUAL IDENTIFIER: {superevent}" in " ".join(
        (event / "circular.txt").read_text().split()
    )
    catalogue = event.parent / "index.html"
    assert "unusual identifier" in text_of(catalogue)
    (row,) = csv.DictReader((event.parent / "catalogue.csv").read_text().splitlines())
    assert (row["superevent_id"], row["category"]) == (superevent, kind)
    assert row["unusual_identifier"].lower() == "true"


def test_usual_identifier_is_not_marked(tmp_path: Path) -> None:
    event = process(tmp_path, json_alert(record()))
    texts = text_of(event / "index.html"), (event / "circular.txt").read_text()
    assert not any("unusual" in text.lower() for text in texts)
    assert "unusual identifier" not in text_of(event.parent / "index.html")


@pytest.mark.parametrize("sent", ["PREMERGER", "Pre_Merger", "pre_merger"])
def test_superevent_of_an_unknown_type_has_a_full_page(tmp_path: Path, sent: str) -> None:
    event = process(tmp_path, json_alert(with_map(flat_map(), alert_type=sent)))
    state = read(event, "event.json")
    assert (state["state"], state["retracted"]) == ("PREMERGER", False)
    assert state["history"][0]["alert_type"] == sent
    assert (event / "skymaps" / "01-PREMERGER.multiorder.fits").read_bytes() == flat_map()
    assert {path.name for path in (event / "regions").iterdir()} == {
        f"01-PREMERGER.{end}" for end in ("50.moc.fits", "90.moc.fits", "contours.geojson", "reg")
    }
    page = text_of(event / "index.html")
    assert f"mock · {sent}" in page
    assert "Unknown alert type" in page
    assert "90 % area" in page
    assert f"{sent} (unknown alert type), alert 1" in (event / "circular.txt").read_text()
    assert sent in text_of(event.parent / "index.html")


def test_unknown_type_that_sounds_like_a_retraction_does_not_retract(tmp_path: Path) -> None:
    later = record(alert_type="RETRACTED", time_created="2026-01-01T00:20:00Z")
    event = process(tmp_path, json_alert(record()), json_alert(later))
    assert read(event, "event.json")["retracted"] is False
    assert read(event, "alerts.json")["retracted"] is False
    assert "Stop follow-up." not in text_of(event / "index.html")


@pytest.mark.parametrize("changes", [{}, {"event": None}])
def test_unknown_type_does_not_take_a_retraction_back(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    times = (f"2026-01-01T0{hour}:00:00Z" for hour in (1, 2, 3))
    kinds = (RETRACTION, {"alert_type": "RETRACTED", **changes}, RETRACTION)
    later = [
        json_alert(record(time_created=time, **kind))
        for time, kind in zip(times, kinds, strict=True)
    ]
    for count in (2, 3):
        event = process(tmp_path / str(count), json_alert(record()), *later[:count])
        state = read(event, "event.json")
        assert (state["state"], state["retracted_by"]) == ("retracted", 2)
        assert (state["retracted"], state["reinstated_by"]) == (True, None)
        assert (state["current"]["number"], len(state["history"])) == (1, count + 1)
        assert read(event, "alerts.json")["retracted"] is True
        page = text_of(event / "index.html")
        assert "Retracted 2026-01-01 01:00:00 UTC" in page
        assert not any(word in page for word in ("in force", "confirmed", "sent again"))
    event = tmp_path / "2" / "results" / state["superevent_id"]
    said = "Alert 3 of the unknown type RETRACTED came after the retraction"
    assert said in text_of(event / "index.html")
    circular = " ".join((event / "circular.txt").read_text().split())
    assert "retracted, followed by RETRACTED (unknown alert type), alert 3" in circular
    assert "stands" not in circular


def test_known_type_takes_a_retraction_back_after_an_unknown_one(tmp_path: Path) -> None:
    kinds = (RETRACTION, {"alert_type": "CORRECTION"}, {"alert_type": "UPDATE"})
    later = (
        json_alert(record(time_created=f"2026-01-01T0{hour}:00:00Z", **kind))
        for hour, kind in enumerate(kinds, start=1)
    )
    state = read(process(tmp_path, json_alert(record()), *later), "event.json")
    assert (state["state"], state["retracted"]) == ("update", False)
    assert (state["retracted_by"], state["reinstated_by"]) == (2, 4)


def test_banner_has_the_time_of_the_first_retraction_of_the_run(tmp_path: Path) -> None:
    times = (f"2026-01-01T0{hour}:00:00Z" for hour in (1, 2))
    retractions = (json_alert(record(**RETRACTION, time_created=time)) for time in times)
    event = process(tmp_path, json_alert(record()), *retractions)
    assert "Retracted 2026-01-01 01:00:00 UTC" in text_of(event / "index.html")


@pytest.mark.parametrize(
    "data",
    [
        json_alert(record(**RETRACTION, time_created="2026-01-01T00:20:00+00:00")),
        json_alert(record(superevent_id="S1234")),
        json_alert(record(alert_type="PREMERGER")),
        b"\xef\xbb\xbf" + json_alert(record()),
        json.dumps({"format": "blob", "content": record()}).encode(),
    ],
)
def test_alert_that_an_earlier_version_rejected_is_stored_by_retry(
    tmp_path: Path, data: bytes
) -> None:
    put_in_quarantine(
        tmp_path, data, AlertError("as 0.3 said", "invalid_identity"), {"way": "listen"}
    )
    (entry,) = quarantine.list_entries(tmp_path)
    stored = retry(tmp_path, entry)
    assert stored.new
    assert stored.path.read_bytes() == data
    assert not quarantine.list_entries(tmp_path)


def test_identifier_that_differs_in_case_goes_to_quarantine_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    receiver = Receiver(tmp_path)
    receiver.accept(Arrival.now(json_alert(record(superevent_id="S260101ab")), "test"))
    urls = {"gracedb": "https://gracedb.ligo.org/superevents/S250101zz/view/"}
    data = avro_alert(record(superevent_id="S260101AB", urls=urls))
    receipt = receiver.accept(Arrival.now(data, "test"))
    assert isinstance(receipt.content, AlertError)
    (entry,) = quarantine.list_entries(tmp_path)
    assert all(name in entry.reason for name in ("'S260101AB'", "'S260101ab'", "retry"))
    assert entry.path.read_bytes() == data
    assert entry.claims == ClaimedIdentity("S260101AB", "PRELIMINARY", "2026-01-01T00:10:00Z")
    with pytest.raises(AlertError, match="only in case"):
        retry(tmp_path, entry)
    assert parse_alert(data).superevent_id == "S260101AB"
    assert list(store.list_superevents(tmp_path)) == ["S260101ab"]


@pytest.mark.parametrize("superevent", ["../S1", "", None, 3, ["S240422ed"]])
def test_decoded_record_of_a_hostile_identifier_claims_none(
    tmp_path: Path, superevent: object
) -> None:
    """The identifier in its link is that of another superevent."""
    urls = {"gracedb": "https://gracedb.ligo.org/superevents/S250101zz/view/"}
    data = json_alert(record(superevent_id=superevent, urls=urls))
    Receiver(tmp_path).accept(Arrival.now(data, "test"))
    (entry,) = quarantine.list_entries(tmp_path)
    assert entry.claims == ClaimedIdentity(None, "PRELIMINARY", "2026-01-01T00:10:00Z")

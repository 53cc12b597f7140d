"""event.json says which values stand, and never trusts a record."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import to_builtins
from paths import SCHEMAS
from summaries import summarize

SCHEMA = json.loads((SCHEMAS / "event.schema.json").read_text(encoding="utf-8"))
EVENT = {
    "time": "2026-11-22T03:08:04.741Z",
    "far": 9.9e-9,
    "significant": True,
    "instruments": ["H1", "L1"],
    "group": "CBC",
    "pipeline": "gstlal",
    "search": "AllSky",
    "properties": {"HasNS": 1.0, "HasRemnant": 0.91},
    "classification": {"BNS": 0.95, "NSBH": 0.03, "BBH": 0.0, "Terrestrial": 0.02},
    "duration": None,
    "central_frequency": None,
}


def alert(number: int, kind: str, created: str, **event: Any) -> dict[str, Any]:
    record = {"event": None if kind == "RETRACTION" else {**EVENT, **event}}
    return {"number": number, "alert_type": kind, "time_created": created, "record": record}


def summary(
    *alerts: dict[str, Any],
    superevent_id: str = "S261122ab",
    skymaps: dict[int, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    content = {"superevent_id": superevent_id, "alerts": list(alerts), "rejected": []}
    located = [{"number": n, "skymaps": [one]} for n, one in (skymaps or {}).items()]
    event = to_builtins(summarize(content, {"alerts": located}))
    result = json.loads(json.dumps(event, allow_nan=False))
    Draft202012Validator(SCHEMA).validate(result)
    assert isinstance(result, dict)
    return result


PRELIMINARY = alert(1, "PRELIMINARY", "2026-11-22T03:08:33Z", far=1e-7)
RETRACTION = alert(2, "RETRACTION", "2026-11-22T03:47:00Z")
INITIAL = alert(3, "INITIAL", "2026-11-22T04:10:00Z", far=2e-9)


def test_after_a_retraction_the_last_values_before_it_stand() -> None:
    event = summary(PRELIMINARY, RETRACTION)
    assert event["state"] == "retracted"
    assert (event["retracted_by"], event["reinstated_by"]) == (2, None)
    assert (event["current"]["number"], event["current"]["values"]["far"]) == (1, 1e-7)


def test_retracted_then_confirmed_is_in_force() -> None:
    event = summary(PRELIMINARY, RETRACTION, INITIAL)
    assert event["state"] == "initial"
    assert event["retracted"] is False
    assert (event["retracted_by"], event["reinstated_by"]) == (2, 3)
    assert event["current"]["number"] == 3


@pytest.mark.parametrize(
    ("kinds", "retracted_by", "reinstated_by"),
    [
        ("PRR", 2, None),
        ("RIRR", 3, None),
        ("RRI", 1, 3),
        ("RIRRUR", 6, None),
        ("PIRRIU", 3, 5),
    ],
)
def test_first_retraction_of_the_last_run_is_named(
    kinds: str, retracted_by: int, reinstated_by: int | None
) -> None:
    names = {"P": "PRELIMINARY", "I": "INITIAL", "U": "UPDATE", "R": "RETRACTION"}
    alerts = [
        alert(number, names[kind], f"2026-11-22T04:{number:02d}:00Z")
        for number, kind in enumerate(kinds, start=1)
    ]
    event = summary(*alerts)
    assert (event["retracted_by"], event["reinstated_by"]) == (retracted_by, reinstated_by)


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        *(
            ("PREMERGER", "PREMERGER"),
            ("Pre_Merger", "PREMERGER"),
            ("post-merger2", "POST-MERGER2"),
        ),
        *(("retracted", "RETRACTED"), ("early-warning", "EARLY-WARNING")),
        *(("no_readable_alert", "NOREADABLEALERT"), ("RETRACTIONS", "RETRACTIONS")),
    ],
)
def test_unknown_type_is_a_state_of_its_own_and_its_values_are_used(sent: str, state: str) -> None:
    event = summary(PRELIMINARY, alert(2, sent, "2026-11-22T03:47:00Z", far=3e-9))
    assert (event["state"], event["retracted"], event["retracted_by"]) == (state, False, None)
    assert (event["current"]["alert_type"], event["current"]["values"]["far"]) == (sent, 3e-9)


def test_times_are_rounded_to_milliseconds_in_utc() -> None:
    created = "2026-11-22T03:08:33.9996Z"
    times = alert(1, "UPDATE", created, time="2026-11-22T04:08:04.753906+01:00")
    (row,) = summary(times)["history"]
    assert (row["time_created"], row["latency_s"]) == ("2026-11-22T03:08:34Z", 29.246)
    assert row["values"]["trigger_time"] == "2026-11-22T03:08:04.754Z"


def test_event_time_that_cannot_be_read_is_unknown() -> None:
    event = summary(alert(1, "UPDATE", "2026-11-22T03:08:33Z", time="2026-11-22"))
    assert event["current"]["values"]["trigger_time"] is None
    assert event["history"][0]["latency_s"] is None


def test_times_sent_without_a_zone_are_named() -> None:
    sent = alert(1, "UPDATE", "2018-11-01T22:36:25Z", time="2018-11-01 22:22:46.654")
    sent["record"]["time_created"] = "2018-11-01 22:36:25"
    retraction = alert(2, "RETRACTION", "2018-11-01T23:00:00Z")
    retraction["record"]["time_created"] = "2018-11-02T00:00:00+01:00"
    event = summary(sent, retraction)
    assert [row["utc_assumed"] for row in event["history"]] == [
        ["time_created", "trigger_time"],
        [],
    ]


def test_retraction_alone_has_no_values() -> None:
    event = summary(RETRACTION)
    assert event["current"] is None
    assert event["summary_text"].startswith("Stop follow-up.")


GOOD = {"kind": "gw", "file": "x.fits", "area_90_deg2": 270.4, "probability_with_distance": 1.0}
REJECTED = {"kind": "gw", "rejection_reason": "the file is cut short"}
WITHHELD = {"kind": "gw", "file": "x.fits", "not_measured_reason": "PROBDENSITY sums to 2"}


@pytest.mark.parametrize(
    ("skymaps", "number"),
    [
        ({1: GOOD, 2: GOOD, 3: GOOD}, 3),
        ({1: GOOD, 2: GOOD}, 2),
        ({1: GOOD, 2: WITHHELD}, 1),
        ({1: GOOD, 2: GOOD, 3: WITHHELD}, 2),
        ({1: GOOD, 2: REJECTED, 3: WITHHELD}, 1),
        ({2: REJECTED, 3: WITHHELD}, None),
        ({}, None),
    ],
)
def test_newest_usable_map_is_used_where_that_of_the_current_alert_is_not(
    skymaps: dict[int, dict[str, Any]], number: int | None
) -> None:
    kinds = enumerate(("PRELIMINARY", "INITIAL", "UPDATE"), start=1)
    alerts = [alert(n, kind, f"2026-11-22T04:0{n}:00Z") for n, kind in kinds]
    event = summary(*alerts, skymaps=skymaps)
    assert event["current"]["number"] == 3
    assert event["skymap_alert_number"] == number


def test_delay_is_against_the_alerts_own_signal_time_and_may_be_negative() -> None:
    early = alert(1, "EARLYWARNING", "2026-11-22T03:07:51Z")
    event = summary(early, RETRACTION)
    assert [row["latency_s"] for row in event["history"]] == [-13.741, 2335.259]


def test_other_files_of_an_alert_are_told_and_not_counted() -> None:
    copy_of = {"file": "INITIAL/x.json", "format": "json", "sha256": "ab", "size_bytes": 7}
    received = {**INITIAL, "also_received_as": [copy_of]}
    event, alone = summary(PRELIMINARY, received), summary(PRELIMINARY, INITIAL)
    assert [row["also_received_as"] for row in event["history"]] == [[], [copy_of]]
    assert event["current"]["also_received_as"] == [copy_of]
    assert len(event["history"]) == len(alone["history"])
    assert event["history"][1]["latency_s"] == alone["history"][1]["latency_s"]


def test_kind_comes_from_the_identifier_only() -> None:
    mdc = alert(1, "UPDATE", "2026-11-22T03:08:33Z", search="MDC")
    assert summary(mdc)["category"] == "real"
    assert summary(PRELIMINARY, superevent_id="MS261122ab")["category"] == "mock"
    assert summary(PRELIMINARY, superevent_id="TS261122ab")["category"] == "test"


@pytest.mark.parametrize(
    ("superevent_id", "kind", "unusual"),
    [
        *(
            ("S261122ab", "real", False),
            ("MS261122ab", "mock", False),
            ("TS261122a", "test", False),
        ),
        *(("S1234", "real", True), ("M1234567", "mock", True), ("MS181101ab2", "mock", True)),
        *(("GW250101_123456", "real", True), ("T1", "test", True), ("ms261122ab", "real", True)),
        *(("S261122AB", "real", True), ("S261122", "real", True), ("X" * 64, "real", True)),
    ],
)
def test_first_character_decides_and_an_unusual_identifier_is_marked(
    superevent_id: str, kind: str, unusual: bool
) -> None:
    event = summary(PRELIMINARY, superevent_id=superevent_id)
    assert event["superevent_id"] == superevent_id
    assert (event["category"], event["unusual_identifier"]) == (kind, unusual)


def test_no_readable_alert_is_a_state() -> None:
    assert summary()["state"] == "no_readable_alert"


def test_absent_significance_is_unknown() -> None:
    sample = copy.deepcopy(PRELIMINARY)
    del sample["record"]["event"]["significant"]
    assert summary(sample)["current"]["values"]["significant"] is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x", "ftp://x", 7])
def test_only_http_addresses_are_kept(url: object) -> None:
    sample = copy.deepcopy(PRELIMINARY)
    sample["record"]["urls"] = {"gracedb": url}
    assert summary(sample)["gracedb"] is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(10**400)
    | st.text(st.characters(codec=None, categories=["L", "Cc", "Cf", "Cs", "P"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=150)
@given(
    event=st.fixed_dictionaries({}, optional=dict.fromkeys(EVENT, JSON)),
    coincidence=JSON | st.fixed_dictionaries({"observatory": JSON, "gcn_notice_id": JSON}),
    urls=JSON,
)
def test_no_record_breaks_the_summary(
    event: dict[str, Any], coincidence: object, urls: object
) -> None:
    sample = alert(1, "UPDATE", "2026-11-22T03:08:33Z")
    sample["record"] = {"event": event, "external_coinc": coincidence, "urls": urls}
    summary(sample)

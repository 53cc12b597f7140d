"""What products say of messages that could not be read."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine
from builders import json_alert, record
from jsonschema import Draft202012Validator
from pages import assert_safe
from paths import SCHEMAS
from superevents import moved, products

from sirenflow.alerts.claimed_identity import ClaimedIdentity
from sirenflow.errors import AlertError
from sirenflow.inbox import quarantine
from sirenflow.inbox.quarantine import QuarantineEntry
from sirenflow.products.event import UnreadableMessage
from sirenflow.stages.catalogue import catalogue
from sirenflow.stages.report import report
from sirenflow.superevent.unreadable_messages import MOST_LISTED, arrange, read_unreadable
from sirenflow.superevent.unreadable_text import NOTHING_UNREADABLE, headline_warning, warning

EVENT = "MS260101a"
HOSTILE = "</p><script>alert(1)</script>{{ 7 * 7 }}\x1b[2J\u202e\n" + "W" * 10_000


def keep(inbox: Path, reason: str = "no good", **sent: Any) -> QuarantineEntry:
    """Have a message in quarantine that says that it is this alert."""
    data = json_alert(record(**{"urls": ..., "event": None, **sent}))
    put_in_quarantine(inbox, data, AlertError(reason, "invalid_identity"), {"way": "listen"})
    return next(each for each in quarantine.list_entries(inbox) if each.path.read_bytes() == data)


def listed(inbox: Path, superevent: str | None = None) -> list[dict[str, Any]]:
    unreadable = read_unreadable(inbox)
    found = unreadable.all() if superevent is None else unreadable.of(superevent)
    messages: list[dict[str, Any]] = found["listed"]
    return messages


# ---------------------------------------------------------------------------------- which, in order


def test_message_is_described_by_its_content(tmp_path: Path) -> None:
    entry = keep(tmp_path, "why\nnot", time_created="2026-01-01 01:10:00+01:00")
    assert read_unreadable(tmp_path).all() == {
        "count": 1,
        "retractions": 0,
        "listed": [
            {
                "name": entry.name,
                "size_bytes": entry.size_bytes,
                "kind": "invalid_identity",
                "reason": "why\ufffdnot",
                "superevent_id": EVENT,
                "alert_type": "PRELIMINARY",
                "time_created": "2026-01-01T00:10:00Z",
            }
        ],
        "quarantine_error": None,
    }


def test_no_quarantine_is_nothing(tmp_path: Path) -> None:
    unreadable = read_unreadable(tmp_path)
    assert unreadable.all() == unreadable.of(EVENT) == NOTHING_UNREADABLE
    assert unreadable.digest() == unreadable.digest(EVENT) == ""


def test_order_is_of_what_they_claim_and_not_of_arrival(tmp_path: Path) -> None:
    """Retractions first, then the newest; without a time, last."""
    times = ("2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z", "1999-01-01T00:00:00Z", "yesterday")
    names = [
        keep(tmp_path, alert_type=kind, time_created=time).name
        for kind in ("RETRACTION", "UPDATE")
        for time in times
    ]
    found = quarantine.list_entries(tmp_path)
    random.Random(1).shuffle(found)  # noqa: S311 - the same each time
    assert [each.name for each in arrange(found).messages] == names
    assert arrange(found) == read_unreadable(tmp_path)


def test_superevent_has_those_that_claim_to_be_about_it_whatever_the_case(tmp_path: Path) -> None:
    mine = {keep(tmp_path, superevent_id=name).name for name in (EVENT, "ms260101A")}
    for other in ("MS260101ab", "S260101a", "../S1", "", None):
        keep(tmp_path, superevent_id=other)
    assert {each["name"] for each in listed(tmp_path, EVENT)} == mine
    assert len(listed(tmp_path)) == 7


def test_files_and_messages_count_alike(tmp_path: Path) -> None:
    for number, way in enumerate(("listen", "ingest", "recovered")):
        put_in_quarantine(tmp_path, b"%d" % number, AlertError("no"), {"way": way})
    assert read_unreadable(tmp_path).all()["count"] == 3


def test_thousands_are_counted_and_some_are_listed(tmp_path: Path) -> None:
    entries = [
        QuarantineEntry(
            f"{number:012x}",
            tmp_path / "x.bin",
            "invalid_identity",
            HOSTILE,
            9,
            {},
            claimed_update(),
        )
        for number in range(3000)
    ]
    said = arrange(entries).of(EVENT)
    assert (said["count"], len(said["listed"])) == (3000, MOST_LISTED)
    assert len(json.dumps(said)) < 20_000


def claimed_update() -> ClaimedIdentity:
    return ClaimedIdentity(EVENT, "UPDATE", "2026-01-01T00:00:00Z")


def test_digest_changes_with_what_is_said_only(tmp_path: Path) -> None:
    entry = keep(tmp_path)
    before = [read_unreadable(tmp_path).digest(name) for name in (None, EVENT, "S260101a")]
    assert "" not in before[:2]
    assert before[2] == ""
    note = json.loads(entry.path.with_suffix(".reason.json").read_bytes())
    for change, same in (({"time_received": "2027"}, True), ({"reason": "other"}, False)):
        entry.path.with_suffix(".reason.json").write_text(json.dumps(note | change))
        after = [read_unreadable(tmp_path).digest(name) for name in (None, EVENT, "S260101a")]
        assert (after == before) is same
        assert not after[2]


# -------------------------------------------------------------------------------------------- words


def message(alert_type: str | None = "UPDATE") -> UnreadableMessage:
    return UnreadableMessage(
        name="0" * 12,
        size_bytes=9,
        kind="invalid_identity",
        reason="no good",
        superevent_id=EVENT,
        alert_type=alert_type,
    )


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ([], ""),
        ([None], "1 message about it could not be read"),
        (["Retraction"], "1 message about it could not be read: it says that it is a retraction"),
        (
            ["RETRACTION", "UPDATE"],
            "2 messages about it could not be read: one says that it is a retraction",
        ),
        (
            ["RETRACTION", "RETRACTION", None],
            "3 messages about it could not be read: 2 say that they are retractions",
        ),
    ],
)
def test_warning_counts_messages_and_names_retractions(types: list[str | None], said: str) -> None:
    retractions = sum(message(kind).is_retraction for kind in types)
    assert warning(len(types), retractions, "it") == said


def test_warning_groups_thousands() -> None:
    assert warning(12345, 0) == "12,345 messages could not be read"


def test_headline_opens_with_what_could_not_be_read() -> None:
    assert headline_warning([]) == ""
    assert headline_warning([message()]) == "UNREADABLE MESSAGE: "
    assert headline_warning([message(), message("RETRACTION")]) == "UNREADABLE RETRACTION: "


# ----------------------------------------------------------------------------------------- products


def made(folder: Path) -> Path:
    """Make the products of a superevent, and the catalogue, of what is in quarantine."""
    event = products(folder, *moved())
    unreadable = read_unreadable(folder / "inbox")
    files = (event / "alerts.json", event / "localization.json", event / "skymaps")
    parts = (event / "regions.json", event / "regions")
    pages = (event / name for name in ("index.html", "event.json", "circular.txt"))
    report(*files, *parts, *pages, unreadable=unreadable.of(EVENT))
    tables = (event.parent / f"catalogue.{kind}" for kind in ("ecsv", "csv", "json", "vot"))
    page, feed = event.parent / "index.html", event.parent / "events.atom"
    catalogue([event / "event.json"], page, *tables, feed, unreadable=unreadable.all())
    return event


def test_superevent_with_a_retraction_that_could_not_be_read(tmp_path: Path) -> None:
    entry = keep(tmp_path / "inbox", "time_created '?'", alert_type="RETRACTION")
    keep(tmp_path / "inbox", superevent_id="S1")
    event = made(tmp_path)
    content = json.loads((event / "event.json").read_text())
    schema = json.loads((SCHEMAS / "event.schema.json").read_text())
    Draft202012Validator(schema).validate(content)
    assert content["unreadable_message_count"] == 1
    (told,) = content["unreadable_messages"]
    assert (told["name"], told["reason"]) == (entry.name, "time_created '?'")
    assert content["summary_line"].startswith("TEST, do not observe: UNREADABLE RETRACTION: ")
    assert len(content["summary_line"]) <= 140
    said = "1 message about this superevent could not be read: it says that it is a retraction"
    text = (event / "circular.txt").read_text()
    assert f"WARNING: {said}." in " ".join(text.split())
    page = (event / "index.html").read_text()
    assert f"<h2>{said}</h2>" in page
    assert page.index(said) < page.index("<h1>")
    assert "time_created &#39;?&#39;" in page
    assert entry.name in page


def test_catalogue_says_how_many_and_links_to_the_superevent(tmp_path: Path) -> None:
    for name in (EVENT.lower(), "S999999zz", "../../x"):
        keep(tmp_path / "inbox", superevent_id=name)
    results = made(tmp_path).parent
    page = (results / "index.html").read_text()
    assert "<h2>3 messages could not be read</h2>" in page
    assert f'<a href="{EVENT}/index.html">{EVENT.lower()}</a>' in page
    assert "S999999zz" in page
    assert 'href="S999999zz' not in page
    content = json.loads((results / "catalogue.json").read_text())
    assert content["unreadable_message_count"] == len(content["unreadable_messages"]) == 3


def test_without_any_products_do_not_mention_it(tmp_path: Path) -> None:
    event = made(tmp_path)
    for file in (event / "index.html", event / "circular.txt", event.parent / "index.html"):
        assert "could not be read" not in file.read_text()
    content = json.loads((event / "event.json").read_text())
    assert (content["unreadable_message_count"], content["unreadable_messages"]) == (0, [])
    content = json.loads((event.parent / "catalogue.json").read_text())
    assert (content["unreadable_message_count"], content["unreadable_messages"]) == (0, [])


def loop(quarantine_: Path) -> None:
    quarantine_.symlink_to(quarantine_.name)


def broken_link(quarantine_: Path) -> None:
    quarantine_.symlink_to("nowhere")


BROKEN_QUARANTINES = {
    loop: "Too many levels of symbolic links",
    broken_link: "No such file or directory",
    Path.touch: "Not a directory",
}


@pytest.mark.parametrize("damage", BROKEN_QUARANTINES)
def test_quarantine_that_cannot_be_read_is_reported_by_page_and_catalogue(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Messages that were shown before are gone from the products: a retraction may be missing."""
    (tmp_path / "inbox").mkdir()
    damage(tmp_path / "inbox/quarantine")
    event = made(tmp_path)
    said = "The quarantine cannot be read: messages about this superevent may be missing"
    reason = BROKEN_QUARANTINES[damage]
    page = (event / "index.html").read_text()
    assert page.index(f"<h2>{said}</h2>") < page.index("<h1>")
    assert f"{reason}. A retraction may be among them" in page
    catalogue_page = (event.parent / "index.html").read_text()
    assert "<h2>The quarantine cannot be read: messages may be missing</h2>" in catalogue_page
    assert reason in catalogue_page
    for text in (page, catalogue_page):
        assert_safe(text)
        assert str(tmp_path) not in text
    content = json.loads((event / "event.json").read_text())
    schema = json.loads((SCHEMAS / "event.schema.json").read_text())
    Draft202012Validator(schema).validate(content)
    assert "UNREADABLE QUARANTINE: " in content["summary_line"]
    assert said[1:] in " ".join((event / "circular.txt").read_text().split())
    listing = json.loads((event.parent / "catalogue.json").read_text())
    for product in (content, listing):
        assert (product["unreadable_message_count"], product["unreadable_messages"]) == (None, [])
        assert product["quarantine_error"] == reason


def test_quarantine_that_cannot_be_read_changes_every_digest(tmp_path: Path) -> None:
    loop(tmp_path / "quarantine")
    unreadable = read_unreadable(tmp_path)
    assert "" not in {unreadable.digest(), unreadable.digest(EVENT)}


def test_error_of_the_machine_hides_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the directory may be listed, and its files not be looked at."""
    keep(tmp_path)

    def fail(file: Path) -> QuarantineEntry:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    monkeypatch.setattr(quarantine, "_read_entry_notes", fail)
    assert read_unreadable(tmp_path).quarantine_error == "Permission denied"


def test_hostile_messages_leave_safe_and_bounded_products(tmp_path: Path) -> None:
    for number in range(40):
        keep(tmp_path / "inbox", f"{number}{HOSTILE}", alert_type=f"T{number}<script>")
    for name in ("S1<script>", "S" * 64, "javascript:alert(1)"):
        keep(tmp_path / "inbox", HOSTILE, superevent_id=name)
    event = made(tmp_path)
    for page in (event / "index.html", event.parent / "index.html"):
        assert_safe(page.read_text())
    page = (event / "index.html").read_text()
    banner = page[page.index('id="unreadable"') :].partition("</section>")[0]
    assert "and 35 more: <code>sirenflow quarantine list</code>" in banner
    assert len(banner) < 4000
    lines = (event / "circular.txt").read_text().splitlines()
    assert max(map(len, lines)) <= 78
    assert json.loads((event / "event.json").read_text())["unreadable_message_count"] == 40


def test_retractions_that_are_not_listed_are_counted(tmp_path: Path) -> None:
    count = MOST_LISTED + 5
    for number in range(count):
        keep(tmp_path / "inbox", f"{number}", alert_type="RETRACTION", time_created=f"{number}")
    keep(tmp_path / "inbox")
    event = made(tmp_path)
    said = f"{count + 1} messages about this superevent could not be read: {count} say that they"
    circular = " ".join((event / "circular.txt").read_text().split())
    assert said in circular
    assert said in (event / "index.html").read_text()
    everywhere = f"{count + 1} messages could not be read: {count} say that they are retractions"
    assert everywhere in (event.parent / "index.html").read_text()
    for file in (event / "event.json", event.parent / "catalogue.json"):
        assert json.loads(file.read_text())["unreadable_retraction_count"] == count


def test_catalogue_without_superevents_says_it(tmp_path: Path) -> None:
    """The first message of a new inbox may be the one that cannot be read."""
    keep(tmp_path / "inbox")
    tables = (tmp_path / f"catalogue.{kind}" for kind in ("ecsv", "csv", "json", "vot", "atom"))
    said = read_unreadable(tmp_path / "inbox").all()
    catalogue([], tmp_path / "index.html", *tables, unreadable=said)
    assert "<h2>1 message could not be read</h2>" in (tmp_path / "index.html").read_text()

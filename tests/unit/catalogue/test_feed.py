"""The Atom feed: valid by RFC 4287, the newest first, with ids that never change."""

import re
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sirenflow.catalogue.feed import ENTRIES, feed_text
from sirenflow.catalogue.row import CatalogueRow

ATOM = "{http://www.w3.org/2005/Atom}"
ROW = CatalogueRow(
    **{  # type: ignore[arg-type]
        **dict.fromkeys(CatalogueRow.__struct_fields__),
        "superevent_id": "S261122ab",
        "category": "real",
        "state": "update",
        "retracted": False,
        "alert_number": 3,
        "alert_type": "UPDATE",
        "time_created": "2026-11-22T03:08:33Z",
        "summary_text": "Probably a binary neutron star.",
        "summary_line": "CBC (HasRemnant=91%), 186 Mpc",
        "link": "S261122ab/index.html",
    }
)


def parse(rows: list[CatalogueRow]) -> ET.Element:
    """Parse the feed, and check what RFC 4287 asks of every one."""
    root = ET.fromstring(feed_text(rows, "index.html", "events.atom").encode())  # noqa: S314 - ours
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (only,) = element.findall(f"{ATOM}{name}")
            assert only.text
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
        relations = [link.get("rel") for link in element.findall(f"{ATOM}link")]
        assert relations.count("alternate") == 1
        assert re.fullmatch(r"tag:sirenflow,2026:\w+", element.findtext(f"{ATOM}id") or "")
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    ids = [entry.findtext(f"{ATOM}id") for entry in root.iter(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids)
    return root


def titles(root: ET.Element) -> list[str]:
    return [entry.findtext(f"{ATOM}title") or "" for entry in root.iter(f"{ATOM}entry")]


def test_entry_tells_the_state_of_a_superevent() -> None:
    (entry,) = parse([ROW]).iter(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "S261122ab CBC (HasRemnant=91%), 186 Mpc"
    assert entry.findtext(f"{ATOM}updated") == "2026-11-22T03:08:33Z"
    assert entry.findtext(f"{ATOM}summary") == (
        "Probably a binary neutron star. Alert 3, Update, 2026-11-22T03:08:33Z."
    )
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == "S261122ab/index.html"


def test_new_alert_keeps_the_id_and_changes_the_time() -> None:
    retraction = structs.replace(
        ROW,
        alert_number=4,
        alert_type="RETRACTION",
        state="retracted",
        retracted=True,
        summary_line="RETRACTED: CBC",
        time_created="2026-11-23T00:00:00Z",
    )
    before, after = (next(parse([row]).iter(f"{ATOM}entry")) for row in (ROW, retraction))
    assert before.findtext(f"{ATOM}id") == after.findtext(f"{ATOM}id")
    assert after.findtext(f"{ATOM}title") == "S261122ab RETRACTED: CBC"
    assert after.findtext(f"{ATOM}updated") == "2026-11-23T00:00:00Z"


def test_newest_alert_is_first_whatever_the_order_and_the_feed_is_as_new() -> None:
    rows = [
        structs.replace(ROW, superevent_id=f"S26{n:04}a", time_created=f"2026-11-22T03:{n:02}:00Z")
        for n in range(ENTRIES + 9)
    ]
    root = parse(rows)
    assert len(titles(root)) == ENTRIES
    assert titles(root)[0].startswith(f"S26{ENTRIES + 8:04}a")
    assert root.findtext(f"{ATOM}updated") == f"2026-11-22T03:{ENTRIES + 8:02}:00Z"
    assert ET.tostring(parse(rows[::-1])) == ET.tostring(root)


def test_mock_events_are_told_only_where_there_is_nothing_else() -> None:
    mock = structs.replace(
        ROW, superevent_id="MS261122ab", category="mock", summary_line="TEST, do not observe"
    )
    assert [title.split()[0] for title in titles(parse([mock, ROW]))] == ["S261122ab"]
    assert titles(parse([mock])) == ["MS261122ab TEST, do not observe"]


def test_superevent_without_readable_alert_is_left_out_and_no_event_is_a_feed() -> None:
    assert titles(parse([structs.replace(ROW, time_created=None, alert_type=None)])) == []
    assert parse([]).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "text", ["</title><script>alert(1)</script>", "]]>&lt;", "\x00\x0b\ufffe\ud800", "&x;"]
)
def test_hostile_text_is_text(text: str) -> None:
    (entry,) = parse([structs.replace(ROW, summary_line=text, summary_text=text)]).iter(
        f"{ATOM}entry"
    )
    allowed = re.sub("[\x00\x0b\ufffe\ud800]", "\ufffd", text)
    assert entry.findtext(f"{ATOM}title") == f"S261122ab {allowed}"
    assert {element.tag for element in entry} == {
        f"{ATOM}{name}" for name in ("title", "id", "updated", "link", "category", "summary")
    }


@given(st.text(st.characters()))
def test_any_text_gives_xml(text: str) -> None:
    parse(
        [structs.replace(ROW, summary_line=text, summary_text=text, link=f"x/{text}", state=text)]
    )

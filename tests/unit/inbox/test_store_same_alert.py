"""The same alert that came in other bytes is kept too, and the inbox knows that it is the same."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from arrivals import content_hash, put_alert
from builders import avro_alert, json_alert, record, with_map
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.alerts.alert import parse_alert
from sirenflow.inbox import store
from sirenflow.inbox.arrival import Arrival

AVRO, PACKED = avro_alert(with_map(b"map")), avro_alert(with_map(b"map"), codec="deflate")
JSON = json_alert(with_map(b"map"))
OTHER = json_alert(record(urls={}))  # of the same superevent, type and time


def take_in(directory: Path, data: bytes) -> store.Stored:
    return put_alert(directory, data, {"way": "test"})


def name_of(data: bytes) -> str:
    return store.alert_path(parse_alert(data).identity).name


def note_of(stored: store.Stored) -> Path:
    return stored.path.with_suffix(".meta.json")


@pytest.mark.parametrize(("first", "second"), [(AVRO, JSON), (JSON, AVRO), (AVRO, PACKED)])
def test_same_alert_in_other_bytes_is_kept_and_names_the_first(
    tmp_path: Path, first: bytes, second: bytes
) -> None:
    earlier = take_in(tmp_path, first)
    note = json.loads(note_of(earlier).read_bytes())
    later = take_in(tmp_path, second)
    assert (earlier.same_alert_as, later.same_alert_as) == ((), (earlier.path.name,))
    assert later.new is True
    assert json.loads(note_of(later).read_bytes())["same_alert_as"] == [earlier.path.name]
    content = {"content_sha256": parse_alert(first).content_sha256}
    assert json.loads(note_of(earlier).read_bytes()) == note | content
    assert json.loads(note_of(later).read_bytes())["content_sha256"] == content["content_sha256"]
    assert store.list_superevents(tmp_path)["MS260101a"] == sorted([earlier.path, later.path])


def test_early_warning_in_both_spellings_is_the_same_alert(tmp_path: Path) -> None:
    old, new = (avro_alert(record(alert_type=each)) for each in ("EARLY_WARNING", "EARLYWARNING"))
    first = take_in(tmp_path, old)
    assert take_in(tmp_path, new).same_alert_as == (first.path.name,)


@pytest.mark.slow
@given(st.lists(st.sampled_from([AVRO, PACKED, JSON, OTHER]), max_size=6))
def test_alert_names_all_before_it_that_are_the_same(arrivals: list[bytes]) -> None:
    with TemporaryDirectory() as directory:
        here: set[bytes] = set()
        for data in arrivals:
            stored = take_in(Path(directory), data)
            same = here - {data, OTHER} if data != OTHER else set()
            assert stored.same_alert_as == tuple(sorted(map(name_of, same)))
            assert stored.new is (data not in here)
            if stored.new:
                note = json.loads(note_of(stored).read_bytes())
                assert note["same_alert_as"] == list(stored.same_alert_as)
            here.add(data)


@pytest.mark.parametrize("note", [None, b"", b'{"same_', b"\xff\x00", b"[]"])
def test_missing_or_damaged_note_hides_nothing(tmp_path: Path, note: bytes | None) -> None:
    """Whoever wrote the first may have been stopped before its note."""
    first = take_in(tmp_path, AVRO)
    note_of(first).unlink() if note is None else note_of(first).write_bytes(note)
    second = take_in(tmp_path, JSON)
    assert second == store.Stored(second.path, True, (first.path.name,))
    again = take_in(tmp_path, AVRO)
    assert again == store.Stored(first.path, False, (second.path.name,))
    if note is None:
        assert json.loads(note_of(first).read_bytes())["same_alert_as"] == [second.path.name]


@pytest.mark.parametrize("damaged", [b"", AVRO[:-20], b"no alert", OTHER])
def test_damaged_alert_is_no_longer_the_same_and_stops_nothing(
    tmp_path: Path, damaged: bytes
) -> None:
    first = take_in(tmp_path, AVRO)
    first.path.write_bytes(damaged)
    assert take_in(tmp_path, JSON).same_alert_as == ()
    assert take_in(tmp_path, PACKED).same_alert_as == (name_of(JSON),)
    # It comes again: what the disk has lost is there once more.
    again = take_in(tmp_path, AVRO)
    assert (again.new, again.path.read_bytes()) == (True, AVRO)
    assert again.same_alert_as == tuple(sorted([name_of(JSON), name_of(PACKED)]))


def test_alert_that_is_gone_is_not_named(tmp_path: Path) -> None:
    take_in(tmp_path, AVRO).path.unlink()
    assert take_in(tmp_path, JSON).same_alert_as == ()


def test_other_files_beside_are_not_named(tmp_path: Path) -> None:
    """Temporary files, strangers, directories, and alerts of another time."""
    place = (tmp_path / store.alert_path(parse_alert(AVRO).identity)).parent
    (place / "20260101T001000Z-directory.avro").mkdir(parents=True)
    for name in (".20260101T001000Z-x.avro.tmp", "20260101T001000Z-x.txt", "20260101T0010-x.avro"):
        (place / name).write_bytes(AVRO)
    assert take_in(tmp_path, JSON).same_alert_as == ()


def test_alert_kept_beside_its_damaged_file_is_not_its_own_double(tmp_path: Path) -> None:
    first = take_in(tmp_path, AVRO)
    first.path.write_bytes(b"damaged")
    take_in(tmp_path, AVRO)
    assert take_in(tmp_path, AVRO) == store.Stored(
        first.path.with_name(f"20260101T001000Z-{parse_alert(AVRO).sha256}.avro"), False
    )


def test_content_is_hashed_only_where_the_second_has_another_alert_and_once_per_alert(
    tmp_path: Path,
) -> None:
    hashed: list[bytes] = []

    def hash_content(data: bytes) -> str:
        hashed.append(data)
        return content_hash(data)

    def take(data: bytes) -> None:
        store.store_alert(tmp_path, parse_alert(data).identity, Arrival(data, {}), hash_content)

    take(AVRO)
    take(json_alert(record(time_created="2026-01-01T00:10:01Z")))
    assert hashed == []
    take(JSON)
    assert hashed == [JSON, AVRO]
    for data in (PACKED, AVRO, JSON):
        take(data)
    assert hashed == [JSON, AVRO, PACKED]

"""What a source remembers: where it was, and what was gone before it could be read."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.errors import InboxError
from sirenflow.files.durable import replace_file
from sirenflow.kafka.read_position import Gap, ReadPosition


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".listener" / "host+topic.json"


def begun(file: Path) -> ReadPosition:
    progress = ReadPosition(file)
    progress.begin("group")
    return progress


def state(progress: ReadPosition) -> tuple[Any, ...]:
    positions = [progress.position(number) for number in range(4)]
    return (progress.group_id, progress.last_alert, progress.gaps, positions)


def test_before_the_first_message_nothing_is_known(file: Path) -> None:
    progress = ReadPosition(file)
    assert state(progress) == (None, None, (), [None] * 4)
    assert not file.parent.exists()


def test_position_is_after_the_last_message_of_each_partition(file: Path) -> None:
    progress = begun(file)
    for partition, offset in [(0, 10), (2, 0), (0, 11)]:
        assert progress.advance(partition, offset, is_alert=False) is None
    assert [progress.position(number) for number in range(3)] == [12, None, 1]


def test_first_message_at_any_offset_is_no_gap(file: Path) -> None:
    """What was sent before the listener began was never asked for."""
    assert begun(file).advance(0, 1_000_000, is_alert=True) is None


def test_offset_ahead_is_a_gap(file: Path) -> None:
    progress = begun(file)
    progress.advance(1, 4, is_alert=True)
    gap = progress.advance(1, 9, is_alert=True)
    assert gap is not None
    assert (gap.partition, gap.first, gap.last, gap.size) == (1, 5, 8, 4)
    assert progress.gaps == (gap,)
    assert datetime.fromisoformat(gap.time_found).tzinfo is not None
    assert progress.advance(1, 10, is_alert=True) is None


def test_one_missing_message_is_a_gap_of_one(file: Path) -> None:
    progress = begun(file)
    progress.advance(0, 0, is_alert=True)
    gap = progress.advance(0, 2, is_alert=True)
    assert gap is not None
    assert (gap.first, gap.last, gap.size) == (1, 1, 1)


def test_redelivery_is_no_gap(file: Path) -> None:
    """The server gives again all since the last commit, in the same order."""
    progress = begun(file)
    for offset in (0, 1, 2, 3, 1, 2, 3, 4):
        assert progress.advance(0, offset, is_alert=True) is None
    assert progress.position(0) == 5


def test_topic_made_anew_is_read_from_its_beginning_without_gap(file: Path) -> None:
    progress = begun(file)
    progress.advance(0, 500, is_alert=True)
    assert progress.advance(0, 0, is_alert=True) is None
    assert progress.advance(0, 1, is_alert=True) is None


@given(
    runs=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=15
    )
)
def test_gaps_are_what_was_never_delivered(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, int, int]]
) -> None:
    """Whatever is deleted, delivered again, and however often the listener starts again."""
    file = tmp_path_factory.mktemp("progress") / "progress.json"
    progress = begun(file)
    delivered: dict[int, set[int]] = {}
    ends: dict[int, int] = {}
    for partition, deleted, count in runs:
        first = ends.get(partition, 0) + deleted
        again = [first - 1] * (count if deleted == 0 and partition in ends else 0)
        for offset in [*again, first]:
            delivered.setdefault(partition, set()).add(offset)
            progress.advance(partition, offset, is_alert=False)
        ends[partition] = first + 1
        progress = ReadPosition(file)
    missing = {
        (partition, offset)
        for partition, offsets in delivered.items()
        for offset in set(range(min(offsets), ends[partition])) - offsets
    }
    told = [
        (gap.partition, offset)
        for gap in progress.gaps
        for offset in range(gap.first, gap.last + 1)
    ]
    assert sorted(told) == sorted(missing)


def test_everything_is_kept_over_a_restart(file: Path) -> None:
    progress = begun(file)
    progress.advance(0, 1, is_alert=True)
    progress.advance(0, 5, is_alert=False)
    progress.advance(3, 7, is_alert=False)
    again = ReadPosition(file)
    assert state(again) == state(progress)
    assert (again.group_id, again.position(0)) == ("group", 6)
    assert again.last_alert is not None
    assert [gap.size for gap in again.gaps] == [3]


def test_only_alerts_count_as_the_last_alert(file: Path) -> None:
    progress = begun(file)
    progress.advance(0, 0, is_alert=False)
    assert progress.last_alert is None
    before = datetime.now(UTC)
    progress.advance(0, 1, is_alert=True)
    alert = progress.last_alert
    assert alert is not None
    assert before <= alert <= datetime.now(UTC)
    progress.advance(0, 2, is_alert=False)
    assert progress.last_alert == alert


def test_another_group_begins_anew_and_what_is_lost_stays_lost(file: Path) -> None:
    progress = begun(file)
    progress.advance(0, 0, is_alert=True)
    progress.advance(0, 5, is_alert=True)
    progress.begin("other")
    for known in (progress, ReadPosition(file)):
        assert known.group_id == "other"
        assert known.position(0) is None
        assert [gap.size for gap in known.gaps] == [4]
        assert known.last_alert is not None
    assert progress.advance(0, 90, is_alert=True) is None


def test_only_the_latest_gaps_are_kept(file: Path) -> None:
    progress = begun(file)
    for offset in range(0, 400, 2):
        progress.advance(0, offset, is_alert=False)
    assert len(progress.gaps) == 100
    assert progress.gaps[-1].first == 397


KEPT = {"group_id": "g", "last_alert": None, "positions": {"0": 5}, "gaps": []}
GAP = {"partition": 0, "first": 1, "last": 2, "time_found": "2026-11-22T17:00:00+00:00"}


def test_file_of_this_form_is_read(file: Path) -> None:
    replace_file(file, json.dumps({**KEPT, "gaps": [GAP]}).encode())
    progress = ReadPosition(file)
    assert (progress.group_id, progress.position(0)) == ("g", 5)
    assert progress.gaps == (Gap(0, 1, 2, "2026-11-22T17:00:00+00:00"),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 200,
        json.dumps(KEPT).encode()[:-10],
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b"{}",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"positions": ' + b"9" * 5000 + b', "gaps": []}',
        *(
            json.dumps({**KEPT, **wrong}).encode()
            for wrong in (
                {"positions": None},
                {"positions": [1]},
                {"positions": {"0": "5"}},
                {"positions": {"0": None}},
                {"positions": {"0": 1.5}},
                {"positions": {"0": True}},
                {"gaps": None},
                {"gaps": 3},
                {"gaps": [3]},
                {"gaps": [{}]},
                {"gaps": [{**GAP, "more": 1}]},
                {"gaps": [{**GAP, "first": "1"}]},
                {"gaps": [{**GAP, "last": None}]},
                {"gaps": [{**GAP, "time_found": 3}]},
                {"gaps": [{**GAP, "time_found": "yesterday"}]},
                {"gaps": [{**GAP, "time_found": "2026-11-22T17:00:00"}]},
            )
        ),
    ],
)
def test_damaged_file_is_a_new_start(file: Path, content: bytes) -> None:
    """What is kept of it must do all that a listener does with it."""
    replace_file(file, content)
    progress = ReadPosition(file)
    assert state(progress) == (None, None, (), [None] * 4)
    progress.begin("group")
    progress.advance(0, 3, is_alert=True)
    assert progress.advance(0, 3, is_alert=True) is None
    assert ReadPosition(file).position(0) == 4


@pytest.mark.parametrize("time", ["yesterday", 3, ["x"], "2026-11-22T17:00:00", ""])
def test_time_that_is_none_is_not_known(file: Path, time: object) -> None:
    """A time without zone cannot be compared with the present."""
    replace_file(file, json.dumps({**KEPT, "last_alert": time}).encode())
    progress = ReadPosition(file)
    assert progress.last_alert is None
    assert progress.position(0) == 5


def test_file_that_cannot_be_read_is_a_new_start(file: Path) -> None:
    file.mkdir(parents=True)
    assert ReadPosition(file).group_id is None


def make_unwritable(file: Path) -> None:
    """Put a file where the directory was: nobody, not even root, can write below it."""
    file.parent.rename(file.parent.with_name("kept"))
    file.parent.touch()


def make_writable(file: Path) -> None:
    file.parent.unlink()
    file.parent.with_name("kept").rename(file.parent)


def test_failure_to_write_leaves_all_as_it_was(file: Path) -> None:
    """The message is tried again, and then the gap before it must still be seen."""
    progress = begun(file)
    progress.advance(0, 1, is_alert=False)
    before = state(progress)
    make_unwritable(file)
    for _ in range(2):
        with pytest.raises(InboxError, match=r"topic\.json cannot be written: "):
            progress.advance(0, 5, is_alert=True)
        assert state(progress) == before
    make_writable(file)
    gap = progress.advance(0, 5, is_alert=True)
    assert gap is not None
    assert gap.size == 3
    assert progress.gaps == (gap,)


def test_group_that_could_not_be_written_is_not_taken(file: Path) -> None:
    """Else the next try would read in a group that the next start does not know."""
    progress = begun(file)
    progress.advance(0, 1, is_alert=False)
    before = state(progress)
    make_unwritable(file)
    with pytest.raises(InboxError):
        progress.begin("other")
    assert state(progress) == before


def test_replacing_leaves_the_new_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    for data in (b"first, and longer", b"second"):
        replace_file(path, data)
        assert path.read_bytes() == data
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_whoever_has_opened_the_old_file_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    with path.open("rb") as old:
        replace_file(path, b"new")
        assert old.read() == b"old"


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_failed_replacement_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "write":
        monkeypatch.setattr(Path, "open", fail)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InboxError) as caught:
        replace_file(path, b"new", synced=True)
    monkeypatch.undo()
    assert str(caught.value) == f"{path} cannot be written: No space left on device"
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("synced", [True, False])
def test_only_what_must_survive_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> None:
    """A sync after each message would take as long as to store it."""
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    replace_file(tmp_path / "file", b"data", synced=synced)
    assert bool(calls) == synced


def test_position_is_written_again_where_the_directory_was_replaced(tmp_path: Path) -> None:
    """As when the inbox was moved away and another one put in its place."""
    file = tmp_path / "state" / "progress.json"
    progress = ReadPosition(file)
    progress.begin("group")
    progress.advance(0, 6, is_alert=True)
    file.parent.rename(tmp_path / "old")
    file.parent.mkdir()
    progress.advance(0, 7, is_alert=True)
    assert ReadPosition(file).position(0) == 8

"""A listener's heartbeat says whether it is well, and if not, what is the matter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sirenflow.errors import InboxError
from sirenflow.monitoring import health
from sirenflow.monitoring.health import Heartbeat, SourceHealth

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SILENCE = timedelta(hours=2)
JUST_MORE = timedelta(seconds=1)
MANY_DAYS = timedelta(days=30)
SOURCE = SourceHealth(
    name="kafka.scimma.org/igwn.gwalert",
    state="connected",
    since=NOW - timedelta(hours=5),
    last_answer=NOW - timedelta(seconds=6),
    last_alert=NOW - timedelta(minutes=20),
    lag=0,
)
WELL = Heartbeat(
    pid=4321,
    host="observatory",
    version="0.1.0",
    time_started=NOW - MANY_DAYS,
    time=NOW - timedelta(seconds=5),
    stopped=False,
    sources=(SOURCE,),
)


def with_source(**changes: Any) -> Heartbeat:
    return replace(WELL, sources=(replace(SOURCE, **changes),))


def problems(heartbeat: Heartbeat) -> list[str]:
    return list(health.listener_problems(heartbeat, NOW, SILENCE))


def test_healthy_listener_has_no_problem_and_a_line_a_source() -> None:
    other = replace(SOURCE, name="other/topic", last_alert=None, lag=None)
    heartbeat = replace(WELL, sources=(SOURCE, other))
    assert problems(WELL) == []
    assert list(health.describe_listener(heartbeat, NOW)) == [
        "kafka.scimma.org/igwn.gwalert: connected for 5 h 0 min, last alert 20 min ago, 0 waiting",
        "other/topic: connected for 5 h 0 min, last alert not yet",
    ]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    full = with_source(
        state="blocked",
        reason="no space\nleft \u202e",
        commit_problem="timed out",
        lag=3,
        lost=7,
        last_lost=NOW - timedelta(hours=1),
    )
    for heartbeat in (WELL, full, replace(WELL, sources=()), with_source(last_alert=None)):
        health.write_heartbeat(tmp_path, heartbeat)
        assert health.read_heartbeat(tmp_path) == heartbeat


def test_heartbeat_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".listener").touch()
    with pytest.raises(InboxError, match=r"health\.json cannot be written: "):
        health.write_heartbeat(tmp_path, WELL)


def test_without_heartbeat_there_is_none(tmp_path: Path) -> None:
    assert health.read_heartbeat(tmp_path) is None
    assert health.read_heartbeat(tmp_path / "nowhere") is None


def written(tmp_path: Path) -> dict[str, Any]:
    health.write_heartbeat(tmp_path, WELL)
    content: dict[str, Any] = json.loads((tmp_path / health.HEARTBEAT_FILE).read_bytes())
    return content


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b"3", b'"x"', b"{}", b"\xff\xfe", b"[" * 100_000]
)
def test_damaged_heartbeat_is_none(tmp_path: Path, content: bytes) -> None:
    written(tmp_path)
    (tmp_path / health.HEARTBEAT_FILE).write_bytes(content)
    assert health.read_heartbeat(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"time": None},
        {"time": 3},
        {"time": "soon"},
        {"time_started": ""},
        {"sources": None},
        {"sources": [3]},
        {"sources": [{}]},
        {"sources": [{"name": "x", "state": "connected", "since": None}]},
        {"more": 1},
    ],
)
def test_heartbeat_of_another_form_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    """What is read must not fail when it is judged."""
    content = json.dumps({**written(tmp_path), **change})
    (tmp_path / health.HEARTBEAT_FILE).write_text(content)
    assert health.read_heartbeat(tmp_path) is None


def test_stopped_listener_is_the_only_matter() -> None:
    heartbeat = replace(
        with_source(state="finished", commit_problem="x"),
        stopped=True,
        time=NOW - timedelta(minutes=3),
    )
    assert problems(heartbeat) == ["the listener was stopped 3 min ago"]


def test_listener_not_heard_of_for_a_minute_is_dead() -> None:
    minute = timedelta(seconds=60)
    assert problems(replace(WELL, time=NOW - minute)) == []
    assert problems(replace(WELL, time=NOW - minute - JUST_MORE)) == [
        "the listener (process 4321 on observatory) has not been heard of for 61 s: "
        "it was killed, hangs, or cannot write the inbox"
    ]


@pytest.mark.parametrize("state", ["connecting", "disconnected", "finished"])
def test_source_without_connection_is_a_matter_after_half_a_minute(state: str) -> None:
    patience = timedelta(seconds=30)
    assert problems(with_source(state=state, since=NOW - patience)) == []
    lost = with_source(state=state, since=NOW - patience - JUST_MORE, reason="no route")
    assert problems(lost) == [f"{SOURCE.name}: {state} for 31 s: no route"]
    assert problems(with_source(state=state)) == [f"{SOURCE.name}: {state} for 5 h 0 min"]


def test_inbox_that_cannot_be_written_is_a_matter_at_once() -> None:
    assert problems(with_source(state="blocked", since=NOW, reason="disk full")) == [
        f"{SOURCE.name}: blocked for 0 s: disk full"
    ]


def test_commit_that_fails_is_a_matter() -> None:
    assert problems(with_source(commit_problem="timed out")) == [
        f"{SOURCE.name}: what was stored cannot be committed: timed out"
    ]


def test_silence_is_a_matter_beyond_what_is_allowed() -> None:
    assert problems(with_source(last_alert=NOW - SILENCE)) == []
    assert problems(with_source(last_alert=NOW - SILENCE - JUST_MORE)) == [
        f"{SOURCE.name}: no alert for 2 h 0 min; mock alerts come every hour"
    ]


def test_silence_is_counted_from_the_last_alert_or_else_from_the_start() -> None:
    """A listener that is started again and again must not seem to have heard of one just now."""
    quiet = with_source(last_alert=None)
    assert problems(replace(quiet, time_started=NOW - SILENCE)) == []
    assert len(problems(replace(quiet, time_started=NOW - SILENCE - JUST_MORE))) == 1
    quiet = with_source(last_alert=NOW - MANY_DAYS)
    assert len(problems(replace(quiet, time_started=NOW))) == 1


def test_source_that_hangs_is_told() -> None:
    limit = timedelta(minutes=3)
    assert problems(with_source(last_answer=NOW - limit)) == []
    assert problems(with_source(last_answer=NOW - limit - JUST_MORE)) == [
        f"{SOURCE.name}: nothing was read for 3 min: it hangs, or the processor is overloaded"
    ]
    blocked = with_source(state="blocked", reason="full", last_answer=NOW - MANY_DAYS)
    assert "hangs" not in " ".join(problems(blocked))


def test_lost_messages_are_a_matter_for_a_day() -> None:
    day = timedelta(hours=24)
    assert problems(with_source(lost=7, last_lost=NOW - day)) == []
    assert problems(with_source(lost=7, last_lost=NOW - day + JUST_MORE)) == [
        f"{SOURCE.name}: 7 messages were deleted on the server before they were read, or cannot "
        "be read, the last 23 h 59 min ago; fetch those alerts from an archive and `sirenflow "
        "ingest` them"
    ]


def test_everything_that_is_the_matter_is_told_source_by_source() -> None:
    bad = replace(SOURCE, state="blocked", commit_problem="x", last_alert=None, last_lost=NOW)
    good = replace(SOURCE, name="good/topic")
    lines = problems(replace(WELL, sources=(bad, good, replace(bad, name="bad/topic"))))
    assert [line.split(":")[0] for line in lines] == [SOURCE.name] * 4 + ["bad/topic"] * 4


def test_clock_that_was_set_back_makes_no_negative_times() -> None:
    later = NOW + timedelta(hours=1)
    ahead = replace(with_source(since=later, last_alert=later), time=later, time_started=later)
    assert problems(ahead) == []
    assert list(health.describe_listener(ahead, NOW)) == [
        f"{SOURCE.name}: connected for 0 s, last alert 0 s ago, 0 waiting"
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h 0 min")],
)
def test_times_are_told_in_a_fitting_unit(seconds: int, told: str) -> None:
    since = with_source(since=NOW - timedelta(seconds=seconds))
    (line,) = health.describe_listener(since, NOW)
    assert f"connected for {told}, " in line

"""`sirenflow health`: the state of the listener, and messages in quarantine."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine
from builders import json_alert, record
from commands import example_of, sirenflow

from sirenflow.errors import AlertError
from sirenflow.inbox import acknowledgements, quarantine
from sirenflow.monitoring import health
from sirenflow.monitoring.health import Heartbeat, SourceHealth


def leave_heartbeat(source: dict[str, Any] | None = None, **changes: Any) -> None:
    now = datetime.now(UTC)
    well = SourceHealth("host/topic", "connected", since=now, last_alert=now, lag=2)
    heartbeat = Heartbeat(1, "here", "0.1.0", now, now, False, (replace(well, **(source or {})),))
    health.write_heartbeat(Path("inbox"), replace(heartbeat, **changes))


def test_without_listener_nothing_is_well() -> None:
    result = sirenflow("health")
    assert result.exit_code == 1
    assert result.output == (
        f"no listener has written its state to {Path('inbox').resolve()}; start one there\n"
    )


def test_example_of_health_tells_of_a_listener_that_is_well() -> None:
    leave_heartbeat()
    result = sirenflow(*shlex.split(example_of("health")))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("host/topic: connected for ")
    assert result.stdout.endswith(", 2 waiting\n")


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "changes", "said"),
    [
        ({}, {"stopped": True}, "the listener was stopped "),
        ({}, {"time": LONG_AGO}, "the listener (process 1 on here) has not been heard of for "),
        ({"state": "blocked", "reason": "full"}, {}, "host/topic: blocked for "),
        ({"state": "disconnected", "since": LONG_AGO}, {}, "host/topic: disconnected for "),
        ({"commit_problem": "x"}, {}, "host/topic: what was stored cannot be committed: x"),
    ],
)
def test_what_is_not_well_is_one_line_and_exit_1(
    source: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    leave_heartbeat(source, **changes)
    result = sirenflow("health")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(said)
    assert result.stdout.count("\n") == 1


def test_silence_may_be_longer_where_alerts_are_rarer() -> None:
    long = datetime.now(UTC) - timedelta(hours=5)
    leave_heartbeat({"last_alert": long}, time_started=long)
    assert sirenflow("health").exit_code == 1
    assert sirenflow("health", "--max-silence", "6").exit_code == 0


def test_reason_of_a_server_cannot_forge_a_line() -> None:
    leave_heartbeat({"state": "blocked", "reason": "\x1b[2J\nall is well"})
    result = sirenflow("health")
    assert r"\x1b[2J\nall is well" in result.stdout
    assert result.stdout.count("\n") == 1


def quarantined(data: bytes = b"no alert", reason: str = "not understood", **how: Any) -> str:
    how = {"way": "listen", "time_received": "2026-11-22T17:00:00.000+00:00", **how}
    put_in_quarantine(Path("inbox"), data, AlertError(reason), how)
    return quarantine.find_entry(Path("inbox"), hashlib.sha256(data).hexdigest()[:12]).name


@pytest.mark.parametrize("way", ["listen", "recovered"])
def test_message_from_a_topic_in_quarantine_is_a_problem_until_acknowledged(way: str) -> None:
    leave_heartbeat()
    name = quarantined(way=way)
    result = sirenflow("health")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        f"1 message in quarantine, not acknowledged; the newest, {name}, came 2026-11-22T17:00:00: "
        "not understood; see `sirenflow quarantine list`, then retry, acknowledge or drop\n"
    )
    assert sirenflow("quarantine", "acknowledge", name).exit_code == 0
    assert sirenflow("health").exit_code == 0


def test_file_that_was_ingested_is_no_problem_of_the_listener() -> None:
    leave_heartbeat()
    quarantined(way="ingest")
    assert sirenflow("health").exit_code == 0


def test_lost_reason_is_a_problem() -> None:
    """Whoever wrote it may have been killed, or the disk is not sound: nothing is quiet."""
    leave_heartbeat()
    name = quarantined(way="ingest")
    Path("inbox", "quarantine", f"{name}.reason.json").write_bytes(b'{"reas')
    result = sirenflow("health")
    assert result.exit_code == 1
    assert "came at an unknown time: the file with the reason is missing" in result.stdout
    sirenflow("quarantine", "acknowledge", "--all")
    assert sirenflow("health").exit_code == 0


def test_dropped_or_retried_message_is_no_problem_any_more() -> None:
    leave_heartbeat()
    alert = next(Path("samples").glob("*-[0-9][0-9]-*")).read_bytes()
    retried, dropped = quarantined(alert, "an error in Sirenflow"), quarantined()
    assert sirenflow("health").stdout.startswith("2 messages in quarantine")
    assert sirenflow("quarantine", "retry", retried).exit_code == 0
    assert sirenflow("health").stdout.startswith("1 message in quarantine")
    assert sirenflow("quarantine", "drop", dropped).exit_code == 0
    assert sirenflow("health").exit_code == 0


def test_retry_without_success_does_not_acknowledge() -> None:
    leave_heartbeat()
    quarantined()
    assert sirenflow("quarantine", "retry").exit_code == 3
    assert sirenflow("health").exit_code == 1


def test_dropped_message_that_is_sent_again_is_a_problem_again() -> None:
    leave_heartbeat()
    name = quarantined()
    sirenflow("quarantine", "acknowledge", name)
    sirenflow("quarantine", "drop", name)
    quarantined(time_received="2026-11-23T17:00:00.000+00:00")
    assert sirenflow("health").exit_code == 1


@pytest.mark.parametrize("listener", ["none", "stopped", "lost", "disconnected"])
def test_quarantine_is_reported_whatever_the_listener_does(listener: str) -> None:
    quarantined()
    if listener == "stopped":
        leave_heartbeat(stopped=True)
    elif listener == "lost":
        leave_heartbeat(time=LONG_AGO)
    elif listener == "disconnected":
        leave_heartbeat({"state": "disconnected", "since": LONG_AGO})
    result = sirenflow("health")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert "1 message in quarantine, not acknowledged" in result.stdout


def test_newest_of_many_is_told_with_what_it_claims_to_be() -> None:
    leave_heartbeat()
    Path("inbox/quarantine").mkdir()
    for number in range(1_000):
        Path("inbox/quarantine", f"{number:012x}.bin").write_bytes(b"%d" % number)
        Path("inbox/quarantine", f"{number:012x}.reason.json").write_text('{"way": "listen"}')
    data = json_alert(record(superevent_id="S240422ed", alert_type="RETRACTION", time_created="?"))
    name = quarantined(data, "W\x1b[2J\n" * 999, time_received="2026-11-22T18:00:00")
    (line,) = sirenflow("health").stdout.splitlines()
    assert line.startswith(
        f"1,001 messages in quarantine, not acknowledged; the newest, {name} (says S240422ed "
        "RETRACTION), came 2026-11-22T18:00:00: "
    )
    assert len(line) < 500
    assert line.isprintable()


def test_command_to_run_next_names_the_inbox_that_was_given() -> None:
    quarantined()
    Path("inbox").rename("an inbox")
    said = sirenflow("health", "--inbox", "an inbox").stdout
    (command,) = re.findall(r"`sirenflow (.*?)`", said)
    assert "1 message in quarantine" in said
    assert "not understood" in sirenflow(*shlex.split(command)).stdout


def health_says() -> str:
    return sirenflow("health").stdout


def test_damaged_acknowledgements_acknowledge_nothing_and_more_can_be_added() -> None:
    leave_heartbeat()
    name, other = quarantined(), quarantined(b"other")
    sirenflow("quarantine", "acknowledge", name)
    file = Path("inbox", acknowledgements.ACKNOWLEDGEMENTS_FILE)
    for damaged in (b"", b"\xff\n[]\n3\n{}\n" + b"[" * 100_000, file.read_bytes()[:-9]):
        file.write_bytes(damaged)
        assert "2 messages in quarantine" in health_says()
        sirenflow("quarantine", "acknowledge", other)
        assert f"1 message in quarantine, not acknowledged; the newest, {name}" in health_says()


def test_quarantine_that_cannot_be_read_is_a_problem() -> None:
    leave_heartbeat()
    Path("inbox", "quarantine").touch()
    result = sirenflow("health")
    assert (result.exit_code, result.stdout) == (
        1,
        "inbox/quarantine cannot be read: Not a directory\n",
    )


def test_heartbeat_of_another_inbox_is_not_ours() -> None:
    leave_heartbeat()
    assert sirenflow("health", "--inbox", "other").exit_code == 1
    assert json.loads(Path("inbox", health.HEARTBEAT_FILE).read_bytes())["pid"] == 1

"""What is no alert can be listed, looked at, judged again and deleted."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine
from builders import json_alert, record
from commands import sirenflow

from sirenflow.errors import AlertError

ESCAPES = b"\x1b[2J\nno alert"
ALERT = json_alert(record(alert_type="RETRACTION", event=None))


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def keep(
    data: bytes, reason: str = "not understood", time: str = "2026-11-22T17:00", **how: Any
) -> str:
    put_in_quarantine(Path("inbox"), data, AlertError(reason), {"time_received": time, **how})
    return name_of(data)


def kept() -> set[str]:
    return {file.name for file in Path("inbox", "quarantine").iterdir()}


def test_empty_quarantine_says_so() -> None:
    Path("inbox").mkdir()
    result = sirenflow("quarantine", "list")
    assert (result.exit_code, result.output) == (0, "the quarantine is empty\n")


def test_inbox_that_is_not_there_is_not_an_empty_one() -> None:
    result = sirenflow("quarantine", "list", "--inbox", "typo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "inbox 'typo' does not exist" in result.stderr


def test_list_has_a_line_an_entry_oldest_first() -> None:
    late = keep(b'{"superevent_id": "S1a"', "too late", "2026-11-22T18:00:00.123+00:00")
    early = keep(b"early!", "too early", "2026-11-22T17:00:00.123+00:00", source="host/topic")
    result = sirenflow("quarantine", "list")
    assert result.exit_code == 0
    assert [line.split(maxsplit=6) for line in result.stdout.splitlines()] == [
        [early, "2026-11-22T17:00:00", "6", "new", "-", "host/topic", "too early"],
        [late, "2026-11-22T18:00:00", "23", "new", "S1a", "-", "too late"],
    ]


def test_entry_whose_reason_is_lost_is_listed() -> None:
    name = keep(b"bytes")
    Path("inbox", "quarantine", f"{name}.reason.json").write_text("[]")
    result = sirenflow("quarantine", "list")
    assert result.exit_code == 0
    assert "the file with the reason is missing or damaged" in result.stdout


def test_show_tells_reason_and_way_and_how_it_begins() -> None:
    name = keep(b"begin" + bytes(5000), "why not", source="host/topic", offset=42)
    result = sirenflow("quarantine", "show", name[:4])
    assert result.exit_code == 0
    facts = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert facts["file"] == f"inbox/quarantine/{name}.bin"
    assert (facts["bytes"], facts["kind"], facts["reason"]) == ("5005", "undecodable", "why not")
    assert (facts["source"], facts["offset"]) == ("host/topic", "42")
    assert facts["begins with"].startswith(r"b'begin\x00")
    assert len(facts["begins with"]) < 2000


def test_no_content_can_move_the_cursor_or_forge_a_line() -> None:
    name = keep(
        ESCAPES, "reason\x1b[2J\nforged", source="host\x1b]0;\nforged", headers=[["\n", "\x1b"]]
    )
    for arguments in (["list"], ["show", name], ["retry"], ["drop", name]):
        result = sirenflow("quarantine", *arguments)
        assert result.exit_code in (0, 3)
        assert all(c.isprintable() for c in result.output.replace("\n", ""))
        assert not any(line.startswith("forged") for line in result.output.split("\n"))


@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_name_that_none_or_several_have_is_one_line_and_exit_1(command: str) -> None:
    first, second = keep(b"5"), keep(b"6")  # both hashes begin with e
    before = kept()
    for name in ("zzz", ""):
        result = sirenflow("quarantine", command, name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"sirenflow: nothing in inbox/quarantine begins with {name!r}\n"
    result = sirenflow("quarantine", command, "e")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("sirenflow: 'e' is the start of ")
    assert first in result.stderr
    assert second in result.stderr
    assert kept() == before


def test_what_is_an_alert_now_moves_to_its_place() -> None:
    """As after an update that reads what the version before did not."""
    name = keep(ALERT, "once not read", source="host/topic")
    other = keep(b"never an alert")
    result = sirenflow("quarantine", "retry")
    assert result.exit_code == 3
    path = f"inbox/MS260101a/RETRACTION/20260101T001000Z-{name}.json"
    assert result.stdout == f"{name} is now {path}\n1 moved, 1 stay (inbox: inbox)\n"
    assert result.stderr.startswith(f"sirenflow: {other} stays: begins with b'never an'")
    assert result.stderr.count("\n") == 1
    assert Path(path).read_bytes() == ALERT
    meta = json.loads(Path(path).with_suffix(".meta.json").read_bytes())
    assert (meta["source"], meta["quarantined_because"]) == ("host/topic", "once not read")
    assert kept() == {f"{other}.bin", f"{other}.reason.json"}


def test_only_what_is_named_is_judged_again() -> None:
    name, other = keep(ALERT), keep(b"other")
    result = sirenflow("quarantine", "retry", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("\n1 moved, 0 stay (inbox: inbox)\n")
    assert f"{other}.bin" in kept()


def test_retry_of_an_empty_quarantine_does_nothing() -> None:
    result = sirenflow("quarantine", "retry")
    assert (result.exit_code, result.output) == (0, "0 moved, 0 stay (inbox: inbox)\n")


def test_reference_to_a_server_that_is_not_allowed_stays_with_the_reason() -> None:
    """Nothing is asked of a server that the configuration does not name."""
    value = json.dumps({"url": "https://127.0.0.1:1/x"}).encode()
    how = {"source": "kafka.example.org/topic", "headers": [["_format", "external"]]}
    name = keep(value, "could not be fetched", **how)
    result = sirenflow("quarantine", "retry")
    assert (result.exit_code, result.stdout) == (3, "0 moved, 1 stay (inbox: inbox)\n")
    assert result.stderr.startswith(f"sirenflow: {name} stays: ")
    assert "127.0.0.1" in result.stderr
    assert kept() == {f"{name}.bin", f"{name}.reason.json"}


@pytest.mark.parametrize(
    "how",
    [
        {"headers": None},
        {"headers": 3},
        {"headers": [["_format", "external"]]},
        {"headers": [["_format", "external"]], "source": None},
    ],
)
def test_notes_that_somebody_changed_stop_nothing(how: dict[str, Any]) -> None:
    keep(b"no alert", **how)
    result = sirenflow("quarantine", "retry")
    assert result.exit_code == 3, result.exception
    assert result.stdout == "0 moved, 1 stay (inbox: inbox)\n"


def test_drop_deletes_what_is_named_and_no_more() -> None:
    name, other, third = keep(b"0"), keep(b"1"), keep(b"2")
    result = sirenflow("quarantine", "drop", name[:6], third)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{name} is deleted\n{third} is deleted\n"
    assert kept() == {f"{other}.bin", f"{other}.reason.json"}


def test_nothing_is_dropped_if_one_name_is_wrong() -> None:
    name = keep(b"0")
    assert sirenflow("quarantine", "drop", name, "zzz").exit_code == 1
    assert f"{name}.bin" in kept()


def test_inbox_is_the_one_given_or_the_configured_one() -> None:
    keep(b"0")
    for name in ("other", "configured", "config"):
        Path(name).mkdir()
    assert sirenflow("quarantine", "list", "--inbox", "other").stdout == "the quarantine is empty\n"
    Path("config/config.yaml").write_text("inbox: configured\n")
    assert sirenflow("quarantine", "list").stdout == "the quarantine is empty\n"
    assert sirenflow("quarantine", "list", "--inbox", "inbox").stdout.startswith(name_of(b"0"))


def test_what_was_fetched_before_is_not_taken_for_a_reference() -> None:
    """It was no alert to an older version; it is one now, and its header still says `external`."""
    name = keep(
        ALERT,
        "once not read",
        source="host/topic",
        headers=[["_format", "external"]],
        reference='{"url": "https://host/x"}',
    )
    result = sirenflow("quarantine", "retry", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{name} is now " in result.stdout


# ------------------------------------------------------------------------------------- acknowledge


def statuses() -> dict[str, str]:
    lines = sirenflow("quarantine", "list", "--format", "json").stdout.splitlines()
    return {entry["name"]: entry["status"] for entry in map(json.loads, lines)}


def test_acknowledged_entries_stay_and_are_marked() -> None:
    name, other, file = keep(b"0"), keep(b"1"), keep(b"2", way="ingest")
    before = kept()
    assert statuses() == {name: "new", other: "new", file: "ingested"}
    result = sirenflow("quarantine", "acknowledge", name[:6])
    assert (result.exit_code, result.output) == (0, f"{name} is acknowledged\n")
    assert statuses() == {name: "acknowledged", other: "new", file: "ingested"}
    assert kept() == before
    shown = sirenflow("quarantine", "show", name).stdout
    assert re.search(r"^acknowledged: \d{4}-\d\d-\d\dT\S+ by \S+", shown, re.MULTILINE)


def test_all_that_came_from_topics_is_acknowledged_at_once() -> None:
    name, other, file = keep(b"0"), keep(b"1", way="recovered"), keep(b"2", way="ingest")
    result = sirenflow("quarantine", "acknowledge", "--all")
    assert (result.exit_code, result.output) == (0, "2 acknowledged (inbox: inbox)\n")
    assert statuses() == {name: "acknowledged", other: "acknowledged", file: "ingested"}
    assert sirenflow("quarantine", "acknowledge", "--all").stdout.startswith("0 acknowledged")


@pytest.mark.parametrize("arguments", [[], ["--all", "abc"]])
def test_what_to_acknowledge_is_said_in_one_way(arguments: list[str]) -> None:
    result = sirenflow("quarantine", "acknowledge", *arguments)
    assert result.exit_code == 2
    assert "give either NAME... or --all" in result.stderr


def test_nothing_is_acknowledged_if_one_name_is_wrong() -> None:
    name = keep(b"0")
    assert sirenflow("quarantine", "acknowledge", name, "zzz").exit_code == 1
    assert statuses() == {name: "new"}


def test_list_as_json_has_what_a_program_needs() -> None:
    data = json_alert(record(time_created="?"))
    name = keep(data, "why\nnot", way="listen", source="host/topic")
    (line,) = sirenflow("quarantine", "list", "--format", "json").stdout.splitlines()
    claimed = {"superevent_id": "MS260101a", "alert_type": "PRELIMINARY", "time_created": None}
    assert json.loads(line) == {
        "name": name,
        "time_received": "2026-11-22T17:00",
        "size_bytes": len(data),
        "status": "new",
        "kind": "undecodable",
        "reason": "why\nnot",
        "way": "listen",
        "source": "host/topic",
        "claims": claimed,
        "acknowledged_time": None,
        "acknowledged_by": None,
    }


def test_empty_list_as_json_is_empty() -> None:
    Path("inbox").mkdir()
    assert sirenflow("quarantine", "list", "--format", "json").output == ""

"""Heartbeat of a listener, and whether the listener is healthy."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sirenflow.errors import InboxError
from sirenflow.files.durable import replace_file
from sirenflow.formats.sanitize import text_or_none
from sirenflow.inbox import acknowledgements

HEARTBEAT_FILE = Path(".listener", "health.json")
"""Where a listener's heartbeat is, below its inbox."""

BEAT_SECONDS = 5
"""Time from one heartbeat to the next."""

_DEAD_AFTER = timedelta(seconds=60)
# A message sent by reference may take a minute to fetch.
_HANGS_AFTER = timedelta(minutes=3)
_GAP_ALARM = timedelta(hours=24)
# A lost connection is made again in seconds, or it is a matter for somebody.
_PATIENCE = timedelta(seconds=30)
_REASON_LIMIT = 200

State = Literal["connecting", "connected", "disconnected", "blocked", "finished"]


@dataclass(frozen=True)
class SourceHealth:
    """State of one source.

    Attributes
    ----------
    state, since, reason
        What it is doing, since when, and why if it is not connected. A blocked source cannot write
        the inbox, and reads no further.
    commit_problem
        Why the server does not take note of what was stored, if so: it would be delivered again.
    last_answer
        When the connection last reported its state, as it does every second while it is read.
    last_alert
        When the last alert came; None before the first.
    lag
        Messages on the server that are not yet read; None if not known.
    lost, last_lost
        Messages that the server deleted before they were read, and when that was last found.
    """

    name: str
    state: State
    since: datetime
    reason: str | None = None
    commit_problem: str | None = None
    last_answer: datetime | None = None
    last_alert: datetime | None = None
    lag: int | None = None
    lost: int = 0
    last_lost: datetime | None = None


@dataclass(frozen=True)
class Heartbeat:
    """What a listener tells of itself.

    Attributes
    ----------
    pid, host, version
        Which process it is.
    time_started, time
        When it was started, and when it told this.
    stopped
        Whether it was the last beat.
    """

    pid: int
    host: str
    version: str
    time_started: datetime
    time: datetime
    stopped: bool
    sources: tuple[SourceHealth, ...]


def write_heartbeat(inbox: Path, heartbeat: Heartbeat) -> None:
    """Leave a heartbeat in an inbox.

    Raise InboxError if it cannot be written.
    """
    text = json.dumps(asdict(heartbeat), indent=1, default=datetime.isoformat)
    replace_file(inbox / HEARTBEAT_FILE, text.encode() + b"\n")


def read_heartbeat(inbox: Path) -> Heartbeat | None:
    """Read the last heartbeat; None if there is none, or it cannot be read."""
    try:
        kept = json.loads((inbox / HEARTBEAT_FILE).read_bytes())
        sources = tuple(SourceHealth(**_parse_times(source)) for source in kept.pop("sources"))
        return Heartbeat(**_parse_times(kept), sources=sources)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def listener_problems(heartbeat: Heartbeat, now: datetime, silence: timedelta) -> Iterator[str]:
    """Say what is not well, a line a matter.

    Parameters
    ----------
    silence
        For how long there may be no alert.
    """
    if heartbeat.stopped:
        yield f"the listener was stopped {_age(now - heartbeat.time)} ago"
        return
    if now - heartbeat.time > _DEAD_AFTER:
        yield (
            f"the listener (process {heartbeat.pid} on {heartbeat.host}) has not been heard of for "
            f"{_age(now - heartbeat.time)}: it was killed, hangs, or cannot write the inbox"
        )
        return
    for source in heartbeat.sources:
        for problem in _source_problems(source, now, silence, heartbeat.time_started):
            yield f"{source.name}: {problem}"


def quarantine_problem(inbox: Path, option: Path | None = None) -> str | None:
    """Report messages from a topic that are in quarantine and not acknowledged.

    Return how many there are, the newest with its reason, and what to do; None if there are none.

    Parameters
    ----------
    option
        The directory to name in the command to run next, where it is not the configured one.
    """
    try:
        entries = acknowledgements.list_unacknowledged(inbox)
    except InboxError as error:
        return str(error)
    if not entries:
        return None
    newest, count = entries[-1], len(entries)
    messages = "1 message" if count == 1 else f"{count:,} messages"
    claimed = newest.claims
    about = " ".join(filter(None, (claimed.superevent_id, claimed.alert_type)))
    about = f" (says {about})" if about else ""
    where = f" --inbox {shlex.quote(str(option))}" if option else ""
    return (
        f"{messages} in quarantine, not acknowledged; the newest, {newest.name}{about}, came "
        f"{newest.time_received[:19] or 'at an unknown time'}: "
        f"{text_or_none(newest.reason, _REASON_LIMIT)}; see `sirenflow quarantine list{where}`, "
        "then retry, acknowledge or drop"
    )


def describe_listener(heartbeat: Heartbeat, now: datetime) -> Iterator[str]:
    """Say how a healthy listener is, a line a source."""
    for source in heartbeat.sources:
        last = f"{_age(now - source.last_alert)} ago" if source.last_alert else "not yet"
        lag = "" if source.lag is None else f", {source.lag} waiting"
        state = f"{source.state} for {_age(now - source.since)}"
        because = f": {source.reason}" if source.state == "disconnected" else ""
        yield f"{source.name}: {state}, last alert {last}{lag}{because}"


def _source_problems(
    source: SourceHealth, now: datetime, silence: timedelta, started: datetime
) -> Iterator[str]:
    waiting = now - source.since
    if source.state == "blocked" or (source.state != "connected" and waiting > _PATIENCE):
        because = f": {source.reason}" if source.reason else ""
        yield f"{source.state} for {_age(waiting)}{because}"
    silent = now - (source.last_answer or now)
    if source.state == "connected" and silent > _HANGS_AFTER:
        yield f"nothing was read for {_age(silent)}: it hangs, or the processor is overloaded"
    if source.commit_problem:
        yield f"what was stored cannot be committed: {source.commit_problem}"
    quiet = now - (source.last_alert or started)
    if quiet > silence:
        yield f"no alert for {_age(quiet)}; mock alerts come every hour"
    if source.last_lost and now - source.last_lost < _GAP_ALARM:
        yield (
            f"{source.lost} messages were deleted on the server before they were read, or cannot "
            f"be read, the last {_age(now - source.last_lost)} ago; fetch those alerts from an "
            "archive and `sirenflow ingest` them"
        )


def _parse_times(kept: dict[str, Any]) -> dict[str, Any]:
    needed, may_lack = {"time_started", "time", "since"}, {"last_alert", "last_answer", "last_lost"}
    times = {
        name: datetime.fromisoformat(value).astimezone(UTC)
        for name, value in kept.items()
        if name in needed or (name in may_lack and value is not None)
    }
    return {**kept, **times}


def _age(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

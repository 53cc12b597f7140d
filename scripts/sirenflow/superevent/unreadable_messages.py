"""Messages in quarantine, as products show them.

What could not be read may be the retraction of a superevent whose page looks well. So the catalogue
says how many messages could not be read, and a superevent's page says it of those that claim to be
about it. That depends on what is in the quarantine, never on when or how it came, nor on who has
acknowledged it: a message that is dropped, or retried with success, leaves the products. Where the
quarantine itself cannot be read, every product says so, since messages about it may be missing.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import structs

from sirenflow.alerts.claimed_identity import ClaimedIdentity
from sirenflow.errors import InboxError
from sirenflow.formats.sanitize import text_or_none, timestamp_or_none
from sirenflow.formats.timestamp import Timestamp
from sirenflow.inbox import quarantine
from sirenflow.inbox.quarantine import QuarantineEntry
from sirenflow.products.event import UnreadableMessage

MOST_LISTED = 20
"""So many messages are listed in a product, whatever comes; all of them are counted."""

_REASON_LIMIT = 300


@dataclass(frozen=True)
class Unreadable:
    """The messages of an inbox that could not be read.

    Attributes
    ----------
    messages
        Those that say they are retractions first, then by the time that they claim, newest first.
    quarantine_error
        Why the quarantine cannot be read, without its path; None if it can be read.
    """

    messages: tuple[UnreadableMessage, ...] = ()
    quarantine_error: str | None = None

    @cached_property
    def _by_superevent(self) -> dict[str, list[UnreadableMessage]]:
        found: dict[str, list[UnreadableMessage]] = {}
        for message in self.messages:
            if message.superevent_id:
                found.setdefault(message.superevent_id.casefold(), []).append(message)
        return found

    def all(self) -> dict[str, Any]:
        """Count all messages, and list the first; in JSON's types."""
        return self._described(self.messages)

    def of(self, superevent: str) -> dict[str, Any]:
        """Count and list those that claim to be about a superevent, in any case of letters."""
        return self._described(self._by_superevent.get(superevent.casefold(), ()))

    def digest(self, superevent: str | None = None) -> str:
        """Digest what the products say, of all or of a superevent; empty if it is nothing."""
        said = self.all() if superevent is None else self.of(superevent)
        text = json.dumps(said, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32] if said["count"] != 0 else ""

    def _described(self, messages: Sequence[UnreadableMessage]) -> dict[str, Any]:
        can_be_read = self.quarantine_error is None
        retractions = sum(message.is_retraction for message in messages)
        return {
            "count": len(messages) if can_be_read else None,
            "retractions": retractions if can_be_read else None,
            "listed": [structs.asdict(each) for each in messages[:MOST_LISTED]],
            "quarantine_error": self.quarantine_error,
        }


def read_unreadable(inbox: Path) -> Unreadable:
    """Read the quarantine of an inbox, or the reason why it cannot be read."""
    try:
        return arrange(quarantine.list_entries(inbox))
    except InboxError as error:
        cause = error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) else None
        return Unreadable(quarantine_error=text_or_none(reason or "unknown error", _REASON_LIMIT))


def arrange(entries: Iterable[QuarantineEntry]) -> Unreadable:
    """Describe entries of a quarantine, in an order that their content decides."""
    by_name = sorted(entries, key=lambda entry: entry.name)
    timed = ((_time(entry.claims), _message(entry)) for entry in by_name)
    newest_first = sorted(timed, key=lambda each: each[0].utc if each[0] else "", reverse=True)
    messages = (message for _, message in newest_first)
    return Unreadable(tuple(sorted(messages, key=lambda message: not message.is_retraction)))


def _message(entry: QuarantineEntry) -> UnreadableMessage:
    claims = entry.claims
    time = _time(claims)
    return UnreadableMessage(
        name=entry.name,
        size_bytes=entry.size_bytes,
        kind=text_or_none(entry.kind, 24),
        reason=text_or_none(entry.reason, _REASON_LIMIT),
        superevent_id=claims.superevent_id,
        alert_type=claims.alert_type,
        time_created=time.display() if time else None,
    )


def _time(claims: ClaimedIdentity) -> Timestamp | None:
    return timestamp_or_none(claims.time_created)

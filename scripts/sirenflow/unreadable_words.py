"""What products say of messages that could not be read, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sirenflow.event import UnreadableMessage

NOTHING_UNREADABLE: Mapping[str, Any] = {"count": 0, "listed": []}
"""What `sirenflow.unreadable.Unreadable` gives where every message could be read."""


def warning(count: int, listed: Sequence[UnreadableMessage], about: str = "") -> str:
    """Say how many messages could not be read: "1 message about this superevent could not be read".

    Parameters
    ----------
    count
        How many there are; 0 gives an empty text.
    listed
        The first of them.
    about
        What they are about, where it is known.
    """
    if not count:
        return ""
    what = f"{'1 message' if count == 1 else f'{count:,} messages'}{about and ' about '}{about}"
    retractions = sum(message.is_retraction for message in listed)
    if not retractions:
        return f"{what} could not be read"
    if count == 1:
        return f"{what} could not be read: it says that it is a retraction"
    says = "one says that it is a retraction"
    if retractions > 1:
        says = f"{retractions} say that they are retractions"
    return f"{what} could not be read: {says}"


def headline_warning(listed: Sequence[UnreadableMessage]) -> str:
    """Write what a headline opens with; empty where every message could be read."""
    if not listed:
        return ""
    retracts = any(message.is_retraction for message in listed)
    return f"UNREADABLE {'RETRACTION' if retracts else 'MESSAGE'}: "

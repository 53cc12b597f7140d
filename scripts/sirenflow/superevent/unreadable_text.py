"""What products say of messages that could not be read, in words. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from sirenflow.products.event import UnreadableMessage

NOTHING_UNREADABLE: Mapping[str, Any] = {
    "count": 0,
    "retractions": 0,
    "listed": [],
    "quarantine_error": None,
}
"""What `Unreadable.all` returns where every message could be read."""


def warning(count: int | None, retractions: int | None, about: str = "") -> str:
    """Say how many messages could not be read: "1 message about this superevent could not be read".

    Parameters
    ----------
    count
        How many there are; 0 gives an empty text. None if the quarantine cannot be read.
    """
    if count is None:
        return f"the quarantine cannot be read: messages{about and ' about '}{about} may be missing"
    if not count:
        return ""
    what = f"{'1 message' if count == 1 else f'{count:,} messages'}{about and ' about '}{about}"
    if not retractions:
        return f"{what} could not be read"
    if count == 1:
        return f"{what} could not be read: it says that it is a retraction"
    says = "one says that it is a retraction"
    if retractions > 1:
        says = f"{retractions:,} say that they are retractions"
    return f"{what} could not be read: {says}"


def headline_warning(listed: Sequence[UnreadableMessage], count: int | None = 0) -> str:
    """Write the headline's first words; empty where every message could be read.

    A `count` of None means that the quarantine cannot be read.
    """
    if count is None:
        return "UNREADABLE QUARANTINE: "
    if not listed:
        return ""
    retracts = any(message.is_retraction for message in listed)
    return f"UNREADABLE {'RETRACTION' if retracts else 'MESSAGE'}: "

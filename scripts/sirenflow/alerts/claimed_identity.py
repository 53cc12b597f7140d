"""What bytes that are not a valid alert claim to be: superevent, alert type and time.

A claim is the sender's word. It is shown, and compared with the superevents that are known; it is
never part of a path.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sirenflow.alerts.alert_type import read_type
from sirenflow.formats.sanitize import text_or_none

_KEYS = ("superevent_id", "alert_type", "time_created")
_VALID = {
    "superevent_id": re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}"),
    "alert_type": re.compile(r"[A-Za-z][A-Za-z0-9_]{0,23}"),
    "time_created": re.compile(r"[0-9]{4}[0-9TWZUCtzw :.,+-]{4,60}"),
}
# Quotes may be escaped: JSON within JSON.
_IN_JSON = re.compile(
    rb'"(superevent_id|alert_type|time_created)\\{0,4}"\s{0,16}:\s{0,16}\\{0,4}"([^"\\]{1,64})\\{0,4}"'
)
# The usual identifiers only: any other word may stand anywhere in a message.
_ID = re.compile(rb"[MT]?S[0-9]{6}[a-z]{1,16}")
_TIME = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[0-9.Z+:-]{0,16}")
# The known types, in any spelling; a sender may have left blanks around.
_TYPE = re.compile(
    rb" {0,3}(?:EARLY_?WARNING|PRELIMINARY|INITIAL|UPDATE|RETRACTION) {0,3}", re.IGNORECASE
)
_MOST_MATCHES = 1000


@dataclass(frozen=True)
class ClaimedIdentity:
    """What a message says of itself; None where it cannot be made out."""

    superevent_id: str | None = None
    alert_type: str | None = None
    time_created: str | None = None

    def or_else(self, other: "ClaimedIdentity") -> "ClaimedIdentity":
        """Fill what is None from other claims."""
        return ClaimedIdentity(**{key: getattr(self, key) or getattr(other, key) for key in _KEYS})


def read_claimed_identity(record: Mapping[str, object]) -> ClaimedIdentity:
    """Read the claims of a decoded record, or of a reason file; any value may be hostile."""
    return ClaimedIdentity(**{key: _valid(key, record.get(key)) for key in _KEYS})


def search_claimed_identity(data: bytes) -> ClaimedIdentity:
    """Search bytes that may be damaged for claims, in a time proportional to their length.

    JSON keys come first. Without them, text that is preceded by its length, as in Avro, and then
    any text that looks like a superevent's identifier. An alert type without a key must be a known
    one that is preceded by its length.
    """
    in_json: dict[str, object] = {}
    for match in _matches(_IN_JSON, data):
        in_json.setdefault(match[1].decode("ascii"), match[2].decode("ascii", "replace"))
    identifiers, times, types = ([*_matches(pattern, data)] for pattern in (_ID, _TIME, _TYPE))
    texts = {
        "superevent_id": [*filter(_has_length, identifiers), *identifiers],
        "alert_type": [*filter(_has_length, types)],
        "time_created": [*filter(_has_length, times)],
    }
    in_text = {key: found[0][0].decode("ascii") for key, found in texts.items() if found}
    return read_claimed_identity(in_json).or_else(read_claimed_identity(in_text))


def _matches(pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    return islice(pattern.finditer(data), _MOST_MATCHES)


def _has_length(match: re.Match[bytes]) -> bool:
    """Return whether a text is preceded by its length, as Avro writes it."""
    before = match.string[match.start() - 1 : match.start()]
    return before == bytes([2 * len(match[0])])


def _valid(key: str, value: object) -> str | None:
    is_type = key == "alert_type"
    text = text_or_none(value.strip() if is_type and isinstance(value, str) else value)
    if not text or not _VALID[key].fullmatch(text):
        return None
    return read_type(text) if is_type else text

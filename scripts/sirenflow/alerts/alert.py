"""One alert: the bytes that arrived, and what they say.

Two encodings reach us. SCiMMA Hopskotch sends an Avro object container with one record; GCN sends
the same record as JSON with its sky maps in base64. `sirenflow.alerts.decoding` reads both.

The record's fields are described in the LIGO/Virgo/KAGRA Public Alerts User Guide,
https://emfollow.docs.ligo.org/userguide/content.html
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from sirenflow.alerts.alert_type import ALERT_TYPES, canonical_type, read_type, type_rank
from sirenflow.alerts.decoding import MAX_ALERT_BYTES, Encoding, decode, decode_base64, type_words
from sirenflow.alerts.identifier import is_identifier
from sirenflow.errors import AlertError
from sirenflow.formats.timestamp import read_timestamp

# Records are nested 4 deep; a thousand would be more than a JSON encoder can write.
_MAX_DEPTH = 64

MapKind = Literal["gw", "combined"]
# Where a record keeps its maps: the gravitational-wave map, and the one combined with a coincident
# external event's.
_MAP_PLACES: tuple[tuple[MapKind, str, str], ...] = (
    ("gw", "event", "skymap"),
    ("combined", "external_coinc", "combined_skymap"),
)


@dataclass(frozen=True)
class AttachedMap:
    """A sky map as an alert carries it.

    Attributes
    ----------
    kind
        ``"gw"``, or ``"combined"`` with an external event's.
    data
        The FITS file's bytes as sent; empty when they could not be recovered.
    error
        Why there are no bytes, or None.
    """

    kind: MapKind
    data: bytes
    error: str | None = None

    @cached_property
    def sha256(self) -> str | None:
        """Hash of the FITS file's bytes; None without them."""
        return hashlib.sha256(self.data).hexdigest() if self.error is None else None


@dataclass(frozen=True)
class Identity:
    """Which alert some bytes are: all that it takes to give them their place."""

    superevent_id: str
    alert_type: str
    time_created: str
    encoding: Encoding
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Alert:
    """One decoded alert.

    Attributes
    ----------
    superevent_id, alert_type, time_created
        The alert's key. A known `alert_type` is in the spelling of `ALERT_TYPES`, an unknown one
        as sent; `time_created` is the exact instant, as `Timestamp.exact`.
    sent
        Everything that was sent, in JSON's own types, with None in place of each map. Absent keys
        are absent.
    maps
        The sky maps, gravitational-wave map first.
    sha256, size_bytes
        Hash and size of the bytes that arrived.
    encoding
        ``"avro"`` or ``"json"``: that of the bytes, whatever is inside an envelope.
    """

    superevent_id: str
    alert_type: str
    time_created: str
    sent: dict[str, Any]
    maps: tuple[AttachedMap, ...]
    sha256: str
    size_bytes: int
    encoding: Encoding

    @property
    def identity(self) -> Identity:
        """Which alert it is."""
        return Identity(**{field.name: getattr(self, field.name) for field in fields(Identity)})

    @property
    def order(self) -> tuple[str, int, bool, str]:
        """Key that sorts the alerts of a superevent: time, life cycle, coincidence, hash.

        An update and the same one with a coincidence may share their second; the one that says more
        is the later. See `type_rank` for unknown types.
        """
        # Without the Z, which sorts after the point of a fraction.
        time = self.time_created.removesuffix("Z")
        coincident = bool(self.sent.get("external_coinc"))
        return (time, type_rank(self.alert_type), coincident, self.sha256)

    @cached_property
    def record(self) -> dict[str, Any]:
        """Everything that was sent, in JSON's own types, but a hash and a size for each map."""
        described = {attached.kind: _describe(attached) for attached in self.maps}
        record = dict(self.sent)
        for kind, place, key in _MAP_PLACES:
            if kind in described:
                record[place] = {**record[place], key: described[kind]}
        return record

    @cached_property
    def content_sha256(self) -> str:
        """Hash of what the alert says, the same for the same alert in Avro and in JSON.

        It is the hash of the record as JSON with sorted keys, in which

        - a key whose value is null is left out: Avro writes every field of its schema, JSON may
          leave the key out (`external_coinc.combined_skymap` does);
        - a float without a fraction is an integer: Avro has a double where JSON may have 0 or 1;
        - `alert_type` is in its canonical form;
        - `time_created` and `event.time` are exact instants in UTC, whatever the spelling sent;
        - a map is the hash and size of its bytes, which JSON has in base64.

        All else is as sent. A map that could not be recovered leaves in the record only the reason,
        which other bytes may share: the hash is then that of the bytes that arrived, and the alert
        equals no other.
        """
        if any(attached.error is not None for attached in self.maps):
            return self.sha256
        content = _comparable(_with_canonical_key(self.record, self))
        text = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def parse_alert(data: bytes, max_bytes: int = MAX_ALERT_BYTES) -> Alert:
    """Decode one alert from the bytes that arrived.

    Raise AlertError if the bytes are not one alert with a valid key. The message is the reason.

    Parameters
    ----------
    data
        An Avro object container with one record, or a GCN JSON object.
    """
    encoding, sent = decode(data, max_bytes)
    maps, rest = _detach_maps(sent)
    return Alert(
        superevent_id=_superevent_id(sent),
        alert_type=_alert_type(sent),
        time_created=_time_created(sent),
        sent=_to_json(rest),
        maps=maps,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        encoding=encoding,
    )


def _text(record: Mapping[str, Any], key: str) -> str:
    if key not in record:
        found = ", ".join(repr(name[:32]) for name in list(record)[:12])
        raise AlertError(f"no {key} (found {found or 'nothing'})", "invalid_identity")
    value = record[key]
    if not isinstance(value, str):
        raise AlertError(f"{key} is {type_words(value)}; expected text", "invalid_identity")
    return value


def _superevent_id(record: Mapping[str, Any]) -> str:
    value = _text(record, "superevent_id")
    if not is_identifier(value):
        raise AlertError(
            f"superevent_id {value[:64]!r}; expected one like 'S230518h', or at most 64 letters, "
            "digits, '-' and '_' that begin with a letter and name no directory of Sirenflow",
            "invalid_identity",
        )
    return value


def _alert_type(record: Mapping[str, Any]) -> str:
    try:
        return read_type(_text(record, "alert_type"))
    except ValueError as error:
        expected = ", ".join(ALERT_TYPES)
        raise AlertError(
            f"alert_type {error}; expected {expected}, or another word", "invalid_identity"
        ) from error


def _time_created(record: Mapping[str, Any]) -> str:
    try:
        return read_timestamp(_text(record, "time_created")).exact
    except ValueError as error:
        raise AlertError(f"time_created {error}", "invalid_identity") from error


def _detach_maps(sent: dict[str, Any]) -> tuple[tuple[AttachedMap, ...], dict[str, Any]]:
    """Split a record into its maps and a copy with None in each map's place."""
    record = dict(sent)
    maps = []
    for kind, place, key in _MAP_PLACES:
        holder = record.get(place)
        if not isinstance(holder, dict) or holder.get(key) is None:
            continue
        maps.append(_attached_map(kind, holder[key]))
        record[place] = {**holder, key: None}
    return tuple(maps), record


_JSON_TYPES = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def _attached_map(kind: MapKind, value: object) -> AttachedMap:
    if isinstance(value, str):  # as JSON has it; line breaks come from encoders for e-mail
        try:
            value = decode_base64(value)
        except ValueError as error:
            return AttachedMap(kind, b"", f"the sky map's base64 text {error}")
    if not isinstance(value, bytes):
        named = _JSON_TYPES.get(type(value), f"of type {type(value).__name__}")
        return AttachedMap(kind, b"", f"the sky map is {named}; expected the bytes of a FITS file")
    return AttachedMap(kind, value)


def _describe(attached: AttachedMap) -> dict[str, Any]:
    if attached.error is not None:
        return {"error": attached.error}
    return {"sha256": attached.sha256, "size_bytes": len(attached.data)}


def _with_canonical_key(record: Mapping[str, Any], alert: Alert) -> dict[str, Any]:
    """Return a record whose type and times are in the form in which alerts are compared."""
    key = {"alert_type": canonical_type(alert.alert_type), "time_created": alert.time_created}
    event = record.get("event")
    if isinstance(event, dict) and isinstance(event.get("time"), str):
        with suppress(ValueError):
            event = {**event, "time": read_timestamp(event["time"]).exact}
    return {**record, **key, **({"event": event} if "event" in record else {})}


def _comparable(value: Any) -> Any:
    """Drop from a record in JSON's types what differs between encodings of the same alert."""
    match value:
        case dict():
            return {key: _comparable(item) for key, item in value.items() if item is not None}
        case list():
            return [_comparable(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _to_json(value: Any, depth: int = 0) -> Any:
    """Express a decoded value in JSON's types, without losing which value it was."""
    if depth > _MAX_DEPTH:
        raise AlertError(f"the record is nested more than {_MAX_DEPTH} deep")
    match value:
        case dict():
            return {str(key): _to_json(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_to_json(item, depth + 1) for item in value]
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case bytes():
            return {"base64": base64.b64encode(value).decode("ascii")}
        case None | bool() | int() | float() | str():
            return value
        case _:  # Avro's logical types: dates, decimals, UUIDs
            return str(value)

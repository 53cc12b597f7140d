"""One alert: the bytes that arrived, and what they say.

Two encodings reach us. SCiMMA Hopskotch sends an Avro object container with one record; GCN sends
the same record as JSON with its sky maps in base64. Both are decoded as the sender wrote them: Avro
with the schema embedded in the container, never with a reader's schema, so that fields which a
later schema adds are kept and fields which an earlier one lacks stay absent.

The record's fields are described in the LIGO/Virgo/KAGRA Public Alerts User Guide,
https://emfollow.docs.ligo.org/userguide/content.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any, Literal

import fastavro

from sirenflow.container import AVRO_MAGIC, check_container
from sirenflow.errors import AlertError

ALERT_TYPES = ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
"""The alert types, in the order of a superevent's life."""

MAX_ALERT_BYTES = 16 * 2**20
"""Largest alert accepted; the producer's own limit is 8 MiB (13 MiB as base64 JSON)."""

SUPEREVENT_ID = re.compile(r"[MT]?S[0-9]{6}[a-z]{1,16}")
"""Superevent ids: S is real, MS a mock, TS a test. To be matched in full."""

# Records are nested 4 deep; a thousand would be more than a JSON encoder can write.
_MAX_DEPTH = 64
# Real ones have some dozens. Of millions, each of a byte, decoding takes gigabytes and minutes.
_MAX_VALUES = 100_000
# A value of Avro is read in some parts: which branch of a union it is, its length, its bytes.
_MAX_PARTS = 4 * _MAX_VALUES
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z?")
# Samples of 2022 spell it so; the meaning is the same.
_SPELLINGS = {"EARLY_WARNING": "EARLYWARNING"}

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
    """Which alert some bytes are: all that it takes to give them their place.

    Attributes
    ----------
    superevent_id, alert_type, time_created, encoding
        As `Alert`'s.
    sha256, size_bytes
        Hash and size of the bytes.
    """

    superevent_id: str
    alert_type: str
    time_created: str
    encoding: Literal["avro", "json"]
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Alert:
    """One decoded alert.

    Attributes
    ----------
    superevent_id, alert_type, time_created
        The alert's key. `alert_type` is one of `ALERT_TYPES`, whatever the spelling sent;
        `time_created` is the ISO 8601 UTC text as sent.
    sent
        Everything that was sent, in JSON's own types, with None in place of each map. Absent keys
        are absent.
    maps
        The sky maps, gravitational-wave map first.
    sha256, size_bytes
        Hash and size of the bytes that arrived.
    encoding
        ``"avro"`` or ``"json"``.
    """

    superevent_id: str
    alert_type: str
    time_created: str
    sent: dict[str, Any]
    maps: tuple[AttachedMap, ...]
    sha256: str
    size_bytes: int
    encoding: Literal["avro", "json"]

    @property
    def identity(self) -> Identity:
        """Which alert it is."""
        return Identity(**{field.name: getattr(self, field.name) for field in fields(Identity)})

    @property
    def order(self) -> tuple[str, int, bool, str]:
        """Key that sorts the alerts of a superevent: time, life cycle, coincidence, hash.

        An update and the same one with a coincidence may share their second; the one that says more
        is the later.
        """
        # Without the Z, which sorts after the point of a fraction.
        time = self.time_created.removesuffix("Z")
        coincident = bool(self.sent.get("external_coinc"))
        return (time, ALERT_TYPES.index(self.alert_type), coincident, self.sha256)

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
        - `alert_type` is in the spelling of `ALERT_TYPES`;
        - a map is the hash and size of its bytes, which JSON has in base64.

        All else is as sent, `time_created` too. A map that could not be recovered leaves in the
        record only the reason, which other bytes may share: the hash is then that of the bytes that
        arrived, and the alert equals no other.
        """
        if any(attached.error is not None for attached in self.maps):
            return self.sha256
        content = _comparable({**self.record, "alert_type": self.alert_type})
        text = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def parse_alert(data: bytes, max_bytes: int = MAX_ALERT_BYTES) -> Alert:
    """Decode one alert from the bytes that arrived.

    Parameters
    ----------
    data
        An Avro object container with one record, or a GCN JSON object.
    max_bytes
        Size above which nothing is decoded.

    Raises
    ------
    AlertError
        If the bytes are not one alert with a valid key. The message is the reason.
    """
    encoding, sent = decode(data, max_bytes)
    maps, rest = _detach_maps(sent, encoding)
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


def decode(
    data: bytes, max_bytes: int = MAX_ALERT_BYTES
) -> tuple[Literal["avro", "json"], dict[str, Any]]:
    """Decode the record in some bytes, whether or not it is an alert.

    Returns
    -------
    encoding, record
        Which encoding it has, and the record as sent.

    Raises
    ------
    AlertError
        If the bytes are not one record. The message is the reason.
    """
    if len(data) > max_bytes:
        raise AlertError(f"larger than {max_bytes} bytes", "too_large")
    if data.startswith(AVRO_MAGIC):
        return "avro", _read_avro(data, max_bytes)
    if data.lstrip()[:1] == b"{":
        return "json", _read_json(data)
    if not data:
        raise AlertError("empty; expected an Avro container or a GCN JSON object", "empty")
    raise AlertError(
        f"begins with {data[:8]!r}; expected an Avro container or a GCN JSON object", "not_alert"
    )


def _read_avro(data: bytes, max_bytes: int) -> dict[str, Any]:
    contents = check_container(data, max_bytes)
    block = _Block(contents.block)
    try:
        record = fastavro.schemaless_reader(block, _parsed_schema(contents.schema), None)
    except (AlertError, MemoryError):
        raise
    except Exception as error:  # the decoder raises whatever the bytes lead it into
        raise AlertError(f"Avro cannot be decoded: {type(error).__name__}: {error}") from error
    if block.read(1):
        raise AlertError("more bytes in the Avro block than its record has")
    return _as_object(record)


class _Block(BytesIO):
    """A record's bytes, of which no more parts are read than an alert can have values.

    The decoder reads at least once for each item of an array or a map; what these hold for nothing
    is bounded by the schema, and so is all else.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = _MAX_PARTS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise AlertError(f"Avro of more than {_MAX_PARTS} parts")
        return super().read(size)


@lru_cache(maxsize=16)  # most alerts have the same
def _parsed_schema(schema: bytes) -> Any:
    return fastavro.parse_schema(json.loads(schema, object_hook=_without_hints))


def _without_hints(part: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a schema what the decoder's library would take too far.

    That is types which the sender declares parsed, so that nobody has checked them; and that bytes
    are a decimal, as it takes a minute for the digits of a quarter of a megabyte.
    """
    return {
        key: value
        for key, value in part.items()
        if not key.startswith("__") and (key, value) != ("logicalType", "decimal")
    }


def _read_json(data: bytes) -> dict[str, Any]:
    if data.count(b",") > _MAX_VALUES:  # each value but the first follows one
        raise AlertError(f"JSON of more than {_MAX_VALUES} values")
    try:
        return _as_object(json.loads(data, object_pairs_hook=_without_doubt))
    except (ValueError, RecursionError) as error:
        raise AlertError(f"JSON cannot be decoded: {error}") from error


def _without_doubt(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, in which no key has two values: programs differ in which one counts."""
    values = dict(pairs)
    if len(values) < len(pairs):
        (often, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise AlertError(f"JSON has two values of {often[:64]!r} in one object")
    return values


def _as_object(record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise AlertError(f"the record is a {type(record).__name__}; expected an object")
    return record


def _text(record: Mapping[str, Any], key: str) -> str:
    if key not in record:
        found = ", ".join(repr(name[:32]) for name in list(record)[:12])
        raise AlertError(f"no {key} (found {found or 'nothing'})", "key")
    value = record[key]
    if not isinstance(value, str):
        raise AlertError(f"{key} is a {type(value).__name__}; expected text", "key")
    return value


def _superevent_id(record: Mapping[str, Any]) -> str:
    value = _text(record, "superevent_id")
    if not SUPEREVENT_ID.fullmatch(value):
        raise AlertError(f"superevent_id {value[:64]!r}; expected one like 'S230518h'", "key")
    return value


def _alert_type(record: Mapping[str, Any]) -> str:
    value = _text(record, "alert_type")
    canonical = _SPELLINGS.get(value, value)
    if canonical not in ALERT_TYPES:
        raise AlertError(
            f"alert_type {value[:64]!r}; expected one of {', '.join(ALERT_TYPES)}", "key"
        )
    return canonical


def _time_created(record: Mapping[str, Any]) -> str:
    value = _text(record, "time_created")
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(value.removesuffix("Z")[:19])
    except ValueError:
        raise AlertError(
            f"time_created {value[:64]!r}; expected ISO 8601 like '2023-05-18T13:38:18Z'", "key"
        ) from None
    return value


def _detach_maps(
    sent: dict[str, Any], encoding: str
) -> tuple[tuple[AttachedMap, ...], dict[str, Any]]:
    """Split a record into its maps and a copy with None in each map's place."""
    record = dict(sent)
    maps = []
    for kind, place, key in _MAP_PLACES:
        holder = record.get(place)
        if not isinstance(holder, dict) or holder.get(key) is None:
            continue
        attached = _attached_map(kind, holder[key], encoding)
        maps.append(attached)
        record[place] = {**holder, key: None}
    return tuple(maps), record


def _attached_map(kind: MapKind, value: object, encoding: str) -> AttachedMap:
    if encoding == "json" and isinstance(value, str):
        try:
            value = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            return AttachedMap(kind, b"", f"the sky map is not base64: {error}")
    if not isinstance(value, bytes):
        return AttachedMap(kind, b"", f"the sky map is a {type(value).__name__}; expected bytes")
    return AttachedMap(kind, value)


def _describe(attached: AttachedMap) -> dict[str, Any]:
    if attached.error is not None:
        return {"error": attached.error}
    return {"sha256": attached.sha256, "size_bytes": len(attached.data)}


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

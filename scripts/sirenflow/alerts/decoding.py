"""Bytes that arrived to the record of one alert.

Avro is decoded with the schema embedded in the container, never with a reader's schema, so that
fields which a later schema adds are kept and fields which an earlier one lacks stay absent. Around
the record there may be

- a byte-order mark of UTF-8 (JSON);
- one text of JSON that holds the record's JSON, as hop-client's ``write(json.dumps(alert))`` sends;
- a list of which the record is the only item;
- one envelope of hop-client, ``{"format": ..., "content": ...}``, in JSON or in Avro. Its content
  is the record, or the record's bytes: as JSON text, as base64, or as bytes (Avro).

All of these may be combined; an envelope within an envelope is rejected.
"""

import base64
import json
import re
from codecs import BOM_UTF8
from collections import Counter
from functools import lru_cache
from io import BytesIO
from typing import Any, Literal

import fastavro

from sirenflow.alerts.avro_container import AVRO_MAGIC, check_container
from sirenflow.errors import AlertError

MAX_ALERT_BYTES = 16 * 2**20
"""Largest alert accepted; the producer's own limit is 8 MiB (13 MiB as base64 JSON)."""

Encoding = Literal["avro", "json"]

# Real ones have some dozens. Of millions, each of a byte, decoding takes gigabytes and minutes.
_MAX_VALUES = 100_000
# A value of Avro is read in some parts: which branch of a union it is, its length, its bytes.
_MAX_PARTS = 4 * _MAX_VALUES
_EXPECTED = "expected an Avro container or a GCN JSON object"


def decode(data: bytes, max_bytes: int = MAX_ALERT_BYTES) -> tuple[Encoding, dict[str, Any]]:
    """Decode the record in some bytes, whether or not it is an alert.

    Return how the outermost bytes encode it, and the record as sent. Raise AlertError if the bytes
    do not hold exactly one record.

    Parameters
    ----------
    max_bytes
        Size above which nothing is decoded; most that a compressed container may hold.
    """
    if len(data) > max_bytes:
        raise AlertError(f"larger than {max_bytes} bytes", "too_large")
    is_text = data.removeprefix(BOM_UTF8).lstrip().startswith(b'"')
    record = _only_item(_read_json_text(data) if is_text else _read(data, max_bytes))
    if _is_envelope(record):
        record = _only_item(_content(record["content"], max_bytes))
        if _is_envelope(record):
            raise AlertError("an envelope within an envelope; expected an alert in the first")
    return ("avro" if data.startswith(AVRO_MAGIC) else "json"), record


def decode_base64(text: str) -> bytes:
    """Decode base64, with or without line breaks.

    Raise ValueError if it has any other character than those of base64 and blanks, or is cut short.
    The message continues "the base64 text ...".
    """
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed, validate=True)
    except ValueError as error:  # binascii.Error is one
        raise ValueError(_base64_problem(packed)) from error


def _base64_problem(packed: str) -> str:
    other = re.search("[^A-Za-z0-9+/=]", packed)
    if other:
        return (
            f"has {other[0]!a} as character {other.start() + 1:,}; expected letters, digits, "
            "'+', '/' and '='"
        )
    if len(packed) % 4:
        return f"is cut short: {len(packed):,} characters; expected a multiple of 4"
    return "is damaged: '=' comes before its end"


def _read(data: bytes, max_bytes: int) -> Any:
    if data.startswith(AVRO_MAGIC):
        return _read_avro(data, max_bytes)
    text = data.removeprefix(BOM_UTF8)
    if text.lstrip()[:1] in (b"{", b"["):
        return _read_json(text)
    if not data:
        raise AlertError(f"empty; {_EXPECTED}", "empty")
    raise AlertError(f"begins with {data[:8]!r}; {_EXPECTED}", "not_alert")


def _only_item(value: Any) -> dict[str, Any]:
    """Return the record, taken out of a list that holds nothing else."""
    if isinstance(value, list):
        if len(value) != 1:
            raise AlertError(f"a list of {len(value)} items; expected one alert", "not_alert")
        (value,) = value
    if not isinstance(value, dict):
        raise AlertError(f"the record is {type_words(value)}; expected an object")
    return value


def type_words(value: object) -> str:
    """Name the type of a decoded value in the words of JSON, with its article: "a number"."""
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case dict():
            return "an object"
        case list():
            return "a list"
    return "bytes" if isinstance(value, bytes) else "text"


def _is_envelope(record: dict[str, Any]) -> bool:
    return record.keys() >= {"format", "content"} and "superevent_id" not in record


def _content(content: Any, max_bytes: int) -> Any:
    """Return what an envelope holds: as it is, or read from the text or bytes that hold it."""
    if isinstance(content, str):
        is_json = content.lstrip()[:1] in ("{", "[", BOM_UTF8.decode())
        try:
            content = content.encode() if is_json else decode_base64(content)
        except ValueError as error:
            raise AlertError(
                f"the content of the envelope is neither JSON nor base64: {error}"
            ) from error
    if not isinstance(content, bytes):
        return content
    try:
        return _read(content, max_bytes)
    except AlertError as error:
        raise AlertError(f"in the content of the envelope: {error}", error.kind) from error


def _read_avro(data: bytes, max_bytes: int) -> Any:
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
    return record


class _Block(BytesIO):
    """A record's bytes, which limit how often the decoder reads: at least once per value.

    Without this limit 16 million records of a byte take 2.3 s and 900 MiB, 16 million empty texts
    5.0 s; with it, 0.7 s and 0.2 s. Values that take no bytes are limited by `check_schema`.
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
    """Leave out of a schema what the library should not act on.

    These are types that the sender declares parsed, which nothing has checked, and decimals: one of
    a megabyte takes the 8 s that the worker has, and as bytes 10 ms.
    """
    return {
        key: value
        for key, value in part.items()
        if not key.startswith("__") and (key, value) != ("logicalType", "decimal")
    }


def _read_json(data: bytes) -> Any:
    if data.count(b",") > _MAX_VALUES:  # each value but the first follows one
        raise AlertError(f"JSON of more than {_MAX_VALUES} values")
    try:
        return json.loads(data, object_pairs_hook=_without_doubt)
    except (ValueError, RecursionError) as error:
        raise AlertError(f"JSON cannot be decoded: {error}") from error


def _read_json_text(data: bytes) -> Any:
    """Read the JSON object or list that is inside a text of JSON."""
    text: str = _read_json(data.removeprefix(BOM_UTF8))
    if text.lstrip()[:1] not in ("{", "["):
        raise AlertError(f"a JSON text that begins with {text[:8]!r}; {_EXPECTED}", "not_alert")
    return _read_json(text.encode("utf-8", "surrogatepass"))


def _without_doubt(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, in which no key has two values: programs differ in which one counts."""
    values = dict(pairs)
    if len(values) < len(pairs):
        (often, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise AlertError(f"JSON has two values of {often[:64]!r} in one object")
    return values

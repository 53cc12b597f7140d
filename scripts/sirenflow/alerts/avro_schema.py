"""Whether an Avro schema can lead a decoder astray, told before it decodes anything.

A schema may be a bomb by itself: a type that holds itself recurses as deep as the data say, down to
a crash of the interpreter; an array of values that take no bytes has as many as its count claims.
No alert's schema has such a thing. https://avro.apache.org/docs/1.12.0/specification/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sirenflow.errors import AlertError

# The published schema is 4 kB long, nested 9 deep, and its arrays are of numbers and texts.
_MAX_BYTES = 256 * 1024
_MAX_DEPTH = 64
_MAX_EMPTY = 10_000
_MAX_EMPTY_OF_ITEM = 2

_PRIMITIVE_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8}
_PRIMITIVE_BYTES |= {"bytes": 1, "string": 1}


@dataclass(frozen=True)
class _Size:
    """What a value of a type takes, and what it holds for nothing.

    Attributes
    ----------
    bytes
        The least that it takes.
    empty
        The most values in it, itself among them, that take no bytes of their own: nulls, and
        records, which are only their fields. Those of arrays and maps in it are their own matter.
    """

    bytes: int
    empty: int


@lru_cache(maxsize=16)  # of those that pass; most alerts have the same
def check_schema(schema: bytes) -> None:
    """Check that a schema describes values whose size follows that of the data.

    Parameters
    ----------
    schema
        The schema as a container holds it, JSON.

    Raises
    ------
    AlertError
        If it is too long, too deep, malformed or recursive, or has arrays or maps of values
        that take no bytes, or two types or fields of one name.
    """
    if len(schema) > _MAX_BYTES:
        raise AlertError(f"Avro schema of {len(schema)} bytes; at most {_MAX_BYTES}")
    try:
        _least(json.loads(schema), {}, (), 0)
    except RecursionError as error:
        raise AlertError("Avro schema nested too deep to be read") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AlertError(
            f"Avro schema cannot be read: {type(error).__name__}: {str(error)[:100]}"
        ) from error


def _least(schema: Any, named: dict[str, _Size], within: tuple[str, ...], depth: int) -> _Size:
    """Find the least size of a type, checking it and what it holds."""
    if depth > _MAX_DEPTH:
        raise AlertError(f"Avro schema nested more than {_MAX_DEPTH} deep")
    if isinstance(schema, str):
        return _least_by_name(schema, named, within)
    if isinstance(schema, list):
        branches = [_least(branch, named, within, depth + 1) for branch in schema]
        # The branch's number stands for the value itself.
        return _Size(1, max((branch.empty - 1 for branch in branches if branch.empty), default=0))
    kind = schema["type"]
    match kind:
        case "record" | "error":
            return _least_record(schema, named, within, depth)
        case "array":
            item = _least(schema["items"], named, within, depth + 1)
            if item.bytes == 0 or item.empty > _MAX_EMPTY_OF_ITEM:
                raise AlertError("Avro array of values that take no bytes")
            return _Size(1, 0)
        case "map":
            if _least(schema["values"], named, within, depth + 1).empty > _MAX_EMPTY_OF_ITEM:
                raise AlertError("Avro map of values that take no bytes")
            return _Size(1, 0)
        case "enum":
            return _name(schema["name"], _Size(1, 0), named)
        case "fixed":
            size = max(schema["size"], 0)
            return _name(schema["name"], _Size(size, 0 if size else 1), named)
        case _:
            return _least(kind, named, within, depth + 1)


def _least_record(
    schema: dict[str, Any], named: dict[str, _Size], within: tuple[str, ...], depth: int
) -> _Size:
    name = _short(schema["name"])
    keys = [field["name"] for field in schema["fields"]]
    if len(set(keys)) < len(keys):
        raise AlertError(f"Avro record {name[:64]!r} has two fields of one name")
    fields = [
        _least(field["type"], named, (*within, name), depth + 1) for field in schema["fields"]
    ]
    size = _Size(sum(f.bytes for f in fields), 1 + sum(f.empty for f in fields))
    if size.empty > _MAX_EMPTY:
        raise AlertError(f"Avro record of {size.empty} values that take no bytes")
    return _name(name, size, named)


def _name(name: str, size: _Size, named: dict[str, _Size]) -> _Size:
    """Note what a name stands for, which may be one thing only."""
    if named.setdefault(_short(name), size) is not size:
        raise AlertError(f"Avro type {name[:64]!r} is defined twice")
    return size


def _least_by_name(name: str, named: dict[str, _Size], within: tuple[str, ...]) -> _Size:
    if name in _PRIMITIVE_BYTES:
        return _Size(_PRIMITIVE_BYTES[name], 1 if name == "null" else 0)
    if _short(name) in within:
        raise AlertError(f"Avro type {name[:64]!r} holds itself")
    if _short(name) not in named:
        raise AlertError(f"Avro type {name[:64]!r} is not defined")
    return named[_short(name)]


def _short(name: str) -> str:
    """Leave the namespace off: one name in two namespaces is refused, without need or with it."""
    return name.rpartition(".")[2]

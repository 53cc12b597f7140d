"""Reject Avro schemas that lead the decoder into a crash, or into gigabytes for a few bytes.

A schema can be a bomb: a type that contains itself recurses as deep as the data say, and an array
of values that take no bytes has as many as its count claims. The limits of the worker stop both,
but late: without this check an alert of 100 bytes that claims 2^40 nulls takes 5.4 s and 850 MiB,
one of 2^40 fixed values of size 0 all of its 8 s, and a record in itself crashes it (SIGSEGV); with
it, each is rejected in 10 ms. https://avro.apache.org/docs/1.12.0/specification/
"""

import json
from functools import lru_cache
from typing import Any

from sirenflow.errors import AlertError

# The published schema is 4 kB long and nested 9 deep.
_MAX_BYTES = 256 * 1024
_MAX_DEPTH = 64
_PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")


@lru_cache(maxsize=16)  # of those that pass; most alerts have the same
def check_schema(schema: bytes) -> None:
    """Check that a schema describes values whose number is bounded by schema and data.

    A null, or a record or fixed value that takes no bytes, may be a field, as where a sender's
    library derives the schema from a record. It may not be in an array or a map, nor in a type that
    is used twice. Raise AlertError if it is too long, too deep or malformed, or describes an
    unbounded number of values.
    """
    if len(schema) > _MAX_BYTES:
        raise AlertError(f"Avro schema of {len(schema)} bytes; at most {_MAX_BYTES}")
    try:
        _has_empty(json.loads(schema), set(), ())
    except RecursionError as error:
        raise AlertError("Avro schema nested too deep to be read") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AlertError(
            f"Avro schema cannot be read: {type(error).__name__}: {str(error)[:100]}"
        ) from error


def _has_empty(schema: Any, empty: set[str], within: tuple[str, ...]) -> bool:
    """Check a type; return whether values that take no bytes are in it, outside of a union.

    Parameters
    ----------
    empty
        Names of the types so far that have such values.
    within
        Names of the types around it; an empty name for each that has none.
    """
    if len(within) > _MAX_DEPTH:
        raise AlertError(f"Avro schema nested more than {_MAX_DEPTH} deep")
    if isinstance(schema, str):
        return _is_empty_name(schema, empty, within)
    inside = (*within, "")
    if isinstance(schema, list):  # the number of the branch takes a byte, also for a null
        branches = [_has_empty(each, empty, inside) for each in schema if each != "null"]
        return any(branches)
    match schema["type"]:
        case "record" | "error":
            is_empty = _has_empty_field(schema, empty, within)
        case "fixed":
            is_empty = schema["size"] <= 0
        case "enum":
            return False
        case "array" | "map" as kind:
            if _has_empty(schema["items" if kind == "array" else "values"], empty, inside):
                raise AlertError(f"Avro {kind} of values that take no bytes")
            return False
        case other:
            return _has_empty(other, empty, inside)
    if is_empty:
        empty.add(_short_name(schema["name"]))
    return is_empty


def _has_empty_field(record: dict[str, Any], empty: set[str], within: tuple[str, ...]) -> bool:
    keys = [field["name"] for field in record["fields"]]
    if len(set(keys)) < len(keys):
        raise AlertError(f"Avro record {record['name'][:64]!r} has two fields of one name")
    inside = (*within, _short_name(record["name"]))
    fields = [_has_empty(field["type"], empty, inside) for field in record["fields"]]
    return not fields or any(fields)


def _is_empty_name(name: str, empty: set[str], within: tuple[str, ...]) -> bool:
    if name in _PRIMITIVES:
        return name == "null"
    if _short_name(name) in within:
        raise AlertError(f"Avro type {name[:64]!r} contains itself")
    if _short_name(name) in empty:
        raise AlertError(f"Avro type {name[:64]!r} of values that take no bytes is used twice")
    return False


def _short_name(name: str) -> str:
    """Return a name without its namespace: equal names in two namespaces count as one type."""
    return name.rpartition(".")[2]

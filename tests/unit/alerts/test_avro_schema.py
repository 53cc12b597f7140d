"""A schema passes only if the number of values that it describes is bounded."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from builders import SCHEMA, record_type, schema_with

from sirenflow.alerts.avro_schema import check_schema
from sirenflow.errors import AlertError

NODE = record_type("Node", next=["null", "Node"])
EMPTY = record_type("Empty")
FIXED_OF_NOTHING = {"type": "fixed", "name": "F", "size": 0}


def check(schema: object) -> None:
    check_schema(json.dumps(schema).encode())


def test_published_schemas_pass() -> None:
    published = files("igwn_gwalert_schema")
    schemas = [file.read_bytes() for file in published.iterdir() if file.name.endswith(".avsc")]
    assert schemas
    for schema in schemas:
        check_schema(schema)


def test_schema_of_unusual_size_is_refused() -> None:
    with pytest.raises(AlertError, match="schema of"):
        check({**SCHEMA, "doc": "x" * 300_000})


@pytest.mark.parametrize("depth", [100, 10_000])
def test_deep_schema_is_refused(depth: int) -> None:
    schema = b'{"type":"array","items":' * depth + b'"int"' + b"}" * depth
    with pytest.raises(AlertError, match="deep"):
        check_schema(schema)


def test_brackets_in_a_text_hide_no_depth_and_are_none() -> None:
    deep = b'{"type":"array","items":' * 500 + b'"int"' + b"}" * 500
    doc = b'"doc":"\\"' + b"]" * 1000 + b'"'
    schema = b'{"type":"record","name":"A",' + doc + b',"fields":[{"name":"a","type":' + deep
    with pytest.raises(AlertError, match="deep"):
        check_schema(schema + b"}]}")
    check({**SCHEMA, "doc": "[" * 500})


@pytest.mark.parametrize(
    "node",
    [
        NODE,
        record_type("Node", nodes={"type": "array", "items": "Node"}),
        record_type("Node", nodes={"type": "map", "values": ["int", "elsewhere.Node"]}),
        record_type("Node", inner=record_type("Inner", outer=["null", "Node"])),
    ],
)
def test_type_that_contains_itself_is_refused(node: dict[str, Any]) -> None:
    for schema in (node, schema_with(more=node)):
        with pytest.raises(AlertError, match=r"'(elsewhere\.)?Node' contains itself"):
            check(schema)


@pytest.mark.parametrize(
    "item",
    ["null", {"type": "null"}, EMPTY, FIXED_OF_NOTHING, record_type("A", a="null", b=EMPTY)],
)
def test_values_without_bytes_may_be_fields_but_not_items(item: Any) -> None:
    check(schema_with(more=item))
    check(schema_with(more={"type": "array", "items": ["null", "int"]}))
    for kind, key in (("array", "items"), ("map", "values")):
        with pytest.raises(AlertError, match=f"Avro {kind} of values that take no bytes"):
            check(schema_with(more={"type": kind, key: item}))


def test_type_with_values_without_bytes_is_used_once() -> None:
    """A sender's library may derive the schema from a record; used often, it doubles each time."""
    node = record_type("Node", a="null", b="int")
    check(schema_with(event="null", node=node))
    for name in ("Node", "elsewhere.Node"):
        with pytest.raises(AlertError, match=f"{name!r} of values that take no bytes is used"):
            check(schema_with(node=node, other=name))


def test_two_fields_of_one_name_are_refused() -> None:
    fields = [{"name": "far", "type": "double"}] * 2
    with pytest.raises(AlertError, match="'Event' has two fields of one name"):
        check({"type": "record", "name": "Event", "fields": fields})


@pytest.mark.parametrize(
    "schema",
    [b"", b"{", b"1", b"null", b"{}", b'{"type":"record"}', b'{"type":"array"}', b"\xff"],
)
def test_what_is_no_schema_is_refused(schema: bytes) -> None:
    with pytest.raises(AlertError, match="Avro schema cannot be read"):
        check_schema(schema)

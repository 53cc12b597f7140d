"""Bytes that are no alert: containers and JSON that are broken, bombs, or no alerts at all."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from typing import Any

from builders import (
    SCHEMA,
    SYNC,
    avro_alert,
    avro_bytes,
    avro_container,
    avro_long,
    json_alert,
    record,
    record_type,
    schema_with,
)
from hostile import bombs
from hostile.bombs import MIB
from hostile.case import Case, Make

TOO_LARGE = "larger than 16777216 bytes"

# A record's fields in the order of the schema, without its event, coincidence and addresses.
_KEY = b"".join(avro_bytes(text) for text in (b"S260101a", b"PRELIMINARY", b"2026-01-01T00:10:00Z"))
_END = b"\0\0\0"
_NODE = record_type("Node", next=["null", "Node"])
_NODES = record_type("Node", nodes={"type": "array", "items": "Node"})
_TREE = record_type("Node", tree={"type": "map", "values": "Node"})
_NOTHING = record_type("Nothing")
_DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 100, "scale": 0}


def _with_field(kind: object, value: bytes) -> bytes:
    """Write an alert with one more field."""
    return avro_container(schema_with(more=kind), [(1, _KEY + _END + value)])


def _of_type(kind: object, value: bytes) -> bytes:
    """Write a container of which the whole record is one field."""
    return avro_container(record_type("A", a=kind), [(1, value)])


def _changed(old: bytes, new: bytes, times: int = 1) -> bytes:
    """Change some bytes of a good alert."""
    good = avro_alert(record())
    assert old in good
    return good.replace(old, new, times)


def _flipped(at: int, bit: int = 0) -> bytes:
    """Flip a bit of a good alert."""
    good = bytearray(avro_alert(record()))
    good[at] ^= 1 << bit
    return bytes(good)


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def _bomb(codec: bytes, block: bytes) -> bytes:
    return avro_container(SCHEMA, [(1, block)], codec)


_CODEC = r"codec b'{}'; expected null or deflate"
_AVRO: dict[str, tuple[Make, str]] = {
    "a byte more than 16 MiB": (lambda: avro_alert(record()).ljust(16 * MIB + 1, b"\0"), TOO_LARGE),
    "deflate bomb, 1 GiB": (lambda: _bomb(b"deflate", bombs.deflate(1024)), "more than"),
    "deflate bomb, 17 MiB": (lambda: _bomb(b"deflate", bombs.deflate(17)), "more than"),
    "bzip2 bomb, 64 MiB": (
        lambda: _bomb(b"bzip2", bombs.bzip2(64)),
        _CODEC.format("bzip2"),
    ),
    "xz bomb, 64 MiB": (
        lambda: _bomb(b"xz", bombs.xz(64)),
        _CODEC.format("xz"),
    ),
    "zstandard bomb, 1 GiB": (
        lambda: _bomb(b"zstandard", bombs.zstandard(1024)),
        _CODEC.format("zstandard"),
    ),
    "snappy bomb, 64 MiB": (lambda: _bomb(b"snappy", bombs.snappy(64)), _CODEC.format("snappy")),
    "an unknown codec": (lambda: _bomb(b"\xff\0", b""), "codec"),
    "deflate that is none": (lambda: _bomb(b"deflate", b"\xff" * 50), "decompressed"),
    "array of 2^40 nulls": (
        lambda: _of_type({"type": "array", "items": "null"}, avro_long(2**40) + b"\0"),
        "values that take no bytes",
    ),
    "array of 2^40 nulls in an alert": (
        lambda: _with_field({"type": "array", "items": "null"}, avro_long(2**40) + b"\0"),
        "values that take no bytes",
    ),
    "array of -2^40 nulls": (
        lambda: _with_field(
            {"type": "array", "items": "null"}, avro_long(-(2**40)) + b"\0" + b"\0"
        ),
        "values that take no bytes",
    ),
    "map of 2^40 entries": (
        lambda: _with_field({"type": "map", "values": "null"}, avro_long(2**40)),
        "values that take no bytes",
    ),
    "array of 2^40 records without fields": (
        lambda: _with_field({"type": "array", "items": _NOTHING}, avro_long(2**40) + b"\0"),
        "values that take no bytes",
    ),
    "array of 2^40 arrays of nulls": (
        lambda: _with_field(
            {"type": "array", "items": {"type": "array", "items": "null"}}, avro_long(2**40)
        ),
        "values that take no bytes",
    ),
    "array of 2^40 fixed of no size": (
        lambda: _with_field(
            {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}},
            avro_long(2**40) + b"\0",
        ),
        "values that take no bytes",
    ),
    "records of 5,000 nulls": (
        lambda: _with_field(
            {
                "type": "array",
                "items": record_type(
                    "R", a="boolean", **{f"n{number}": "null" for number in range(5000)}
                ),
            },
            avro_long(200_000) + bytes(200_000) + b"\0",
        ),
        "values that take no bytes",
    ),
    "array of fixed of -1 bytes": (
        lambda: _with_field(
            {"type": "array", "items": {"type": "fixed", "name": "F", "size": -1}}, b""
        ),
        "values that take no bytes",
    ),
    "map of records of 5,000 nulls": (
        lambda: _with_field(
            {
                "type": "map",
                "values": ["null", record_type("R", **{f"n{n}": "null" for n in range(5000)})],
            },
            b"",
        ),
        "values that take no bytes",
    ),
    "20,000 nulls in records of records": (
        lambda: _with_field(
            record_type(
                "R0",
                a=record_type("R1", **{f"n{n}": "null" for n in range(5000)}),
                **{f"r{n}": "R1" for n in range(4)},
            ),
            b"",
        ),
        "values that take no bytes",
    ),
    "fixed of 2^40 bytes": (
        lambda: _with_field({"type": "fixed", "name": "F", "size": 2**40}, b""),
        "cannot be decoded",
    ),
    "8 million booleans": (
        lambda: _with_field(
            {"type": "array", "items": "boolean"}, avro_long(2**23) + bytes(2**23) + b"\0"
        ),
        "more than 400000 parts",
    ),
    "16 million empty texts": (
        lambda: _with_field(
            {"type": "array", "items": "string"}, avro_long(16 * 10**6) + bytes(16 * 10**6)
        ),
        "more than 400000 parts",
    ),
    "16 million records": (
        lambda: _with_field(
            {"type": "array", "items": record_type("R", a="int")},
            avro_long(16 * 10**6) + bytes(16 * 10**6),
        ),
        "more than 400000 parts",
    ),
    "16 million entries of a map, deflated": (
        lambda: avro_container(
            schema_with(more={"type": "map", "values": ["null"]}),
            [(1, _raw_deflate(_KEY + _END + avro_long(8 * 10**6) + bytes(16 * 10**6)))],
            b"deflate",
        ),
        "more than 400000 parts",
    ),
    "5 million blocks of an array": (
        lambda: _with_field({"type": "array", "items": "int"}, b"\x01\x02\0" * (5 * 10**6) + b"\0"),
        "more than 400000 parts",
    ),
    "recursive schema, 10,000 deep": (
        lambda: avro_container(_NODE, [(1, b"\x02" * 10_000 + b"\0")]),
        "contains itself",
    ),
    "recursive schema, 10,000 deep, in an alert": (
        lambda: _with_field(_NODE, b"\x02" * 10_000 + b"\0"),
        "contains itself",
    ),
    "recursive schema through an array": (
        lambda: _with_field(_NODES, b"\x02" * 10_000 + b"\0" * 10_001),
        "contains itself",
    ),
    "recursive schema through a map": (
        lambda: _with_field(_TREE, b"\x02\0" * 10_000 + b"\0" * 10_001),
        "contains itself",
    ),
    "schema 10,000 deep": (
        lambda: avro_container(
            b'{"type":"array","items":' * 10_000 + b'"int"' + b"}" * 10_000, [(1, b"\0")]
        ),
        "deep",
    ),
    "schema of a megabyte": (
        lambda: avro_container({**SCHEMA, "doc": "x" * MIB}, [(1, _KEY + _END)]),
        "schema of",
    ),
    "schema that is no JSON": (lambda: avro_container(b"{", [(1, b"")]), "schema"),
    "schema of an unknown type": (lambda: _of_type("unknown", b""), "cannot be decoded"),
    "schema that names a type twice": (
        lambda: avro_container(
            record_type("A", a=_NOTHING, b=record_type("Nothing", c="int")), [(1, b"\0")]
        ),
        "cannot be decoded",
    ),
    "two fields of one name": (
        lambda: avro_container(
            {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "superevent_id", "type": "string"}]},
            [(1, _KEY + _END + avro_bytes(b"S260101b"))],
        ),
        "two fields of one name",
    ),
    "no schema": (lambda: b"Obj\x01\x00" + bytes(16), "no schema"),
    "decimal of a megabyte": (
        lambda: _of_type(_DECIMAL, avro_bytes(b"\x7f" * MIB)),
        "no superevent_id",
    ),
    "two decimals of 4 MiB": (
        lambda: _of_type(
            {"type": "array", "items": _DECIMAL},
            avro_long(2) + avro_bytes(b"\x7f" * 4 * MIB) * 2 + b"\0",
        ),
        "no superevent_id",
    ),
    "a billion records without fields": (
        lambda: avro_container(_NOTHING, [(10**9, b"")]),
        "expected exactly one",
    ),
    "a million empty blocks": (
        lambda: avro_container(SCHEMA, [(0, b"")] * 900_000),
        "expected exactly one",
    ),
    "2^40 entries of the container's header": (
        lambda: b"Obj\x01" + avro_long(2**40) + bytes(2**24 - 100),
        "at most 64",
    ),
    "no record": (lambda: avro_alert(), "0 records"),
    "two records": (lambda: avro_alert(record(), record()), "2 records"),
    "two blocks of one record": (
        lambda: avro_container(SCHEMA, [(1, _KEY + _END)] * 2),
        "expected exactly one",
    ),
    "a record that is no object": (lambda: avro_container("int", [(1, b"\2")]), "expected an obj"),
    "bytes after the record": (
        lambda: avro_container(SCHEMA, [(1, _KEY + _END + b"\0")]),
        "more bytes",
    ),
    "truncated after its magic": (lambda: avro_alert(record())[:4], "truncated|corrupt"),
    "truncated in the schema": (lambda: avro_alert(record())[:100], "truncated|corrupt"),
    "truncated by half": (
        lambda: avro_alert(record())[: len(avro_alert(record())) // 2],
        "truncated",
    ),
    "truncated by a byte": (lambda: avro_alert(record())[:-1], "truncated|sync"),
    "a block longer than the file": (
        lambda: avro_container(SCHEMA, []) + avro_long(1) + avro_long(2**62),
        "truncated or corrupt",
    ),
    "a block of negative length": (
        lambda: avro_container(SCHEMA, []) + avro_long(1) + avro_long(-1),
        "truncated or corrupt",
    ),
    "an integer without end": (lambda: b"Obj\x01" + b"\xff" * 20, "no integer"),
    "a text of negative length": (
        lambda: _of_type("string", avro_long(-5) + b"12345"),
        "cannot be decoded",
    ),
    "a text longer than the file": (
        lambda: _of_type("string", avro_long(2**62)),
        "cannot be decoded",
    ),
    "a text that is not UTF-8": (
        lambda: _changed(b"https://", b"http\xff\xfe//"),
        "cannot be decoded",
    ),
    "a branch that its union lacks": (
        lambda: _with_field(["null", "int"], avro_long(7)),
        "cannot be decoded",
    ),
    "a symbol that its enum lacks": (
        lambda: _with_field({"type": "enum", "name": "E", "symbols": ["A"]}, avro_long(-9)),
        "cannot be decoded",
    ),
    "a date after the year 9999": (
        lambda: _with_field({"type": "int", "logicalType": "date"}, avro_long(2**31 - 1)),
        "cannot be decoded",
    ),
    "a UUID that is none": (
        lambda: _with_field({"type": "string", "logicalType": "uuid"}, avro_bytes(b"no")),
        "cannot be decoded",
    ),
    "another sync marker": (
        lambda: avro_container(SCHEMA, [(1, _KEY + _END)], sync=b"x" * 16),
        "sync marker",
    ),
    "a flipped bit of the magic": (lambda: _flipped(0), "begins with"),
    "a flipped bit of the version": (lambda: _flipped(3), "begins with"),
    "a flipped bit of the schema's length": (
        lambda: _flipped(avro_alert(record()).index(b"avro.schema") + 11, 3),
        "truncated or corrupt",
    ),
    "a flipped bit of the id": (
        lambda: _flipped(avro_alert(record()).index(b"MS260101a"), 6),
        "superevent_id",
    ),
    "a flipped bit of the type": (
        lambda: _flipped(avro_alert(record()).index(b"PRELIMINARY"), 6),
        "alert_type",
    ),
    "a flipped bit of the sync marker": (lambda: _flipped(-1), "sync marker"),
    "an empty id": (lambda: avro_alert(record(superevent_id="")), "superevent_id ''"),
    "an empty type": (lambda: avro_alert(record(alert_type="")), "alert_type ''"),
    "an empty time": (lambda: avro_alert(record(time_created="")), "time_created ''"),
    "an id that is a number": (
        lambda: avro_alert(
            {**record(), "superevent_id": 5}, schema=schema_with(superevent_id="int")
        ),
        "superevent_id is a number",
    ),
    "no id": (
        lambda: avro_container(record_type("A", alert_type="string"), [(1, avro_bytes(b"UPDATE"))]),
        "no superevent_id",
    ),
}


def _json(**changes: Any) -> Make:
    return lambda: json_alert(record(**changes))


def _envelope(content: Any) -> bytes:
    """Write the envelope of old versions of hop-client around something."""
    return json.dumps({"format": "blob", "content": content}).encode()


def _value(text: bytes) -> Make:
    """Write an alert with a field of some JSON."""
    return lambda: json_alert(record(more="HERE")).replace(b'"HERE"', text)


_JSON: dict[str, tuple[Make, str]] = {
    "a byte more than 16 MiB": (lambda: json_alert(record()).ljust(16 * MIB + 1), TOO_LARGE),
    "100,000 brackets": (_value(b"[" * 100_000 + b"]" * 100_000), "cannot be decoded"),
    "100,000 braces": (_value(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "cannot be decoded"),
    "values 200 deep": (_value(b"[" * 200 + b"]" * 200), "nested"),
    "8 million empty lists": (_value(b"[" + b"[]," * 5_000_000 + b"[]]"), "more than .* values"),
    "a number of 100,000 digits": (_value(b"9" * 100_000), "cannot be decoded"),
    "a number of 16 million digits": (_value(b"9" * (16 * MIB - 1000)), "cannot be decoded"),
    "truncated by half": (lambda: json_alert(record())[: len(json_alert(record())) // 2], "decode"),
    "truncated by a byte": (lambda: json_alert(record())[:-1], "cannot be decoded"),
    "bytes after the object": (lambda: json_alert(record()) + b"x", "cannot be decoded"),
    "two records": (lambda: json_alert(record()) + b"\n" + json_alert(record()), "decoded"),
    "two values of one key": (
        lambda: json_alert(record())[:-1] + b', "superevent_id": "S260101b"}',
        "two values of 'superevent_id'",
    ),
    "two values of one key in an object within": (
        _value(b'{"a": 1, "b": {"a": 2}, "a": 3}'),
        "two values of 'a'",
    ),
    "90,000 keys, the last one twice": (
        _value(b'{"a":0,' + b",".join(b'"%d":0' % n for n in range(90_000)) + b',"89999":0}'),
        "two values of '89999'",
    ),
    "a list of two records": (lambda: json.dumps([record(), record()]).encode(), "a list of 2"),
    "an empty list": (lambda: b"[]", "a list of 0"),
    "a list in a list": (lambda: json.dumps([[record()]]).encode(), "the record is a list"),
    "an envelope in an envelope": (
        lambda: _envelope(json.loads(_envelope(record()))),
        "within an envelope",
    ),
    "an envelope around two records": (lambda: _envelope([record(), record()]), "a list of 2"),
    "an envelope around a text": (lambda: _envelope("x y"), "neither JSON nor base64"),
    "an envelope around 100,000 brackets": (
        lambda: _envelope("[" * 100_000),
        "in the content of the envelope: JSON cannot be decoded",
    ),
    "an envelope around Avro that expands to 1 GiB": (
        lambda: _envelope(b64encode(_bomb(b"deflate", bombs.deflate(1024))).decode()),
        "in the content of the envelope: .* more than",
    ),
    "an envelope around an address": (
        lambda: _envelope("file:///etc/passwd"),
        "neither JSON nor base64",
    ),
    "UTF-16": (lambda: json_alert(record()).decode().encode("utf-16"), "begins with"),
    "UTF-32": (lambda: json_alert(record()).decode().encode("utf-32"), "begins with"),
    "two byte-order marks": (lambda: 2 * BOM_UTF8 + json_alert(record()), "begins with"),
    "bytes that are not UTF-8": (_value(b'"\xff\xfe"'), "cannot be decoded"),
    "a text with a control character": (_value(b'"\x1b"'), "cannot be decoded"),
    "a text without end": (_value(b'"'), "cannot be decoded"),
    "an escape that is none": (_value(rb'"\x41"'), "cannot be decoded"),
    "a comment": (_value(b"1 // one"), "cannot be decoded"),
    "a key without quotes": (lambda: b"{superevent_id: 'S260101a'}", "cannot be decoded"),
    "an empty object": (lambda: b"{}", "no superevent_id"),
    "an empty id": (_json(superevent_id=""), "superevent_id ''"),
    "an empty type": (_json(alert_type=""), "alert_type ''"),
    "an empty time": (_json(time_created=""), "time_created ''"),
    "an id that is a number": (_json(superevent_id=5), "superevent_id is a number"),
    "an id that is a list": (_json(superevent_id=["S260101a"]), "superevent_id is a list"),
    "a type that is null": (_json(alert_type=None), "alert_type is null"),
    "no id": (_json(superevent_id=...), "no superevent_id"),
    "no type": (_json(alert_type=...), "no alert_type"),
    "no time": (_json(time_created=...), "no time_created"),
    "a time that is no date": (_json(time_created="2026-13-45T99:99:99Z"), "time_created"),
    "a time in other digits": (_json(time_created="٢٠٢٦-01-01T00:10:00Z"), "time_created"),
    "a time with a newline": (_json(time_created="2026-01-01\n00:10:00Z"), "time_created"),
    "a date without a time": (_json(time_created="2026-01-01"), "time_created"),
    "a leap second at noon": (_json(time_created="2026-01-01T12:00:60Z"), "time_created"),
    "a time in a zone by name": (_json(time_created="2026-01-01T00:10:00 EST"), "time_created"),
    "a time with a million digits": (
        _json(time_created=f"2026-01-01T00:10:00.{'1' * 10**6}Z"),
        "time_created",
    ),
    "a time after the year 9999": (
        _json(time_created="9999-12-31T23:59:59-00:01"),
        "time_created",
    ),
    "a time before the common era": (_json(time_created="0000-01-01T00:10:00Z"), "time_created"),
}
_NEITHER: dict[str, tuple[Make, str]] = {
    "nothing": (lambda: b"", "empty"),
    "zeros, 16 MiB": (lambda: bytes(16 * MIB), "begins with"),
    "blanks, 16 MiB": (lambda: b" " * 16 * MIB, "begins with"),
    "random bytes": (lambda: bytes(range(256)) * 64, "begins with"),
    "a pickle": (lambda: b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", "begins with"),
    "a gzipped alert": (lambda: zlib.compress(json_alert(record()), wbits=31), "begins with"),
    "a VOTable": (lambda: b'<?xml version="1.0"?><VOTABLE/>', "begins with"),
    "YAML": (lambda: b"!!python/object/apply:os.system [id]", "begins with"),
    "an HTML page": (lambda: b"<html><script>alert(1)</script>", "begins with"),
    "a sync marker": (lambda: SYNC, "begins with"),
}


def cases() -> Iterator[Case]:
    """Give them all."""
    for sent_as, some in (("Avro", _AVRO), ("JSON", _JSON), ("", _NEITHER)):
        suffix = sent_as.lower() or "json"
        for name, (make, reason) in some.items():
            yield Case(name, sent_as, _alone(make, suffix), "no alert", reason)


def _alone(make: Make, suffix: str) -> Callable[[], list[tuple[str, bytes]]]:
    return lambda: [(suffix, make())]

"""Avro containers that would hang, exhaust or crash the decoder are refused at their frame."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from builders import (
    SCHEMA,
    SYNC,
    avro_alert,
    avro_bytes,
    avro_container,
    avro_long,
    record,
    record_type,
    schema_with,
)

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.avro_container import check_container
from sirenflow.errors import AlertError

LIMIT = 2**20
NODE = record_type("Node", next=["null", "Node"])

# A decoder that hangs, or dies, must not take the tests with it.
GUARDED = """
import resource, sys
from pathlib import Path
from sirenflow.alerts.alert import parse_alert
from sirenflow.errors import AlertError
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (4, 4))
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    parse_alert(Path(sys.argv[1]).read_bytes())
except AlertError as error:
    print(error)
after = resource.getrusage(resource.RUSAGE_SELF)
assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2, "took over 2 s"
assert after.ru_maxrss - before.ru_maxrss < 200_000, "took over 200 MB"
"""


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_ordinary_container_passes(codec: str) -> None:
    data = avro_alert(record(), codec=codec)
    contents = check_container(data, LIMIT)
    assert json.loads(contents.schema)["name"] == "Alert"
    assert avro_bytes(b"MS260101a") in contents.block
    assert parse_alert(data).record == record()


@pytest.mark.parametrize("counts", [(1, 1), (0, 1), (1, 0), (2, -1), (-1,), (2**40,)])
def test_any_blocks_but_one_with_one_record_are_refused(counts: tuple[int, ...]) -> None:
    """No writer makes empty blocks, and a million of them takes seconds to walk."""
    with pytest.raises(AlertError, match="expected exactly one"):
        check_container(avro_container(SCHEMA, [(count, b"") for count in counts]), LIMIT)


@pytest.mark.parametrize("count", [0, 2, 3])
def test_any_number_of_records_but_one_is_refused(count: int) -> None:
    data = avro_alert(*[record()] * count)
    with pytest.raises(AlertError, match=f"{count} records"):
        parse_alert(data)


@pytest.mark.parametrize("codec", [b"snappy", b"bzip2", b"xz", b"zstandard", b"lz4", b"", b"\xff"])
def test_other_codecs_are_refused(codec: bytes) -> None:
    with pytest.raises(AlertError, match="codec"):
        check_container(avro_container(SCHEMA, [(1, b"")], codec), LIMIT)


def test_deflate_bomb_is_refused_without_being_inflated() -> None:
    bomb = raw_deflate(bytes(100 * LIMIT))
    with pytest.raises(AlertError, match="more than"):
        check_container(avro_container(SCHEMA, [(1, bomb)], b"deflate"), LIMIT)


@pytest.mark.parametrize("block", [b"not deflate", b"\xff" * 50])
def test_block_that_cannot_be_inflated_is_refused(block: bytes) -> None:
    with pytest.raises(AlertError, match="decompressed"):
        check_container(avro_container(SCHEMA, [(1, block)], b"deflate"), LIMIT)


def test_wrong_sync_marker_is_refused() -> None:
    with pytest.raises(AlertError, match="sync marker"):
        check_container(avro_container(SCHEMA, [(1, b"")], sync=b"x" * 16), LIMIT)


@pytest.mark.parametrize("length", [-1, 2**40, 2**62])
def test_block_longer_than_the_file_is_refused(length: int) -> None:
    head = avro_container(SCHEMA, [])
    with pytest.raises(AlertError, match="truncated or corrupt"):
        check_container(head + avro_long(1) + avro_long(length), LIMIT)


def test_integer_without_end_is_refused() -> None:
    with pytest.raises(AlertError, match="no integer"):
        check_container(b"Obj\x01" + b"\xff" * 20, LIMIT)


def test_missing_schema_is_refused() -> None:
    with pytest.raises(AlertError, match="no schema"):
        check_container(b"Obj\x01\x00" + bytes(16), LIMIT)


KEY = b"".join(avro_bytes(text) for text in (b"MS260101a", b"PRELIMINARY", b"2026-01-01T00:10:00Z"))
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 100, "scale": 0}
HOSTILE = {
    "a record in itself, 10,000 deep": avro_container(NODE, [(1, b"\x02" * 10_000 + b"\0")]),
    "a record in itself in an alert": avro_container(
        schema_with(node=NODE), [(1, KEY + b"\0\0\0" + b"\x02" * 10_000 + b"\0")]
    ),
    "a record in itself through an array": avro_container(
        record_type("Node", nodes={"type": "array", "items": "Node"}),
        [(1, b"\x02" * 10_000 + b"\0" * 10_001)],
    ),
    "2^40 nulls": avro_container(
        record_type("A", a={"type": "array", "items": "null"}), [(1, avro_long(2**40) + b"\0")]
    ),
    "2^40 records without fields": avro_container(
        record_type("A", a={"type": "array", "items": record_type("B")}),
        [(1, avro_long(2**40) + b"\0")],
    ),
    "2^40 fixed of size 0": avro_container(
        record_type("A", a={"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
        [(1, avro_long(2**40) + b"\0")],
    ),
    "2^40 entries of the header": b"Obj\x01" + avro_long(2**40) + bytes(2**24 - 100),
    "a million empty blocks": avro_container(SCHEMA, []) + (b"\0\0" + SYNC) * 900_000,
    "a decimal of a megabyte": avro_container(
        record_type("A", a=DECIMAL), [(1, avro_long(2**20) + b"\x7f" * 2**20)]
    ),
    "decimals of many megabytes": avro_container(
        record_type("A", a={"type": "array", "items": DECIMAL}),
        [(1, avro_long(2) + (avro_long(2**22) + b"\x7f" * 2**22) * 2 + b"\0")],
    ),
    "2^50 empty records of a name that stands for others, too": avro_container(
        record_type(
            "A",
            empty={"type": "record", "name": "n2.X", "fields": []},
            full={**record_type("X", a="int"), "name": "n1.X"},
            many={"type": "array", "items": "n2.X"},
        ),
        [(1, avro_long(1) + avro_long(2**50) + b"\0")],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_container_is_refused_soon_and_in_little_memory(name: str, tmp_path: Path) -> None:
    file = tmp_path / "hostile.avro"
    file.write_bytes(HOSTILE[name])
    command = [sys.executable, "-c", GUARDED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-500:] or f"died of signal {-done.returncode}"
    assert done.stdout, "it was taken for an alert"


@pytest.mark.parametrize("name", ["Node", "elsewhere.Node"])
def test_types_that_a_schema_brings_as_parsed_are_not_used(name: str) -> None:
    """The decoder's library would take them as they are, though nobody has checked them."""
    schema = schema_with(node=record_type("Node", next="boolean"), other=name)
    node = record_type(name, next=["null", name])
    hints = {"__fastavro_parsed": {}, "__named_schemas": {name: node}}
    data = avro_container({**schema, **hints}, [(1, KEY + b"\0\0\0" + b"\x02" * 500 + b"\0")])
    # Read as what was checked, the record ends before the bytes do.
    reason = "more bytes" if name == "Node" else "cannot be decoded"
    with pytest.raises(AlertError, match=reason):
        parse_alert(data)


def test_bytes_after_the_record_are_refused() -> None:
    whole = check_container(avro_alert(record()), LIMIT)
    schema = json.loads(whole.schema)
    assert parse_alert(avro_container(schema, [(1, whole.block)])).record == record()
    with pytest.raises(AlertError, match="more bytes"):
        parse_alert(avro_container(schema, [(1, whole.block + b"\0")]))

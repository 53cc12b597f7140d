"""Small files that say that they are large."""

from __future__ import annotations

import bz2
import lzma
import zlib

MIB = 2**20


def bzip2(mebibytes: int) -> bytes:
    """Compress zeros."""
    return bz2.compress(bytes(mebibytes * MIB))


def xz(mebibytes: int) -> bytes:
    """Compress zeros."""
    return lzma.compress(bytes(mebibytes * MIB), preset=0)


def deflate(mebibytes: int, start: bytes = b"", wbits: int = -zlib.MAX_WBITS) -> bytes:
    """Compress some bytes and zeros after them, for zlib's `wbits`; a checksum is not right.

    A mebibyte of zeros stands by itself, so that one is compressed for all.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begin = compressor.compress(start + bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    part = compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return begin + part * (mebibytes - 1) + compressor.flush()


def zstandard(mebibytes: int) -> bytes:
    """Write a frame of zeros: blocks of 128 KiB that repeat a byte (RFC 8878, 3.1.1)."""
    magic, no_checksum, window, size = b"\x28\xb5\x2f\xfd", b"\0", b"\x58", 128 * 1024
    repeat = 1 << 1
    block = (size << 3 | repeat).to_bytes(3, "little") + b"\0"
    last = (size << 3 | repeat | 1).to_bytes(3, "little") + b"\0"
    return magic + no_checksum + window + block * (8 * mebibytes - 1) + last


def snappy(mebibytes: int) -> bytes:
    """Write zeros: their number, one of them, copies of 64 before it; and Avro's checksum."""
    number = bytearray()
    left = mebibytes * MIB + 1
    while left > 0x7F:
        number.append(left & 0x7F | 0x80)
        left >>= 7
    copies = b"\xfe\1\0" * (mebibytes * MIB // 64)
    return bytes([*number, left]) + b"\0\0" + copies + bytes(4)

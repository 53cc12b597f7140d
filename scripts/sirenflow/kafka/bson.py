"""Elements of an untrusted BSON document, https://bsonspec.org/spec.html.

The decoder of hop-client trusts lengths: 13 bytes with a negative length make it loop for ever.
Here a length leads forward and never beyond the end, and nested documents are not entered.
"""

import struct
from dataclasses import dataclass

STRING, DOCUMENT, ARRAY, BINARY = 0x02, 0x03, 0x04, 0x05

# double, object id, boolean, time, null, int32, uint64 (of hop; else a time stamp), int64
_SIZES = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8}
# Types that begin with a length: its least value, and what it does not count.
_LENGTHS = {STRING: (1, 4), DOCUMENT: (5, 0), ARRAY: (5, 0), BINARY: (0, 5)}
_MAX_ELEMENTS = 64


@dataclass(frozen=True)
class Element:
    """An element of a document.

    Attributes
    ----------
    content
        Its bytes; those of binary data without length and subtype.
    """

    kind: int
    content: bytes


def read_elements(data: bytes) -> dict[str, Element]:
    """Read the elements of a document by name; those of documents inside it are not looked at.

    Raise ValueError if the bytes are not one document of a few elements. The text is the reason.
    """
    end = len(data) - 1
    if end < 4 or _read_int32(data, 0) != len(data) or data[end] != 0:
        raise ValueError("its length is not that of a document")
    elements: dict[str, Element] = {}
    offset = 4
    while offset < end:
        if len(elements) == _MAX_ELEMENTS:
            raise ValueError(f"more than {_MAX_ELEMENTS} elements")
        kind = data[offset]
        name_end = data.find(0, offset + 1, end)
        start = name_end + 1
        size = _element_size(data, start, kind) if name_end > offset else -1
        if size < 0 or start + size > end:
            raise ValueError(f"no element at byte {offset}")
        name = data[offset + 1 : name_end].decode(errors="replace")
        if name in elements:  # which of the two is meant, readers do not agree
            raise ValueError(f"two elements of one name, the second at byte {offset}")
        skipped = 5 if kind == BINARY else 0
        elements[name] = Element(kind, data[start + skipped : start + size])
        offset = start + size
    return elements


def _element_size(data: bytes, start: int, kind: int) -> int:
    """Return the size of an element, -1 if it has none."""
    if kind not in _LENGTHS:
        return _SIZES.get(kind, -1)
    least, excess = _LENGTHS[kind]
    if start + 4 > len(data):
        return -1
    length = _read_int32(data, start)
    return length + excess if length >= least else -1


def _read_int32(data: bytes, offset: int) -> int:
    return int(struct.unpack_from("<i", data, offset)[0])

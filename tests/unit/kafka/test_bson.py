"""Elements of a BSON document are what hop's encoder wrote, or there is a reason why not."""

from __future__ import annotations

import struct
from typing import Any

from hop import bson
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.kafka.bson import read_elements

WRITTEN = bson.dumps(
    {"message": b"Obj\x01" * 20, "metadata": {"headers": [["_id", b"x" * 16]]}, "key": "ab", "n": 1}
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), values))
def test_elements_are_those_that_hop_wrote(sent: dict[str, Any]) -> None:
    elements = read_elements(bson.dumps(sent))
    assert list(elements) == list(sent)
    for name, value in sent.items():
        if isinstance(value, bytes):
            assert (elements[name].kind, elements[name].content) == (5, value)
        if isinstance(value, dict):
            assert (elements[name].kind, elements[name].content) == (3, bson.dumps(value))


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=4))
def test_any_change_of_the_bytes_is_a_document_or_a_reason(
    changes: list[tuple[float, bytes]],
) -> None:
    data = bytearray(WRITTEN)
    for place, replacement in changes:
        start = int(place * len(data))
        data[start : start + len(replacement)] = replacement
    data[:4] = struct.pack("<i", len(data))
    try:
        elements = read_elements(bytes(data))
    except ValueError:
        return
    assert sum(len(each.content) for each in elements.values()) < len(data)

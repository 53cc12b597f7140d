"""Products are written in one way: that of the standard library's JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.formats.json_file import json_lines

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), -float("inf"))),
    lambda part: (
        st.lists(part) | st.lists(part).map(tuple) | st.dictionaries(st.text(), part, max_size=6)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_lines_are_those_of_the_standard_library(value: Any) -> None:
    expected = json.dumps(value, sort_keys=True, indent=1, allow_nan=False)
    assert json_lines(value) == expected


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": (1.0, -float("inf"))}])
def test_number_that_is_not_finite_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        json_lines(value)

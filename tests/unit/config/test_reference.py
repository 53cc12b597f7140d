"""The pages of docs/reference are those that the code describes."""

from __future__ import annotations

import pytest

from make_reference import PAGES, REFERENCE


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make reference`"

"""The pages of docs/reference are those that the code describes."""

from __future__ import annotations

import signal

import pytest
from commands import all_commands

from make_reference import PAGES, REFERENCE, meaning_of_codes
from sirenflow.processes import exit_codes


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make reference`"


@pytest.mark.parametrize(("name", "command"), [*all_commands()])
def test_every_command_documents_codes_that_are_defined(name: str, command: object) -> None:
    codes = set(meaning_of_codes(getattr(command, "epilog", "")))
    stopped = {exit_codes.of_signal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    assert {0, exit_codes.ERROR, exit_codes.USAGE} <= codes
    assert codes <= {0, *stopped} | {
        value for value in vars(exit_codes).values() if isinstance(value, int)
    }
    assert name in (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")

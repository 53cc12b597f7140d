"""Errors of the system become Sirenflow's, and name the file and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from sirenflow.errors import ConfigError, InboxError, os_errors_as


def test_system_error_names_path_action_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "missing"
    with pytest.raises(InboxError) as caught, os_errors_as(InboxError, path, "read"):
        path.read_bytes()
    assert str(caught.value) == f"{path} cannot be read: No such file or directory"
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_error_without_a_number_keeps_its_text() -> None:
    with pytest.raises(ConfigError, match=r"^x cannot be locked: as foreseen$"):  # noqa: SIM117
        with os_errors_as(ConfigError, "x", "locked"):
            raise OSError("as foreseen")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), os_errors_as(InboxError, "x", "read"):
        raise KeyError

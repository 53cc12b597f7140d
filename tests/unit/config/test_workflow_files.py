"""The workflow's files, which tests/workflow/test_wheel.py looks for in a wheel."""

from __future__ import annotations

import pytest
from paths import ROOT

from sirenflow.config import workflow_files


def test_an_editable_install_uses_the_files_of_the_clone() -> None:
    assert workflow_files.ROOT == ROOT


@pytest.mark.parametrize("name", ["SNAKEFILE", "DEFAULT_CONFIG"])
def test_files_exist(name: str) -> None:
    assert getattr(workflow_files, name).is_file()


def test_the_default_profile_exists() -> None:
    assert (workflow_files.PROFILES / "default" / "config.yaml").is_file()

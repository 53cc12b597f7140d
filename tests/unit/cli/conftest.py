"""Settings of the tests of commands."""

from pathlib import Path

import pytest
from paths import SAMPLES


@pytest.fixture(autouse=True)
def _working_directory(working_directory: Path) -> None:
    """Begin each test in a directory of its own, where the samples are at hand."""
    (working_directory / "samples").symlink_to(SAMPLES)

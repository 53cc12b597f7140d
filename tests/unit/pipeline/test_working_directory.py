"""`sirenflow init` writes a working directory, and never changes a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import sirenflow

from sirenflow.config.configuration import read_settings
from sirenflow.config.workflow_files import DEFAULT_CONFIG, ROOT, SNAKEFILE
from sirenflow.errors import InboxError
from sirenflow.pipeline.project import find_project
from sirenflow.pipeline.working_directory import create_working_directory

FILES = {
    "README.md",
    "Snakefile",
    "config/config.yaml",
    "profiles/README.md",
    "profiles/default/config.yaml",
    "profiles/slurm/config.yaml",
}


pytestmark = pytest.mark.usefixtures("working_directory")


def files(directory: Path) -> set[str]:
    return {str(f.relative_to(directory)) for f in directory.rglob("*") if f.is_file()}


def test_init_writes_the_files_and_says_what_to_do_next() -> None:
    result = sirenflow("init", "new/place")
    assert (result.exit_code, result.stderr) == (0, "")
    assert files(Path("new/place")) == FILES
    assert f"6 files written to {Path('new/place').resolve()}\n" in result.stdout
    for step in ("cd new/place\n", "sirenflow ingest PATH...", "sirenflow run", "snakemake"):
        assert step in result.stdout


def test_init_without_a_directory_takes_the_working_directory() -> None:
    result = sirenflow("init")
    assert result.exit_code == 0
    assert files(Path()) == FILES
    assert "cd " not in result.stdout


def test_configuration_is_the_commented_default_and_is_read() -> None:
    create_working_directory(Path())
    written = Path("config/config.yaml")
    assert written.read_bytes() == DEFAULT_CONFIG.read_bytes()
    written.write_text("inbox: elsewhere\n")
    assert read_settings().inbox == Path("elsewhere")
    assert find_project().inbox == Path("elsewhere")


def test_init_with_samples_copies_alerts_that_ingest_takes() -> None:
    result = sirenflow("init", "--samples")
    assert "sirenflow ingest samples" in result.stdout
    names = {path.name for path in Path("samples").iterdir()}
    assert names == {f.name for f in (ROOT / "samples").iterdir() if f.suffix in (".avro", ".json")}


def test_init_never_changes_a_file_and_writes_what_is_missing() -> None:
    mine = {"Snakefile": "rule mine: output: 'a'\n", "config/config.yaml": "inbox: mine\n"}
    Path("config").mkdir()
    for name, text in mine.items():
        Path(name).write_text(text)
    result = sirenflow("init")
    assert result.exit_code == 3
    assert result.stderr == "".join(
        f"sirenflow: {name} exists and was not changed\n" for name in mine
    )
    assert {name: Path(name).read_text() for name in mine} == mine
    assert files(Path()) == FILES


def test_init_twice_changes_nothing_and_exits_3() -> None:
    assert sirenflow("init").exit_code == 0
    before = {name: Path(name).stat().st_mtime_ns for name in FILES}
    again = sirenflow("init")
    assert again.exit_code == 3
    assert len(again.stderr.splitlines()) == len(FILES)
    assert {name: Path(name).stat().st_mtime_ns for name in FILES} == before


def test_link_to_nowhere_is_not_followed() -> None:
    Path("README.md").symlink_to("gone")
    assert create_working_directory(Path()).existing == (Path("README.md"),)
    assert Path("README.md").readlink() == Path("gone")


def test_file_in_place_of_a_directory_is_named() -> None:
    Path("profiles").write_text("")
    with pytest.raises(InboxError, match=r"profiles/README.md cannot be written: "):
        create_working_directory(Path())


def test_file_in_place_of_the_working_directory_is_wrong_usage() -> None:
    Path("file").write_text("")
    result = sirenflow("init", "file")
    assert result.exit_code == 2
    assert "'file' is a file; expected a directory" in result.stderr


def test_snakefile_and_profile_of_the_working_directory_are_used() -> None:
    create_working_directory(Path())
    assert find_project().options == [
        *("--snakefile", "Snakefile", "--workflow-profile", "profiles/default")
    ]


def test_without_its_profile_that_of_the_package_is_used() -> None:
    create_working_directory(Path())
    Path("profiles/default/config.yaml").unlink()
    Path("profiles/default").rmdir()
    assert find_project().options[-1] == str(ROOT / "profiles/default")


def test_directory_without_init_uses_the_workflow_of_the_package() -> None:
    project = find_project()
    assert project.snakefile == SNAKEFILE
    assert project.config["visibility"] == yaml.safe_load(DEFAULT_CONFIG.read_text())["visibility"]

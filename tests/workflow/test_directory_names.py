"""Directory names: each works under `sirenflow run` and plain snakemake, or is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PROGRAM
from paths import ROOT

SAMPLE = ROOT / "samples" / "TS260902f-03-retraction.avro"
RUN = [*PROGRAM, "run", "--cores", "1"]
SNAKEMAKE = [
    *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
    *("--cores", "1"),
]
# Each character means something to Snakemake, to Python's formatting or to a shell.
NAME = "-a *?[b]'\"#50%$HOME,;&|()~\\<ünï>\n\t!:=@ "


def call(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def configured(directory: Path, name: str) -> Path:
    """Make a working directory whose inbox, results and tables are in a directory of some name."""
    written = name.replace("$", "$$")
    (directory / "config").mkdir(parents=True)
    folder = directory / name
    folder.mkdir()
    (folder / "t.csv").write_text("name,ra,dec,d\na,1,1,100\n")
    columns = {"name": "name", "ra": "ra", "dec": "dec"}
    config = {
        "inbox": f"{written}/inbox",
        "results": f"{written}/results",
        "candidates": {"table": f"{written}/t.csv", "columns": columns},
        "galaxies": {
            "table": f"{written}/t.csv",
            "name": "mine",
            "completeness": "none",
            "columns": {**columns, "distance": "d"},
        },
    }
    (directory / "config/config.yaml").write_text(json.dumps(config))
    ingested = call([*PROGRAM, "ingest", str(SAMPLE)], directory)
    assert ingested.returncode == 0, ingested.stderr
    return folder


def pages(folder: Path) -> set[str]:
    results = folder / "results"
    return {str(page.relative_to(results)) for page in results.rglob("*.html")}


@pytest.mark.parametrize("command", [RUN, SNAKEMAKE])
def test_every_character_but_braces_works(command: list[str], tmp_path: Path) -> None:
    folder = configured(tmp_path, NAME)
    made = call(command, tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert pages(folder) == {"index.html", "candidates.html", "TS260902f/index.html"}
    assert {file.name for file in tmp_path.iterdir()} == {"config", ".snakemake", NAME}


@pytest.mark.parametrize("command", [RUN, SNAKEMAKE])
def test_working_directory_may_have_braces(command: list[str], tmp_path: Path) -> None:
    folder = configured(tmp_path / f"{{superevent}}{NAME}{{", "plain")
    made = call(command, folder.parent)
    assert made.returncode == 0, made.stdout + made.stderr
    assert pages(folder) == {"index.html", "candidates.html", "TS260902f/index.html"}


@pytest.mark.parametrize("command", [RUN, SNAKEMAKE])
def test_braces_are_refused_by_name(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("results: out/{night}\n")
    made = call(command, tmp_path)
    assert made.returncode == 1
    assert "results is 'out/{night}'; expected a path without { and }, which Snakemake" in (
        made.stdout + made.stderr
    )

"""Another workflow in the working directory: beside ours, and with ours as a Snakemake `module`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paths import ROOT, SAMPLES
from watching import is_told, small_alert, store

from sirenflow.files.lock import exclusive
from sirenflow.pipeline.project import find_project

pytestmark = pytest.mark.snakemake

ALERT = small_alert()
SCRIPTS = Path(sys.executable).parent
OTHER = "rule other:\n    output: 'other.txt'\n    shell: 'touch {output}'\n"
MODULE = """
module gw:
    snakefile: {snakefile!r}
{config}

use rule * from gw as gw_*

rule mine:
    default_target: True
    input: rules.gw_all.input
"""
CONFIG = '    config: {"results": "products", "visibility": {"sites": []}}'
THREADS = ("--force-use-threads",)


def snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain `snakemake` on the Snakefile of the working directory."""
    command = [str(SCRIPTS / "snakemake"), "--cores", "1", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def write_module(directory: Path, config: str = "", after: str = "") -> None:
    """Write a Snakefile with our workflow as a module."""
    text = MODULE.format(snakefile=str(ROOT / "Snakefile"), config=config) + after
    (directory / "Snakefile").write_text(text)


# ----------------------------------------------------------------------------- which one is ours


@pytest.mark.parametrize("with_rules", [False, True])
def test_other_snakefile_in_the_working_directory_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_rules: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(OTHER)
    if with_rules:
        (tmp_path / "workflow/rules").mkdir(parents=True)
        (tmp_path / "workflow/rules/extract.smk").write_text("")
    assert find_project().snakefile == ROOT / "Snakefile"


def test_module_in_the_working_directory_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_module(tmp_path)
    assert find_project().snakefile == ROOT / "Snakefile"


def test_own_snakefile_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "Snakefile", tmp_path)
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    assert find_project().snakefile == Path("Snakefile")


def test_run_beside_another_workflow_takes_neither_its_snakefile_nor_its_profile(
    tmp_path: Path,
) -> None:
    store(tmp_path, ALERT)
    (tmp_path / "Snakefile").write_text(OTHER)
    (tmp_path / "profiles/default").mkdir(parents=True)
    (tmp_path / "profiles/default/config.yaml").write_text("until: other\n")
    command = [str(SCRIPTS / "sirenflow"), "run", "--cores=1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert is_told(tmp_path, ALERT)


@pytest.mark.parametrize("command", [("run",), ("ingest", str(SAMPLES))])
def test_configuration_of_another_workflow_is_named(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Also beside a schema of that workflow, which accepts it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("samples: theirs\ninbox: raw\n")
    (tmp_path / "workflow/schemas").mkdir(parents=True)
    (tmp_path / "workflow/schemas/config.schema.yaml").write_text("properties: {}\n")
    program = [str(SCRIPTS / "sirenflow"), *command]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("sirenflow: config/config.yaml: unknown key 'samples'")
    assert "another workflow, run sirenflow in another directory" in done.stderr
    assert not (tmp_path / "raw").exists()


# ---------------------------------------------------------------------------------- as a module


@pytest.mark.parametrize(
    ("config", "options"), [(CONFIG, THREADS), ("", ())], ids=["config", "no config, processes"]
)
def test_module_makes_the_products(tmp_path: Path, config: str, options: tuple[str, ...]) -> None:
    """Also where config/config.yaml, --config and imported files are the other workflow's."""
    store(tmp_path, ALERT)
    write_module(tmp_path, config, after="\nimport theirs\n")
    (tmp_path / "theirs.py").write_text("")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("samples: theirs\n")
    done = snakemake(tmp_path, "--config", "theirs=1", *options)
    assert done.returncode == 0, done.stderr
    results = tmp_path / ("products" if config else "results")
    assert (results / "MS260926m/index.html").exists()
    assert "MS260926m" in (results / "catalogue.csv").read_text()
    assert (results / ".sirenflow/lock").exists()


def test_example_of_the_readme_reads_the_summary_of_each_superevent(tmp_path: Path) -> None:
    """With a new alert of one superevent, its rule runs for that one only."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "module sirenflow:" in block]
    (tmp_path / "Snakefile").write_text(example)
    store(tmp_path, ALERT)
    store(tmp_path, small_alert("S260927a"))
    done = snakemake(tmp_path, *THREADS)
    assert done.returncode == 0, done.stderr
    texts = {name: tmp_path / f"counts/{name}.txt" for name in ("MS260926m", "S260927a")}
    assert {text.read_text() for text in texts.values()} == {"1 alerts\n"}
    before = {superevent: text.stat().st_mtime_ns for superevent, text in texts.items()}
    store(tmp_path, small_alert("S260927a", minute=1))
    assert snakemake(tmp_path, *THREADS).returncode == 0
    changed = [name for name, text in texts.items() if text.stat().st_mtime_ns != before[name]]
    assert changed == ["S260927a"]
    assert texts["S260927a"].read_text() == "2 alerts\n"
    assert "Nothing to be done" in snakemake(tmp_path, *THREADS).stderr


@pytest.mark.parametrize("prefix", ['prefix: "pre"', 'replace_prefix: {"results/": "pre/"}'])
def test_module_with_a_prefix_is_refused_by_name(tmp_path: Path, prefix: str) -> None:
    store(tmp_path, ALERT)
    write_module(tmp_path, f"{CONFIG}\n    {prefix}")
    done = snakemake(tmp_path)
    assert done.returncode == 1
    assert "prefix and replace_prefix are not supported" in done.stderr


def test_module_with_a_wrong_config_names_the_key(tmp_path: Path) -> None:
    store(tmp_path, ALERT)
    write_module(tmp_path, '    config: {"reslts": "products"}')
    done = snakemake(tmp_path)
    assert done.returncode == 1
    assert "reslts" in done.stderr


def test_module_holds_our_lock_and_leaves_the_other_workflow_its_onstart(tmp_path: Path) -> None:
    store(tmp_path, ALERT)
    write_module(tmp_path, after="\nonstart: shell('touch started')\n")
    with exclusive(tmp_path / "results/.sirenflow/lock"):
        busy = snakemake(tmp_path, *THREADS)
        assert busy.returncode == 1
        assert "results/.sirenflow/lock is locked by" in busy.stderr
        assert not (tmp_path / "results/MS260926m").exists()
        assert snakemake(tmp_path, "--dry-run").returncode == 0
        assert not (tmp_path / "started").exists()
    done = snakemake(tmp_path, *THREADS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "started").exists()


def test_of_two_runs_of_the_module_at_a_time_one_says_who_holds_the_lock(tmp_path: Path) -> None:
    """While the first one waits in a rule of the other workflow, the second one starts."""
    after = (
        "\nrule wait:\n    output: 'waited'\n    shell: 'touch waiting; cat gate > {output}'\n"
        "\nrule both:\n    input: rules.mine.input, rules.wait.output\n"
    )
    store(tmp_path, ALERT)
    write_module(tmp_path, after=after)
    os.mkfifo(tmp_path / "gate")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    places = {name: str(tmp_path / name) for name in ("inbox", "results")}
    write_module(elsewhere, f"    config: {places}")
    command = [str(SCRIPTS / "snakemake"), "--cores", "2", *THREADS, "both"]
    first = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "waiting").exists() and first.poll() is None:
            time.sleep(0.05)
        assert first.poll() is None  # or nobody reads the gate, and opening it would block
        with (tmp_path / "gate").open("w"):
            second = snakemake(elsewhere, "--forceall")  # or all may be made by then
    finally:
        said = first.communicate()[1]
    assert first.returncode == 0, said
    assert second.returncode == 1
    assert re.search(r"results/.sirenflow/lock is locked by process \d+ on ", second.stderr)

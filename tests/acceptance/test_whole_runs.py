"""Runs over all samples: in any order, with other settings, and interrupted ones."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import BIN, ROOT, SAMPLE_ALERTS
from snakemake_runs import checksums, command, ingest, jobs, snakemake
from warm_commands import warm_run, warm_snakemake

SUPEREVENTS = {path.name.split("-")[0] for path in SAMPLE_ALERTS}


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a working directory in which the samples were processed in one plain run."""
    directory = tmp_path_factory.mktemp("processed")
    ingest(directory / "inbox", *SAMPLE_ALERTS)
    assert jobs(snakemake(directory))["report"] == len(SUPEREVENTS)
    return directory


@pytest.fixture
def worked(processed: Path, tmp_path: Path) -> Path:
    """Copy the processed directory, to be changed; files keep their times."""
    return shutil.copytree(processed, tmp_path / "worked")


# ------------------------------------------------------------------------------------- any order


def test_directory_cores_and_order_of_arrival_change_no_byte(
    processed: Path, tmp_path: Path
) -> None:
    """One core, other directories, and a superevent processed alert by alert, last one first."""
    files = sorted(SAMPLE_ALERTS, reverse=True)
    ingest(tmp_path / "elsewhere" / "in", *files[: len(files) // 2])
    setting = ("--config", "inbox=elsewhere/in", "results=elsewhere/out")
    assert snakemake(tmp_path, *setting, cores=1).returncode == 0
    ingest(tmp_path / "elsewhere" / "in", *files)
    assert snakemake(tmp_path, *setting, cores=1).returncode == 0
    assert checksums(tmp_path / "elsewhere" / "out") == checksums(processed / "results")


@settings(max_examples=5)
@given(
    order=st.permutations(SAMPLE_ALERTS),
    cuts=st.sets(st.integers(1, len(SAMPLE_ALERTS) - 1), max_size=3),
)
def test_any_sequence_of_arrivals_and_runs_ends_like_one_run_over_everything(
    tmp_path_factory: pytest.TempPathFactory,
    processed: Path,
    order: list[Path],
    cuts: set[int],
) -> None:
    directory = tmp_path_factory.mktemp("parts")
    bounds = [0, *sorted(cuts), len(order)]
    for start, end in itertools.pairwise(bounds):
        ingest(directory / "inbox", *order[start:end])
        assert warm_run(directory).returncode == 0
    assert checksums(directory / "results") == checksums(processed / "results")


# -------------------------------------------------------------------------------- other settings


def test_other_settings_redo_what_depends_on_them(worked: Path) -> None:
    setting = ("--config", "visibility={minimum_altitude_deg: 40}")
    again = {"report": len(SUPEREVENTS)}
    assert jobs(warm_snakemake(worked, *setting)) == {"all": 1, "catalogue": 1, **again}
    seen = json.loads((worked / "results/MS260418b/visibility.json").read_text())
    assert {site["minimum_altitude_deg"] for site in seen["sites"]} == {40}


def test_section_that_is_not_wanted_any_more_goes(worked: Path) -> None:
    page = worked / "results/MS260418b/index.html"
    assert 'id="visibility"' in page.read_text()
    (worked / "config").mkdir()
    (worked / "config/config.yaml").write_text("inbox: inbox\n")
    assert jobs(warm_snakemake(worked))["report"] == len(SUPEREVENTS)
    assert 'id="visibility"' not in page.read_text()


def test_other_credible_levels_recompute_and_add_keys(worked: Path) -> None:
    setting = ("--config", "skymaps={extra_credible_levels_percent: [68]}")
    assert jobs(warm_snakemake(worked, *setting))["extract"] == len(SUPEREVENTS)
    localization = json.loads((worked / "results/MS260418b/localization.json").read_text())
    measured = localization["alerts"][0]["skymaps"][0]
    assert measured["area_50_deg2"] < measured["area_68_deg2"] < measured["area_90_deg2"]


# ------------------------------------------------------------------------------ interrupted runs


@pytest.mark.parametrize("command", [["sirenflow", "run"], ["snakemake", "--cores", "2"]])
def test_run_that_was_killed_is_completed_by_sirenflow_run(
    processed: Path, tmp_path: Path, command: list[str]
) -> None:
    for name in ("Snakefile", "workflow", "config", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    ingest(tmp_path / "inbox", *SAMPLE_ALERTS)
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    while not list((tmp_path / "results").glob("*/alerts.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert warm_run(tmp_path).returncode == 0
    assert warm_run(tmp_path).stdout == "nothing new\n"
    assert (
        "Nothing to be done" in warm_snakemake(tmp_path).stdout
    )  # and no stale lock is in its way
    assert checksums(tmp_path / "results") == checksums(processed / "results")


def test_run_that_was_killed_is_completed_by_snakemake(processed: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "inbox", *SAMPLE_ALERTS)
    process = subprocess.Popen(
        command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    while not list((tmp_path / "results").glob("*/alerts.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "results/index.html").exists()
    assert warm_snakemake(tmp_path, "--unlock").returncode == 0
    assert jobs(warm_snakemake(tmp_path))["catalogue"] == 1
    assert checksums(tmp_path / "results") == checksums(processed / "results")


@pytest.mark.snakemake
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_says_so_and_the_next_completes_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    ingest(tmp_path / "inbox", *SAMPLE_ALERTS)
    process = subprocess.Popen(
        [str(BIN / "sirenflow"), "run", "--cores", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list((tmp_path / "results").glob("*/alerts.json")):
        assert process.poll() is None, "the run ended before it could be stopped"
        time.sleep(0.005)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said.startswith(f"sirenflow: stopped by {number.name} after ")
    assert said.endswith("; the next run continues\n")
    assert said.count("\n") == 1
    assert not (tmp_path / "results/index.html").exists()
    assert warm_run(tmp_path).returncode == 0
    assert (tmp_path / "results/index.html").exists()

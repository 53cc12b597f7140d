"""The workflow on a real Slurm: the same products as on one machine, in few submissions."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import slurm
from paths import BIN, ROOT, SAMPLES
from slurm import Slurm
from snakemake_runs import checksums

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slurm

BROKEN = "MS260715s"
WHOLE = ("MS260522k", "MS260803a", "MS260926m", "TS260902f")
OF_EACH = ("extract", "report")
# Two superevents a submission, rather than the profile's fifty, so that there are some; and asked
# after at once, as they are short.
FEW = (
    *("--group-components", "superevents=2"),
    *("--slurm-init-seconds-before-status-checks", "2"),
)


@dataclass(frozen=True)
class Run:
    """What a run on the cluster printed, and Slurm's account of it."""

    code: int
    output: str
    submissions: list[dict[str, str]]

    def counts(self) -> dict[str, int]:
        """Read how many jobs of each rule there were from Snakemake's table of them."""
        table = re.search(r"^job +count\n[- ]+\n(.*?)^total", self.output, re.M | re.S)
        lines = table[1].splitlines() if table else []
        return {rule: int(count) for rule, count in map(str.split, lines)}

    def states(self) -> Counter[str]:
        """Count Slurm's jobs by how they ended."""
        return Counter(job["JobState"] for job in self.submissions)


@dataclass(frozen=True)
class Story:
    """A run in which one superevent fails, what stood then, and the run that mends it."""

    failed: Run
    stood: dict[str, str]
    mended: Run
    results: dict[str, str]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    reason = slurm.missing()
    if reason is not None:
        if os.environ.get("SIRENFLOW_REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Room for two submissions of four processors at a time, whatever there is here.
    with Slurm(tmp_path_factory.mktemp("slurm"), cpus=8, memory_mb=16_000) as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Hash what a run on this machine alone makes."""
    directory = tmp_path_factory.mktemp("local")
    ingest(directory)
    snakemake(directory, "--cores", "2", environ=dict(os.environ), check=True)
    return checksums(directory / "results")


@pytest.fixture(scope="module")
def story(cluster: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Story:
    directory = tmp_path_factory.mktemp("cluster")
    ingest(directory)
    results = directory / "results"
    results.mkdir()
    (results / BROKEN).symlink_to("/proc")  # where not even root can write
    failed = on_cluster(cluster, directory)
    stood = checksums(results)
    (results / BROKEN).unlink()
    return Story(failed, stood, on_cluster(cluster, directory), checksums(results))


def ingest(directory: Path) -> None:
    names = (BROKEN, *WHOLE)
    files = [file for name in names for file in SAMPLES.glob(f"{name}-[0-9][0-9]-*")]
    subprocess.run(
        [BIN / "sirenflow", "ingest", "--inbox", directory / "inbox", *files],
        check=True,
        capture_output=True,
    )


def snakemake(
    directory: Path, *arguments: str, environ: dict[str, str], check: bool = False
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "snakemake", "--snakefile", ROOT / "Snakefile", *arguments],
        cwd=directory,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=check,
        timeout=300,
    )


def on_cluster(cluster: Slurm, directory: Path) -> Run:
    before = len(cluster.jobs())
    profile = str(ROOT / "profiles/slurm")
    done = snakemake(directory, "--workflow-profile", profile, *FEW, environ=cluster.environment)
    logs = (directory / ".snakemake/slurm_logs").rglob("*.log")
    output = "\n".join((done.stdout, *(file.read_text() for file in logs)))
    return Run(done.returncode, output, cluster.jobs()[before:])


def of(products: dict[str, str], *superevents: str) -> dict[str, str]:
    return {name: sha for name, sha in products.items() if name.startswith(superevents)}


def test_products_are_those_of_one_machine(story: Story, local: dict[str, str]) -> None:
    assert story.mended.code == 0, story.mended.output
    assert "index.html" in local
    assert of(local, BROKEN)
    assert story.results == local


def test_superevents_share_submissions(story: Story) -> None:
    """Five superevents, two a submission; no catalogue, as one is missing."""
    assert story.failed.counts() == {"all": 1, "catalogue": 1, **dict.fromkeys(OF_EACH, 5)}
    assert story.failed.states() == {"COMPLETED": 2, "FAILED": 1}, story.failed.output


def test_one_that_fails_does_not_stop_the_others_of_its_submission(
    story: Story, local: dict[str, str]
) -> None:
    assert story.failed.code != 0
    assert story.stood == of(local, *WHOLE), story.failed.output


def test_only_what_failed_is_done_again(story: Story) -> None:
    assert story.mended.counts() == {"all": 1, "catalogue": 1, **dict.fromkeys(OF_EACH, 1)}
    assert story.mended.states() == {"COMPLETED": 2}, story.mended.output


def test_submission_asks_for_a_few_processors_and_minutes(story: Story) -> None:
    for job in story.failed.submissions:
        wanted = dict(re.findall(r"(cpu|mem)=(\d+)", job["Tres"]))
        assert int(wanted["cpu"]) <= 4
        assert int(wanted["mem"]) == 2000 * int(wanted["cpu"])
        assert job["TimeLimit"] == "2"


def test_jobs_of_a_submission_share_one_snakemake(story: Story) -> None:
    """The step that Snakemake's executor would start for each job is the costly one."""
    assert "Provided cores: 4" in story.failed.output  # of the log that is kept, as it failed
    assert "srun" not in story.failed.output

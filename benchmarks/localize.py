"""Whole `snakemake` runs against the home-made loop, on the same alerts, in turn.

python benchmarks/localize.py --superevents 400 --runs 3
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from load import make_inbox

ROOT = Path(__file__).resolve().parent.parent
SNAKEMAKE = [
    *("snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "4"),
    *("--until", "extract", "--quiet", "all"),
]
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Seconds that a command took, with all processes that it started."""

    wall: float
    cpu: float
    cpu_first: float


def run(command: list[str], directory: Path) -> Cost:
    """Run a command and wait for it and for whatever it leaves behind.

    `cpu_first` is the first process's own share, and that of the children it waited for.
    """
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL)
    cpu: dict[int, float] = {}
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu[pid] = usage.ru_utime + usage.ru_stime
        if pid == process.pid:
            wall = time.monotonic() - start
            if status:
                sys.exit(f"{' '.join(command[:4])} ... failed: status {status}")
    return Cost(wall, sum(cpu.values()), cpu[process.pid])


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--superevents", type=int, default=400)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--samples", type=Path, default=ROOT / "samples")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    arguments = parser.parse_args()
    # Workers that outlive their parent are handed to this process, and their time is counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    shutil.rmtree(arguments.work, ignore_errors=True)
    arguments.work.mkdir(parents=True)
    files = make_inbox(arguments.work / "inbox", arguments.samples, arguments.superevents)
    loop = [sys.executable, str(ROOT / "benchmarks" / "seed_loop.py"), *map(str, files)]
    loops, runs, nothing_new = [], [], []
    for _ in range(arguments.runs):
        loops.append(run(loop, arguments.work))
        for leftover in ("results", ".snakemake"):
            shutil.rmtree(arguments.work / leftover, ignore_errors=True)
        runs.append(run(SNAKEMAKE, arguments.work))
        nothing_new.append(run(SNAKEMAKE, arguments.work))
    names = ("astropy", "fastavro", "numpy", "snakemake")
    print(
        f"{arguments.superevents} superevents, {len(files)} alerts; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in names)
    )
    print("\n| median of " + f"{arguments.runs} runs | wall s | CPU s | of it first process |")
    print("|---|---|---|---|")
    for name, costs in (("loop", loops), ("snakemake", runs), ("nothing new", nothing_new)):
        columns = [median(column) for column in zip(*map(astuple, costs), strict=True)]
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in columns) + " |")
    ratios = [a.wall / b.wall for a, b in zip(runs, loops, strict=True)]
    print(f"\nwall, snakemake over loop, run by run: {', '.join(f'{r:.2f}' for r in ratios)}")


if __name__ == "__main__":
    main()

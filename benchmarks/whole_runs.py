"""Whole runs: against the home-made loop, to full pages, with nothing new, and how they grow.

python benchmarks/whole_runs.py --superevents 2500 --runs 3

Each round runs the commands in turn on the same alerts, so that ratios are of one time.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from load import make_inbox

ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("astropy", "fastavro", "numpy", "snakemake")
_SMALLER = 10
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What a command took, with all processes that it started.

    Attributes
    ----------
    wall, cpu
        Seconds.
    cpu_first
        The first process's share of `cpu`, in seconds, with that of children it waited for.
    peak_first, peak_other
        Most memory (MiB) that was resident in the first process, and in any other.
    """

    wall: float
    cpu: float
    cpu_first: float
    peak_first: float
    peak_other: float


def run(command: list[str], directory: Path) -> Cost:
    """Run a command; wait for it and for whatever it leaves behind."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL)
    peaks: dict[int, float] = {}
    stop = threading.Event()
    watcher = threading.Thread(target=_watch_memory, args=(peaks, stop))
    watcher.start()
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
    stop.set()
    watcher.join()
    first = peaks.pop(process.pid, 0.0)
    return Cost(wall, sum(cpu.values()), cpu[process.pid], first, max(peaks.values(), default=0.0))


def _watch_memory(peaks: dict[int, float], stop: threading.Event) -> None:
    """Note the greatest resident size of every process below this one, until told to stop."""
    while not stop.wait(0.2):
        parents = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                status = (entry / "status").read_text()
            except OSError:
                continue
            lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            parents[int(entry.name)] = int(lines["PPid"])
            if "VmHWM" in lines and _is_below(int(entry.name), parents):
                peaks[int(entry.name)] = int(lines["VmHWM"].split()[0]) / 1024


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == os.getpid():
            return True
    return False


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--superevents", type=int, default=2500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--samples", type=Path, default=ROOT / "samples")
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    arguments = parser.parse_args()
    # Workers that outlive their parent are handed to this process, and their time is counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    large, small = arguments.work / "large", arguments.work / "small"
    numbers = {large: arguments.superevents, small: arguments.superevents // _SMALLER}
    for directory, superevents in numbers.items():
        if len(list(directory.glob("inbox/*"))) != superevents:
            shutil.rmtree(directory, ignore_errors=True)
            make_inbox(directory / "inbox", arguments.samples, superevents)
    costs: dict[str, list[Cost]] = {}
    for _ in range(arguments.runs):
        for name, cost in _round(large, small):
            costs.setdefault(name, []).append(cost)
            print(f"{name}: {cost}", file=sys.stderr, flush=True)
    _tell(costs, numbers[large], numbers[small], arguments.runs)


def _round(large: Path, small: Path) -> list[tuple[str, Cost]]:
    files = sorted(str(file) for file in large.glob("inbox/*/*/*.avro"))
    programs = Path(sys.executable).parent
    snakemake = [
        str(programs / "snakemake"),
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--cores",
        "4",
        "--quiet",
    ]
    localize, everything = [*snakemake, "all", "--until", "extract"], [*snakemake, "all"]
    nothing_new = [str(programs / "sirenflow"), "run"]
    costs = [("loop", run([sys.executable, str(ROOT / "benchmarks/seed_loop.py"), *files], large))]
    for directory in (large, small):
        _clean(directory)
    costs.append(("to localization.json", run(localize, large)))
    _clean(large)
    costs.append(("to pages and catalogue", run(everything, large)))
    costs.append(("nothing new, snakemake", run(everything, large)))
    run(nothing_new, large)  # takes note of what is done
    costs.append(("nothing new, sirenflow run", run(nothing_new, large)))
    costs.append(("a tenth, to pages and catalogue", run(everything, small)))
    return costs


def _clean(directory: Path) -> None:
    for leftover in ("results", ".snakemake"):
        shutil.rmtree(directory / leftover, ignore_errors=True)


def _tell(costs: dict[str, list[Cost]], large: int, small: int, runs: int) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    print(f"{large} superevents, {4 * large} alerts; {os.cpu_count()} cores, ", end="")
    print(f"Python {platform.python_version()}, {packages}; medians of {runs}\n")
    print("| | wall s | CPU s | of it first process | peak MiB, first | peak MiB, other |")
    print("|---|---|---|---|---|---|")
    for name, measured in costs.items():
        values = [
            median(getattr(cost, key) for cost in measured)
            for key in ("wall", "cpu", "cpu_first", "peak_first", "peak_other")
        ]
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    loop, localized, pages, fewer = (
        costs[name]
        for name in ("loop", "to localization.json", "to pages and catalogue", list(costs)[-1])
    )
    ratios = [a.wall / b.wall for a, b in zip(localized, loop, strict=True)]
    each = [1000 * cost.cpu / large for cost in pages]
    growth = [a.cpu / large / (b.cpu / small) for a, b in zip(pages, fewer, strict=True)]
    print(f"\nwall to localization.json over the loop's: {', '.join(f'{r:.2f}' for r in ratios)}")
    print(f"CPU ms a superevent to pages and catalogue: {', '.join(f'{ms:.0f}' for ms in each)}")
    print(f"that over the same at a tenth: {', '.join(f'{r:.2f}' for r in growth)}")


if __name__ == "__main__":
    main()

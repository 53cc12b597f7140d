"""CPU time of a superevent's page, all its figures and files included.

python benchmarks/event_page.py --reference-python /path/to/python-with-ligo.skymap

Runs the stages on one sample: one alert with one map, then all its alerts; the second makes the
page. With the reference, also what ligo-skymap-plot and ligo-skymap-stats take for that one map:
within one process after a first run, and as commands, imports included.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the workers

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from sirenflow.config.configuration import CONFIG_FILE
from sirenflow.config.validation import validate

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("extract", "report")
ONE_ALERT = "MS260418b-05-update.avro"
ALL_ALERTS = "MS260418b-*.avro"
# Runs in the other Python: prints CPU seconds of each round, after one that is not counted.
REFERENCE = """
import io, json, sys, time, warnings
from contextlib import redirect_stderr
warnings.simplefilter("ignore")
from importlib import import_module
import matplotlib.pyplot as pyplot
skymap, directory, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
spent = {}
for name, arguments in json.loads(sys.argv[4]).items():
    main = import_module("ligo.skymap.tool." + name.replace("-", "_")).main
    for _ in range(rounds + 1):
        start = time.process_time()
        with redirect_stderr(io.StringIO()):
            main([skymap, *arguments])
            pyplot.close("all")
        spent.setdefault(name, []).append(time.process_time() - start)
print(json.dumps({name: seconds[1:] for name, seconds in spent.items()}))
"""


def commands(directory: Path) -> dict[str, list[str]]:
    """Give the reference's commands and their arguments but the map."""
    return {
        "ligo-skymap-plot": [
            *("--annotate", "--contour", "50", "90", "--output", str(directory / "map.png"))
        ],
        "ligo-skymap-stats": ["--contour", "50", "90", "--output", str(directory / "stats.dat")],
    }


class Event:
    """Products of one superevent in a directory, as the rules name them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings = validate(yaml.safe_load((ROOT / CONFIG_FILE).read_text(encoding="utf-8")))
        self.extracted = {
            "alerts": directory / "alerts.json",
            "localization": directory / "localization.json",
            "skymaps": directory / "skymaps",
        }

    def take(self, files: list[Path]) -> Event:
        """Take samples of one superevent in."""
        inbox = self.directory / "inbox" / files[0].name.partition("-")[0] / "ALERTS"
        inbox.mkdir(parents=True)
        for file in files:
            shutil.copy(file, inbox / file.name)
        return self

    def run(self, stage: str) -> None:
        """Run a stage, as its rule would."""
        function = getattr(import_module(f"sirenflow.stages.{stage}"), stage)
        function(**self.extracted, **getattr(self, f"_{stage}")())

    def _extract(self) -> dict[str, Any]:
        shutil.rmtree(self.extracted["skymaps"], ignore_errors=True)
        files = sorted((self.directory / "inbox").glob("*/*/*"))
        return {"files": files, "levels_percent": [50, 90]}

    def _report(self) -> dict[str, Any]:
        return {
            "regions": self.directory / "regions.json",
            "region_files": self.directory / "regions",
            "visibility": self.directory / "visibility.json",
            "page": self.directory / "index.html",
            "event": self.directory / "event.json",
            "circular": self.directory / "circular.txt",
            "config_sha256": None,
            **self.settings["visibility"],
        }


def cpu_of(function: Callable[[], object]) -> float:
    """Give the CPU seconds of a call, in this process."""
    start = time.process_time()
    function()
    return time.process_time() - start


def cpu_of_command(command: list[str]) -> float:
    """Give the CPU seconds of a command, in a process of its own."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = spent()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return spent() - start


def warm(event: Event, rounds: int) -> dict[str, float]:
    """Give the median CPU seconds of each stage, and of all, after a round not counted."""
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for _ in range(rounds + 1):
        for stage in STAGES:
            spent[stage].append(cpu_of(partial(event.run, stage)))
    spent["both"] = [sum(seconds) for seconds in zip(*spent.values(), strict=True)]
    return {name: median(seconds[1:]) for name, seconds in spent.items()}


def cold(event: Event, rounds: int) -> float:
    """Give the median CPU seconds of a process that runs the stages once."""
    once = [sys.executable, __file__, "--once", str(event.directory)]
    return median(cpu_of_command(once) for _ in range(rounds))


def reference(python: Path, skymap: Path, directory: Path, rounds: int) -> Iterator[str]:
    """Measure ligo.skymap on a map; give the table's rows."""
    wanted = commands(directory)
    arguments = [str(skymap), str(directory), str(rounds), json.dumps(wanted)]
    done = subprocess.run(
        [str(python), "-c", REFERENCE, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    spent: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    spent["both"] = [sum(one) for one in zip(*spent.values(), strict=True)]
    colds = {
        name: median(
            cpu_of_command([str(python.parent / name), str(skymap), *options])
            for _ in range(rounds)
        )
        for name, options in wanted.items()
    }
    colds["both"] = sum(colds.values())
    for name, seconds in spent.items():
        yield row(name, median(seconds), colds[name])


def row(name: str, warm_s: float, cold_s: float | None = None) -> str:
    """Write a row of the table, in ms."""
    return f"| {name} | {1000 * warm_s:.0f} | {'' if cold_s is None else f'{1000 * cold_s:.0f}'} |"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--reference-python", type=Path)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once is not None:
        for stage in STAGES:
            Event(arguments.once).run(stage)
        return
    rounds, python = arguments.rounds, arguments.reference_python
    names = ("astropy", "numpy", "jinja2", "contourpy", "mocpy")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in names)
        + f"; medians of {rounds} rounds, 3 where commands are run\n"
    )
    print("| CPU ms | warm | a process of its own |\n|---|---|---|")
    with TemporaryDirectory() as directory:
        files = sorted((ROOT / "samples").glob(ALL_ALERTS))
        one = Event(Path(directory, "one")).take([ROOT / "samples" / ONE_ALERT])
        every = Event(Path(directory, "every")).take(files)
        spent = warm(one, rounds)
        for stage in STAGES:
            print(row(f"`{stage}`, one alert, one map", spent[stage]))
        print(row("both", spent["both"], cold(one, 3)))
        of_all = warm(every, rounds)
        for name in (*STAGES, "both"):
            print(row(f"{name}, {len(files)} alerts", of_all[name]))
        if python is not None:
            (skymap,) = one.extracted["skymaps"].glob("*.fits")
            for line in reference(python, skymap, Path(directory), 3):
                print(line)


if __name__ == "__main__":
    main()

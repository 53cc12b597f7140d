"""Where an alert's time goes within `extract`, on the inbox that `whole_runs.py` left.

Example: python benchmarks/within.py --superevents 40
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the workers

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sirenflow.processes.worker import keep_freed_memory
from sirenflow.skymap import localization
from sirenflow.stages import extract as stage

_INBOX = Path(__file__).parent / "work" / "large" / "inbox"
_TIMED: tuple[tuple[Any, str], ...] = (
    (stage, "parse_alert"),  # SHA-256 of the alert and of its map, for the most part
    (stage, "read_skymap"),
    (localization, "peak"),
    (localization, "credible_areas"),
    (localization, "lines_of_sight"),
    (localization, "marginal_distance"),
    (localization, "credible_volumes"),
    (stage, "write_json"),
)


def timed(function: Callable[..., Any], name: str, spent: Counter[str]) -> Callable[..., Any]:
    """Wrap a function so that its CPU seconds are added up."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        result = function(*args, **kwargs)
        spent[name] += time.process_time() - start  # type: ignore[assignment]
        return result

    return wrapper


def main() -> None:
    """Measure and print a Markdown table of CPU milliseconds an alert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--superevents", type=int, default=40)
    parser.add_argument("--inbox", type=Path, default=_INBOX)
    arguments = parser.parse_args()
    superevents = sorted(arguments.inbox.glob("*"))[: arguments.superevents]
    if not superevents:
        sys.exit(f"nothing in {arguments.inbox}: benchmarks/whole_runs.py makes an inbox there")
    keep_freed_memory()  # as workers do
    spent: Counter[str] = Counter()
    for module, name in _TIMED:
        setattr(module, name, timed(getattr(module, name), name, spent))
    extract = timed(stage.extract, "extract, in all", spent)
    for warm in (True, False):
        spent.clear()
        with TemporaryDirectory() as directory:
            for superevent in superevents[:2] if warm else superevents:
                out = Path(directory, superevent.name)
                outputs = (out / "alerts.json", out / "skymaps", out / "localization.json")
                extract(sorted(superevent.glob("*/*.avro")), *outputs, [50, 90])
    files = [file for superevent in superevents for file in superevent.glob("*/*.avro")]
    print("| function | CPU ms an alert |\n|---|---|")
    for name, seconds in spent.most_common():
        print(f"| {name} | {1000 * seconds / len(files):.1f} |")


if __name__ == "__main__":
    main()

"""Print how much each distribution of this environment takes on disk, with compiled bytecode."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from importlib.util import cache_from_source
from pathlib import Path

SMALL_MB = 1.0


def main() -> None:
    """Print a table in Markdown: the distributions of a megabyte or more, and the sum of all."""
    found = {_normal(each.name): each for each in distributions()}
    megabytes = {name: sum(_sizes(each)) / 1e6 for name, each in found.items()}
    needed_by = _needed_by(found)
    small = [name for name in found if megabytes[name] < SMALL_MB]
    print("| distribution | MB | needed by |\n|---|---|---|")
    for name in sorted(found, key=lambda name: (-megabytes[name], name)):
        if name not in small:
            by = ", ".join(sorted(needed_by[name]))
            print(f"| {name} {found[name].version} | {megabytes[name]:.1f} | {by} |")
    print(f"| {len(small)} others | {sum(megabytes[name] for name in small):.1f} | |")
    print(f"| all {len(found)} | {sum(megabytes.values()):.0f} | |")


def _sizes(distribution: Distribution) -> Iterator[int]:
    """Give the size of each file, and of what Python compiles it to."""
    files = {Path(str(distribution.locate_file(file))) for file in distribution.files or ()}
    files |= {Path(cache_from_source(str(file))) for file in files if file.suffix == ".py"}
    return (file.stat().st_size for file in files if file.is_file())


def _needed_by(found: dict[str, Distribution]) -> dict[str, set[str]]:
    """Find which distributions require each, extras aside."""
    needed_by = defaultdict(set)
    for name, distribution in found.items():
        for line in distribution.requires or ():
            requirement, _, marker = line.partition(";")
            if "extra ==" not in marker and (match := re.match(r"[\w.-]+", requirement)):
                needed_by[_normal(match[0])].add(name)
    return needed_by


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


main()

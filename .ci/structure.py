"""Print the structure of the package: its units, what they import, levels, cycles, upward imports.

A unit is a module or a package directly below the package. Level 1 imports no other unit; every
other unit is one level above the highest unit that it imports. Units of one cycle share a level.
An import is upward if the layers in pyproject.toml do not allow it.
"""

from __future__ import annotations

import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

Graph = dict[str, set[str]]

_PACKAGE = "sirenflow"
_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> None:
    """Print the structure; exit with 1 if there is a cycle or an upward import."""
    import grimp  # comes with import-linter

    found = grimp.build_graph(_PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
    by_file = {name: set(found.find_modules_directly_imported_by(name)) for name in found.modules}
    units = by_unit(by_file, _PACKAGE)
    for line in describe_units(units, by_file):
        print(line)
    print(f"{len(units)} units, {max(levels_of(units).values())} levels, {count(units)} imports")
    print(f"{len(by_file)} files, {longest_chain(by_file)} levels, {count(by_file)} imports")
    is_broken = False
    layers = [[*map(str.strip, layer.split("|"))] for layer in configured_layers()]
    for name, broken in (
        ("cycles of units", [", ".join(sorted(group)) for group in cycles(units)]),
        ("cycles of files", [", ".join(sorted(group)) for group in cycles(by_file)]),
        ("upward imports", [" -> ".join(edge) for edge in upward(units, layers)]),
    ):
        print(f"{len(broken)} {name}{': ' if broken else ''}{'; '.join(broken)}")
        is_broken |= bool(broken)
    sys.exit(is_broken)


def describe_units(units: Graph, by_file: Iterable[str]) -> Iterable[str]:
    """Yield a line for each unit, from the highest level to the lowest."""
    files = [unit_of(name, _PACKAGE) for name in by_file]
    for unit, level in sorted(levels_of(units).items(), key=lambda item: (-item[1], item[0])):
        imported = ", ".join(sorted(units[unit])) or "-"
        yield f"{level:3}  {unit:14} {files.count(unit):3} files  imports {imported}"


def configured_layers() -> list[str]:
    """Return the layers of the contract in pyproject.toml, from the top."""
    linter = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (found["layers"] for found in linter["contracts"] if found["type"] == "layers")
    return list(layers)


def unit_of(module: str, package: str) -> str:
    """Return the unit that a module belongs to; the package itself is the unit `__init__`."""
    below = module.removeprefix(package).lstrip(".")
    return below.partition(".")[0] or "__init__"


def by_unit(graph: Graph, package: str) -> Graph:
    """Return the imports between units, without those inside of one."""
    units: Graph = defaultdict(set)
    for module, imported in graph.items():
        unit = unit_of(module, package)
        units[unit] |= {unit_of(name, package) for name in imported} - {unit}
    return dict(units)


def count(graph: Graph) -> int:
    """Return the number of imports."""
    return sum(map(len, graph.values()))


def levels_of(graph: Graph) -> dict[str, int]:
    """Return the level of each node: one more than the highest that it imports."""
    groups = {node: group for group in connected_groups(graph) for node in group}
    condensed = {
        group: {groups[name] for node in group for name in graph[node]} - {group}
        for group in set(groups.values())
    }
    levels: dict[frozenset[str], int] = {}
    for group in TopologicalSorter(condensed).static_order():
        levels[group] = 1 + max((levels[below] for below in condensed[group]), default=0)
    return {node: levels[group] for node, group in groups.items()}


def longest_chain(graph: Graph) -> int:
    """Return how many nodes the longest chain of imports has; a cycle counts as one."""
    return max(levels_of(graph).values())


def cycles(graph: Graph) -> list[frozenset[str]]:
    """Return the groups of nodes that import each other, directly or through others."""
    return [group for group in connected_groups(graph) if len(group) > 1]


def connected_groups(graph: Graph) -> list[frozenset[str]]:
    """Return the strongly connected groups of a graph; a node in no cycle is a group of one."""
    reached = {node: reachable(graph, node) for node in graph}
    groups = {
        frozenset(other for other in reached[node] if node in reached[other]) | {node}
        for node in graph
    }
    return sorted(groups, key=sorted)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return all nodes that can be reached from one by imports."""
    found: set[str] = set()
    waiting = set(graph[start])
    while waiting:
        found |= waiting
        waiting = set(chain.from_iterable(graph[node] for node in waiting)) - found
    return found


def upward(graph: Graph, layers: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Return the imports from a layer to a higher one, or between units of one layer.

    Units in no layer, such as the package's own `__init__`, may be imported by all.
    """
    layer_of = {unit: number for number, layer in enumerate(layers) for unit in layer}
    return sorted(
        (unit, name)
        for unit, imported in graph.items()
        for name in imported
        if unit in layer_of and name in layer_of and layer_of[unit] >= layer_of[name]
    )


if __name__ == "__main__":
    main()

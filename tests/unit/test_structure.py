"""The script that draws the package's structure, and what the structure promises."""

from __future__ import annotations

import ast
import importlib.util
import re
from types import ModuleType

import pytest
from paths import ROOT

PACKAGE = ROOT / "scripts/sirenflow"


@pytest.fixture(scope="module")
def structure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", ROOT / ".ci/structure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHAIN = {"cli": {"stages"}, "stages": {"skymap", "errors"}, "skymap": {"errors"}, "errors": set()}
CYCLE = {"cli": {"a"}, "a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}


def test_level_is_one_above_the_highest_import(structure: ModuleType) -> None:
    assert structure.levels_of(CHAIN) == {"errors": 1, "skymap": 2, "stages": 3, "cli": 4}
    assert structure.cycles(CHAIN) == []


def test_units_of_a_cycle_share_a_level(structure: ModuleType) -> None:
    assert structure.levels_of(CYCLE) == {"d": 1, "a": 2, "b": 2, "c": 2, "cli": 3}
    assert structure.cycles(CYCLE) == [frozenset("abc")]
    assert structure.longest_chain(CYCLE) == 3


def test_modules_are_counted_as_their_unit(structure: ModuleType) -> None:
    by_file = {
        "p": set(),
        "p.a": {"p.a.x"},
        "p.a.x": {"p", "p.b.y", "p.errors"},
        "p.b": set(),
        "p.b.y": {"p.errors"},
        "p.errors": set(),
    }
    units = structure.by_unit(by_file, "p")
    assert units == {
        "__init__": set(),
        "a": {"__init__", "b", "errors"},
        "b": {"errors"},
        "errors": set(),
    }
    assert structure.count(units) == 4


def test_import_is_upward_against_the_layers_or_between_units_of_one(structure: ModuleType) -> None:
    layers = [["cli"], ["stages", "skymap"], ["errors"]]
    assert structure.upward(CHAIN, layers) == [("stages", "skymap")]
    graph = {"errors": {"cli", "__init__"}, "cli": {"errors"}, "__init__": set()}
    assert structure.upward(graph, layers) == [("errors", "cli")]


def test_every_package_is_documented_and_in_a_layer(structure: ModuleType) -> None:
    packages = sorted(file.parent for file in PACKAGE.glob("*/__init__.py"))
    assert len(packages) > 10
    text = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `(\w+)` \| \S", text, flags=re.MULTILINE)
    assert sorted(described) == sorted([*(package.name for package in packages), "errors"])
    layers = " | ".join(structure.configured_layers()).split(" | ")
    assert sorted(layers) == sorted(described)
    for file in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file

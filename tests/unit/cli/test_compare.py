"""`sirenflow compare`: what changed, in a line, a table and a page, with exit codes to rely on."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from astropy.table import Table
from commands import example_of, run, sirenflow
from pages import assert_safe
from runs import EVENT, a_run, copied, edit, set_area
from superevents import RETRACTION


@pytest.fixture(autouse=True)
def _two_runs(tmp_path: Path) -> None:
    """Begin each test with the results of two runs that are the same."""
    copied(a_run(tmp_path), Path("results-new"))


OLD, NEW = Path("results"), Path("results-new")


def test_nothing_changed_is_said_and_exits_with_0() -> None:
    result = sirenflow("compare", OLD, NEW)
    assert (result.exit_code, result.stderr) == (0, "")
    verdict, *runs = result.stdout.splitlines()
    assert verdict.startswith("nothing changed: 1 superevent, 3 alerts, ")
    assert verdict.endswith(" values are the same")
    assert [line.split(": ")[0] for line in runs] == ["OLD results", "NEW results-new"]
    assert "configuration c0ffeec0ffee" in runs[0]


def test_change_is_said_first_and_exits_with_4() -> None:
    set_area(NEW, 1.5, alert=1)
    result = sirenflow("compare", OLD, NEW)
    assert (result.exit_code, result.stderr) == (4, "")
    verdict, largest, *_, row = result.stdout.splitlines()
    assert verdict.startswith("1 of ")
    assert verdict.endswith(" values changed, in 1 of 1 superevent")
    assert f"{EVENT}, alert 2 INITIAL, gw: localization.json skymaps.area_90_deg2: " in largest
    assert largest.endswith(" deg2 (+50 %)")
    assert row.split()[:6] == ["Area", "localization.json", "skymaps.area_90_deg2", "3", "1", "0"]


def test_rounding_alone_exits_with_0() -> None:
    set_area(NEW, 1 + 1e-11)
    result = sirenflow("compare", OLD, NEW)
    assert result.exit_code == 0
    assert result.stdout.startswith("nothing changed, rounding aside: ")
    assert "; 1 differs by rounding only" in result.stdout.splitlines()[0]


def test_damage_is_told_and_exits_with_1_when_all_else_is_compared() -> None:
    copied(OLD / EVENT, OLD / "S260102b")
    for file in (OLD / "S260102b").glob("*.json"):
        edit(file, lambda content: content.update(superevent_id="S260102b"))
    copied(OLD / "S260102b", NEW / "S260102b")
    (NEW / EVENT / "localization.json").write_bytes(b"\x00")
    set_area(NEW, 2, superevent="S260102b")
    result = sirenflow("compare", OLD, NEW)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].endswith("; 1 file could not be compared")
    assert result.stdout.startswith("1 of ")
    assert result.stderr.startswith(
        f"sirenflow: not compared: results-new/{EVENT}/localization.json is damaged: found "
    )


def test_superevents_of_one_run_only_are_counted() -> None:
    a_run(Path("more"), RETRACTION, superevent="S260103c")
    (Path("more/results/S260103c")).rename(NEW / "S260103c")
    result = sirenflow("compare", OLD, NEW)
    assert result.exit_code == 4
    assert "S260103c: alerts.json superevent: absent -> there (only in NEW)" in result.stdout


def test_table_and_page_go_to_the_output() -> None:
    set_area(NEW, 1.5)
    result = sirenflow("compare", OLD, NEW, "--output", "out/of here")
    assert result.exit_code == 4
    assert result.stdout.endswith("written: out/of here/changes.html, out/of here/changes.ecsv\n")
    assert len(Table.read("out/of here/changes.ecsv")) == 1
    assert_safe(Path("out/of here/changes.html").read_text(encoding="utf-8"))


def test_output_among_results_replaces_nothing() -> None:
    before = {path: path.read_bytes() for path in NEW.rglob("*") if path.is_file()}
    assert sirenflow("compare", OLD, NEW, "--output", NEW).exit_code == 0
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_no_results_is_an_error(which: int) -> None:
    Path("empty").mkdir()
    paths = [OLD, NEW]
    paths[which] = Path("empty")
    result = sirenflow("compare", *paths)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "sirenflow: empty is no directory of results: expected a superevent's alerts.json, as "
        "S230518h/alerts.json, found none\n"
    )
    assert sirenflow("compare", OLD, "typo").exit_code == 1


def test_output_that_cannot_be_written_is_an_error() -> None:
    Path("file").write_text("")
    result = sirenflow("compare", OLD, NEW, "--output", "file/below")
    assert result.exit_code == 1
    assert "file/below cannot be written: Not a directory" in result.stderr


def test_hostile_text_moves_no_cursor() -> None:
    edit(
        NEW / EVENT / "event.json",
        lambda content: content.update(
            sirenflow_version="\x1b[2J\n\u202e", summary_line="\x1b]0;x\x07"
        ),
    )
    result = sirenflow("compare", OLD, NEW)
    assert result.exit_code == 4
    assert all(line.isprintable() for line in result.stdout.split("\n"))


def test_summary_is_short_however_much_differs() -> None:
    def double(node: object) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node)  # type: ignore[arg-type]
        for key, value in items:
            if isinstance(value, dict | list):
                double(value)
            elif isinstance(value, float):
                node[key] = 2 * value  # type: ignore[index]

    for file in (NEW / EVENT).glob("*.json"):
        edit(file, double)
    result = sirenflow("compare", OLD, NEW)
    assert result.exit_code == 4
    assert len(result.stdout.splitlines()) <= 40
    assert " quantities more" in result.stdout


@pytest.mark.slow
def test_example_works_in_a_process_of_its_own() -> None:
    done = run(*shlex.split(example_of("compare")))
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("changes/changes.html").is_file()
    edit(NEW / EVENT / "alerts.json", lambda content: content.update(schema_version=8))
    done = run("compare", str(OLD), str(NEW))
    assert done.returncode == 1
    assert "alerts.json: found schema_version 8; expected 1" in done.stderr

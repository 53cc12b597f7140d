"""`sirenflow crossmatch`: one position in every sky map, from the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from builders import with_map
from commands import example_of, run, sirenflow
from superevents import FAR, NEAR, RETRACTION, moved, one_cell_map, products

from sirenflow.crossmatch.candidates import Positions

HERE = ("45", "4.78")


def lines(*arguments: str) -> list[list[str]]:
    """Run `locate`; give the words of each line of its table, and of the last."""
    result = sirenflow("crossmatch", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.split() for line in result.stdout.splitlines()]


def test_every_alert_is_listed_then_and_now(tmp_path: Path) -> None:
    products(tmp_path, *moved(), superevent="S260101a")
    heading, *rows, last = lines(*HERE, "44", "--time", "2026-01-02T00:05:00.123Z")
    assert heading[:3] == ["superevent", "alert", "level"]
    assert [row[:3] for row in rows] == [
        ["S260101a", "1", "PRELIMINARY"],
        ["S260101a", "2", "INITIAL"],
        ["S260101a", "3", "UPDATE"],
    ]
    assert rows[0][3] == "0.8000"
    assert rows[2][3] == "*"
    assert {row[-2] for row in rows} == {"+1.000"}
    assert " ".join(last) == "within 99 % in 1 of 1 superevents"


def test_real_and_standing_come_first(tmp_path: Path) -> None:
    for superevent, alerts in (
        ("S260101a", [moved()[0], RETRACTION]),
        ("MS260102b", moved()[:1]),
        ("S260103c", [with_map(one_cell_map(NEAR, 0.5))]),
        ("S260104d", moved()[:1]),
        ("S260105e", [with_map(None)]),
    ):
        products(tmp_path, *alerts, superevent=superevent)
    _, *rows, last = lines(*HERE)
    assert [row[0] for row in rows] == ["S260103c", "S260104d", "MS260102b", "S260101a"]
    assert rows[-1][-1] == "retracted"
    assert rows[2][-1] == "mock"
    said = "within 99 % in 4 of 4 superevents; 1 more have no sky map to use"
    assert " ".join(last) == said


def test_far_superevents_are_listed_when_asked_for(tmp_path: Path) -> None:
    products(tmp_path, with_map(one_cell_map(FAR, 0.9999)), superevent="S260101a")
    assert lines(*HERE) == [["within", "99", "%", "in", "0", "of", "1", "superevents"]]
    assert len(lines(*HERE, "--all")) == 3


def test_one_superevent_alone_is_looked_into(tmp_path: Path) -> None:
    for superevent in ("S260101a", "S260103c"):
        products(tmp_path, moved()[0], superevent=superevent)
    _, row, _ = lines(*HERE, "--superevent", "S260103c")
    assert row[0] == "S260103c"


@pytest.mark.parametrize("ra", ["45", "3:00:00", "3h00m00s", "45d00m00s", "3 0 0"])
def test_right_ascension_is_read_in_many_ways(ra: str, tmp_path: Path) -> None:
    products(tmp_path, moved()[0])
    assert lines(ra, "4.78")[1][4] == "0.8000"


@pytest.mark.parametrize(
    "dec", ["-17.3", "-.5", "-17:18:00", "-17d18m00s", "-0", "+17.3", "-17.3e0"]
)
def test_negative_declination_is_no_option(dec: str, tmp_path: Path) -> None:
    products(tmp_path, moved()[0])
    assert lines("200", dec, "--all") == lines(
        "200",
        dec,
        "--all",
        "--",
    )
    assert lines("--all", "-10", dec) == lines("--all", "350", "--", dec)


def test_position_is_handed_on_with_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products(tmp_path, moved()[0])
    asked: list[Positions] = []

    def match_alerts(summary: object, read: object, positions: Positions) -> tuple[()]:  # noqa: ARG001
        asked.append(positions)
        return ()

    monkeypatch.setattr("sirenflow.crossmatch.superevents.match_alerts", match_alerts)
    lines("10:00:00", "-17:30:00", "40", "--time", "61041.5")
    (position,) = asked
    assert (position.ra_deg[0], position.dec_deg[0]) == (150.0, -17.5)
    assert position.distance_mpc[0] == 40
    assert position.time[0] is not None
    assert position.time[0].isoformat() == "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["361", "0"], "'361'; expected degrees (-180 to 360), or 12:34:56.7"),
        (["1", "-91"], "'-91'; expected degrees (-90 to 90), or -12:34:56.7"),
        (["1", "nan"], "'nan'; expected degrees (-90 to 90)"),
        (["1", "2", "-3"], "'-3'; expected Mpc, above 0"),
        (["1", "2", "4_0"], "'4_0'; expected Mpc, above 0"),
        (["1", "2", "far"], "'far'; expected Mpc, above 0"),
        (["1", "2", "--time", "soon"], "'soon'; expected a time in UTC"),
        (["1", "2", "--al"], "No such option"),
        (["1"], "Missing argument 'DEC'"),
        (["1", "2", "--results", ""], "expected a directory, found nothing"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], said: str) -> None:
    result = sirenflow("crossmatch", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_products_it_says_what_to_do(tmp_path: Path) -> None:
    result = sirenflow("crossmatch", *HERE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "sirenflow: results 'results' does not exist; run snakemake, or name it with --results\n"
    )
    products(tmp_path, moved()[0])
    for name in ("S260109z", "../results/MS260101a", "logs"):
        result = sirenflow("crossmatch", *HERE, "--superevent", name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"sirenflow: {name!r} is not in results 'results'\n"


def test_results_are_those_of_the_configuration(tmp_path: Path) -> None:
    products(tmp_path, moved()[0])
    (tmp_path / "results").rename(tmp_path / "elsewhere")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("results: elsewhere\n")
    assert len(lines(*HERE)) == 3
    assert lines(*HERE) == lines(*HERE, "--results", "elsewhere")


def test_superevent_that_cannot_be_read_is_told_and_the_rest_is_listed(tmp_path: Path) -> None:
    for superevent in ("S260101a", "S260103c", "S260104d", "S260105e"):
        products(tmp_path, moved()[0], superevent=superevent)
    results = tmp_path / "results"
    (results / "S260103c" / "alerts.json").write_text("[]")
    (results / "S260104d" / "localization.json").write_text("{")
    next((results / "S260105e" / "skymaps").iterdir()).write_bytes(b"junk")
    result = sirenflow("crossmatch", *HERE)
    assert result.exit_code == 1
    assert result.stderr.count("; run snakemake again\n") == 3
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["S260101a", "within"]


def test_names_of_files_do_not_lead_out_of_the_products(tmp_path: Path) -> None:
    event = products(tmp_path, moved()[0])
    numbers = json.loads((event / "localization.json").read_text())
    numbers["alerts"][0]["skymaps"][0]["file"] = "../../secret"
    (event / "localization.json").write_text(json.dumps(numbers))
    result = sirenflow("crossmatch", *HERE)
    assert result.exit_code == 1
    assert "is no sky map any more" in result.stderr


def test_example_in_the_help_works(tmp_path: Path) -> None:
    products(tmp_path, moved()[0])
    result = sirenflow(*shlex.split(example_of("crossmatch")))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("superevents\n")


@pytest.mark.slow
def test_table_is_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    products(tmp_path, moved()[0])
    done = run("crossmatch", "45", "-4.78", "--results", tmp_path / "results", "--all")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == sirenflow("crossmatch", "45", "-4.78", "--all").stdout

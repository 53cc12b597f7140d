"""Galaxies: ranked as brute force ranks them, from the table that a user brings."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path
from typing import Any

import astropy_healpix
import numpy as np
import pytest
from astropy import units
from astropy.table import Table
from builders import avro_alert, fits_map, flat_map, record, same_distance_columns, with_map
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pages import assert_safe, render_part
from paths import SCHEMAS
from tilings import Tiling, tilings

from sirenflow.crossmatch.galaxies import catalogue_dtype, find_leaves, rank_galaxies
from sirenflow.crossmatch.positions import crossmatch, leaves
from sirenflow.errors import TableError
from sirenflow.pipeline.input_state import table_digest
from sirenflow.skymap.distance.line_of_sight import lines_of_sight
from sirenflow.skymap.distance.volume import probability_denser
from sirenflow.skymap.skymap import read_skymap
from sirenflow.stages.extract import extract
from sirenflow.stages.galaxies import galaxies
from sirenflow.stages.galaxy_catalogue import galaxy_catalogue

SCHEMA = json.loads((SCHEMAS / "galaxies.schema.json").read_text())
COLUMNS = {"name": "PGC", "ra": "RA", "dec": "Dec", "distance": "D", "weight": "L"}
HOSTILE = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a\n\x1b[31m\u202eb", '"x", y')


def random_galaxies(count: int, seed: int = 1) -> Any:
    random = np.random.default_rng(seed)
    rows = np.zeros(count, catalogue_dtype(8))
    rows["ra_deg"] = random.uniform(0, 360, count)
    rows["dec_deg"] = np.rad2deg(np.arcsin(random.uniform(-1, 1, count)))
    rows["distance_mpc"] = 200 * random.uniform(0, 1, count) ** (1 / 3)
    rows["weight"] = random.lognormal(size=count)
    rows["name"] = [f"G{i}" for i in range(count)]
    rows["leaf"] = leaves(rows["ra_deg"], rows["dec_deg"])
    return rows[np.argsort(rows["leaf"], kind="stable")]


def write_csv(path: Path, rows: Any) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["PGC", "RA", "Dec", "D", "L"])
        for row in rows:
            numbers = (row[n] for n in ("ra_deg", "dec_deg", "distance_mpc", "weight"))
            writer.writerow([row["name"].decode(), *map(repr, map(float, numbers))])
    return path


@pytest.mark.slow
@given(tilings(), st.integers(0, 5))
def test_ranking_is_that_of_brute_force(tiling: Tiling, seed: int) -> None:
    """Every galaxy placed, those within 90 % of space kept, by density times weight."""
    catalogue = random_galaxies(300, seed)
    skymap = tiling.skymap
    ranked = rank_galaxies(skymap, catalogue, 20)
    assert ranked is not None
    placed = crossmatch(
        skymap, catalogue["ra_deg"], catalogue["dec_deg"], catalogue["distance_mpc"]
    )
    density = placed.probability_per_mpc3
    with np.errstate(divide="ignore"):
        level_3d = probability_denser(lines_of_sight(skymap), np.log(density))
    assume(np.abs(level_3d - 0.9).min() > 1e-5)  # none on the very threshold
    inside = np.flatnonzero(level_3d <= 0.9)
    score = density[inside] * catalogue["weight"][inside]
    assert ranked.compatible == len(inside)
    order = np.argsort(-score, kind="stable")[:20]
    assert ranked.index.tolist() == inside[order].tolist()
    assert ranked.score == pytest.approx(score[order] / score.sum())
    assert ranked.cumulative_score == pytest.approx(np.cumsum(ranked.score))
    assert ranked.level == pytest.approx(placed.level[inside[order]])
    assert ranked.level_3d == pytest.approx(level_3d[inside[order]], abs=1e-9)


def test_shell_of_all_sky_has_the_galaxies_between_its_distances() -> None:
    """On lines of sight that are all alike, 90 % is a shell about mu: r - mu alone decides."""
    skymap = read_skymap(fits_map(same_distance_columns(100.0, 10.0, level=2)))
    catalogue = random_galaxies(5000)
    ranked = rank_galaxies(skymap, catalogue, 5000)
    assert ranked is not None
    found = np.abs(catalogue["distance_mpc"][ranked.index] - 100)
    others = np.delete(np.abs(catalogue["distance_mpc"] - 100), ranked.index)
    assert found.max() < others.min()
    # Of a normal density, 90 % is within 1.645 sigma; r^2 moves that little.
    assert found.max() == pytest.approx(16.5, abs=0.3)


def test_blocks_do_not_change_the_ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    skymap = read_skymap(fits_map(same_distance_columns(100.0, 10.0, level=2)))
    catalogue = random_galaxies(2000)
    whole = rank_galaxies(skymap, catalogue, 50)
    monkeypatch.setattr("sirenflow.crossmatch.galaxies._BLOCK", 10)
    in_blocks = rank_galaxies(skymap, catalogue, 50)
    assert whole is not None
    assert in_blocks is not None
    assert in_blocks.index.tolist() == whole.index.tolist()


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(-1, 41), min_size=1))
def test_leaves_are_found_as_numpy_finds_them(leaf: list[int], wanted: list[int]) -> None:
    rows = np.zeros(len(leaf), catalogue_dtype(1))
    rows["leaf"] = np.sort(leaf)
    expected = np.searchsorted(rows["leaf"], wanted)
    assert find_leaves(rows, np.array(wanted)).tolist() == expected.tolist()


# ------------------------------------------------------------------------------------ stages


def products(folder: Path, data: bytes | None, retracted: bool = False) -> Path:
    """Extract a superevent of one alert with a map; give the directory of its products."""
    inbox, event = folder / "inbox" / "MS260101a", folder / "results" / "MS260101a"
    event.mkdir(parents=True)
    sent = [("PRELIMINARY", with_map(data))]
    if retracted:
        sent.append(("RETRACTION", record(alert_type="RETRACTION", event=None)))
    files = []
    for kind, alert in sent:
        (inbox / kind).mkdir(parents=True)
        files.append(inbox / kind / "a.avro")
        files[-1].write_bytes(avro_alert(alert))
    extract(files, event / "alerts.json", event / "skymaps", event / "localization.json", (50, 90))
    return event


def rank(event: Path, table: Path, **changes: Any) -> dict[str, Any]:
    results = event.parent
    galaxy_catalogue(table, results / "galaxies.npy", results / "galaxies.json", COLUMNS)
    settings = {"name": "Test", "completeness": "90 % within 40 Mpc", "max_listed": 30, **changes}
    galaxies(
        event / "alerts.json",
        event / "localization.json",
        event / "skymaps",
        results / "galaxies.npy",
        results / "galaxies.json",
        event / "galaxies.ecsv",
        event / "galaxies.json",
        **settings,
    )
    content: dict[str, Any] = json.loads((event / "galaxies.json").read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(content)
    return content


def section(content: dict[str, Any] | None) -> str:
    """Render the section in a page of its own."""
    return render_part(
        """{% import "galaxies.html.j2" as part with context %}{{ part.section(galaxies) }}""",
        galaxies=content,
        links={"galaxies": "galaxies.ecsv"},
    )


SHELL = fits_map(same_distance_columns(100.0, 10.0, level=2))


def test_table_and_json_hold_the_same_galaxies(tmp_path: Path) -> None:
    catalogue = random_galaxies(2000)
    event = products(tmp_path, SHELL)
    content = rank(event, write_csv(tmp_path / "g.csv", catalogue))
    table = Table.read(event / "galaxies.ecsv", format="ascii.ecsv")
    assert (len(table), content["listed"], len(content["galaxies"])) == (30, 30, 20)
    assert content["compatible"] > 30
    assert content["galaxies_in_catalogue"] == 2000
    assert content["completeness"] == "90 % within 40 Mpc"
    assert (content["alert_number"], content["absence_reason"]) == (1, None)
    for row, galaxy in zip(table, content["galaxies"], strict=False):
        assert {key: row[key] for key in galaxy} == galaxy
    assert str(table["probability_per_mpc3"].unit) == "1 / Mpc3"
    ranked = rank_galaxies(read_skymap(SHELL), catalogue, 30)
    assert ranked is not None
    assert list(table["name"]) == [name.decode() for name in catalogue["name"][ranked.index]]
    assert (np.diff(table["score"]) <= 0).all()


def test_products_do_not_depend_on_the_order_or_format_of_the_table(tmp_path: Path) -> None:
    catalogue = random_galaxies(500)
    event = products(tmp_path, SHELL)
    first = rank(event, write_csv(tmp_path / "g.csv", catalogue))
    assert rank(event, write_csv(tmp_path / "h.csv", catalogue[::-1])) == first
    names = {"PGC": "name", "RA": "ra_deg", "Dec": "dec_deg", "D": "distance_mpc", "L": "weight"}
    table = Table({new: catalogue[old] for new, old in names.items()})
    table["D"] = table["D"] * units.Mpc
    table.write(tmp_path / "g.fits")
    assert rank(event, tmp_path / "g.fits") == first


def test_no_compatible_galaxy_is_said_in_words(tmp_path: Path) -> None:
    far = random_galaxies(50)
    far["distance_mpc"] = 900
    content = rank(products(tmp_path, SHELL), write_csv(tmp_path / "g.csv", far))
    assert (content["compatible"], content["galaxies"]) == (0, [])
    assert content["absence_reason"] == "no compatible galaxy in Test"
    assert "No compatible galaxy in Test" in assert_safe(section(content)).text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (flat_map(1), "the sky map has no distance"),
        (None, "alert 1 carries no sky map"),
        (b"junk", "the sky map of alert 1 cannot be used: "),
        (
            fits_map(
                {**same_distance_columns(100.0, 10.0, 1), "DISTNORM": np.repeat([0.02, 0], 24)}
            ),
            "less than 90 % of the probability has a distance",
        ),
    ],
)
def test_why_nothing_is_ranked_is_said(data: bytes | None, reason: str, tmp_path: Path) -> None:
    content = rank(products(tmp_path, data), write_csv(tmp_path / "g.csv", random_galaxies(9)))
    assert content["compatible"] is None
    assert content["absence_reason"].startswith(reason)
    assert content["listed"] == 0
    assert f"Not ranked: {reason}" in assert_safe(section(content)).text


def test_retracted_event_is_marked(tmp_path: Path) -> None:
    event = products(tmp_path, SHELL, retracted=True)
    content = rank(event, write_csv(tmp_path / "g.csv", random_galaxies(500)))
    assert content["retracted"]
    assert 'class="card withdrawn"' in section(content)
    meta = Table.read(event / "galaxies.ecsv", format="ascii.ecsv").meta
    assert meta == {
        "superevent_id": "MS260101a",
        "alert_number": 1,
        "retracted": True,
        "catalogue": "Test",
    }


def test_table_says_what_it_was_ranked_by(tmp_path: Path) -> None:
    event = products(tmp_path, None)
    rank(event, write_csv(tmp_path / "g.csv", random_galaxies(9)), name='"a: b" \u00e9#')
    meta = Table.read(event / "galaxies.ecsv", format="ascii.ecsv").meta
    assert (meta["retracted"], meta["alert_number"]) == (False, None)
    assert meta["catalogue"] == '"a: b" \u00e9#'


def test_hostile_names_are_no_markup_no_formula_and_no_line(tmp_path: Path) -> None:
    catalogue = random_galaxies(len(HOSTILE))
    catalogue = catalogue.astype(catalogue_dtype(80))
    catalogue["name"] = [name.encode() for name in HOSTILE]
    catalogue["distance_mpc"] = [99, 100, 101, 102]
    event = products(tmp_path, SHELL)
    content = rank(
        event, write_csv(tmp_path / "g.csv", catalogue), name=HOSTILE[0], completeness=HOSTILE[2]
    )
    assert content["compatible"] == 4
    assert_safe(section(content))
    text = (event / "galaxies.ecsv").read_text(encoding="utf-8")
    assert "\x1b" not in text
    table = Table.read(event / "galaxies.ecsv", format="ascii.ecsv")
    assert "'=cmd|' /C calc'!A0" in list(table["name"])
    assert HOSTILE[3] in list(table["name"])


def test_rows_left_out_are_told_in_the_product(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("PGC,RA,Dec,D,L\na,10,10,100,1\nb,10,95,100,1\nc,10,10,,1\n,11,11,101,1\n")
    content = rank(products(tmp_path, SHELL), path)
    assert {galaxy["name"] for galaxy in content["galaxies"]} == {"a", None}
    assert content["problems_of_catalogue"] == [
        {"reason": "left out: no declination between -90 and 90 deg", "rows": 1},
        {"reason": "left out: no distance above 0 and below a million Mpc", "rows": 1},
    ]
    page = assert_safe(section(content)).text
    assert "without a name" in page
    assert "1 row left out: no declination" in page


def test_table_without_a_usable_galaxy_gives_no_section_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("PGC,RA,Dec,D,L\na,10,10,-1,1\nb,10,10,,1\n")
    content = rank(products(tmp_path, SHELL), path)
    assert content["absence_reason"] == (
        "the table of galaxies could not be read: g.csv: no galaxy that can be used; 2 left out: "
        "no distance above 0 and below a million Mpc"
    )
    assert (content["compatible"], content["galaxies"]) == (None, [])
    assert content["absence_reason"] in assert_safe(section(content)).text


def test_table_that_a_server_could_not_deliver_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the machine may be over; one of the file is over when the file changes."""
    path = write_csv(tmp_path / "g.csv", random_galaxies(9))
    config = {"results": str(tmp_path), "galaxies": {"table": str(path)}}
    written = (tmp_path / "g.npy", tmp_path / "galaxies.json")

    def stale(*_: object) -> None:
        cause = OSError(errno.ESTALE, "Stale file handle")
        raise TableError(f"{path} cannot be read: Stale file handle") from cause

    before = table_digest(config, "galaxies")
    with monkeypatch.context() as patched:
        patched.setattr("sirenflow.stages.galaxy_catalogue.read_sources", stale)
        galaxy_catalogue(path, *written, COLUMNS)
    reason = json.loads(written[1].read_bytes())["unusable_reason"]
    assert reason == (
        "the table of galaxies could not be read: g.csv cannot be read: Stale file handle"
    )
    assert table_digest(config, "galaxies") != before
    galaxy_catalogue(path, *written, COLUMNS)
    assert json.loads(written[1].read_bytes())["unusable_reason"] is None
    assert table_digest(config, "galaxies") == before


def test_array_is_sorted_plain_and_can_be_mapped(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "g.csv", random_galaxies(100)[::-1])
    galaxy_catalogue(path, tmp_path / "g.npy", tmp_path / "g.json", COLUMNS)
    rows = np.load(tmp_path / "g.npy", mmap_mode="r", allow_pickle=False)
    assert isinstance(rows, np.memmap)
    assert (np.diff(rows["leaf"]) >= 0).all()
    nside = astropy_healpix.level_to_nside(29)
    ra, dec = rows["ra_deg"] * units.deg, rows["dec_deg"] * units.deg
    assert (rows["leaf"] == astropy_healpix.lonlat_to_healpix(ra, dec, nside, order="nested")).all()


def test_array_of_something_else_is_refused(tmp_path: Path) -> None:
    event = products(tmp_path, SHELL)
    rank(event, write_csv(tmp_path / "g.csv", random_galaxies(9)))
    np.save(event.parent / "galaxies.npy", np.zeros(3))
    with pytest.raises(TableError, match="is no catalogue of this version"):
        galaxies(
            *(event / name for name in ("alerts.json", "localization.json", "skymaps")),
            *(event.parent / name for name in ("galaxies.npy", "galaxies.json")),
            *(event / name for name in ("galaxies.ecsv", "galaxies.json")),
            name="Test",
            completeness="all",
            max_listed=3,
        )


def test_without_a_catalogue_the_page_has_no_section() -> None:
    assert "galax" not in assert_safe(section(None)).text.lower()

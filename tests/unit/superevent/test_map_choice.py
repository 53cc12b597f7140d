"""A sky map that cannot be used never hides one that can: in every product, and with its reason."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import fits_map, flat_map, json_alert, record, same_distance_columns
from every_stage import call_stage, make_products
from pages import Page, assert_safe

from sirenflow.crossmatch.superevents import crossmatch_superevent
from sirenflow.superevent.number_text import NO_BREAK

SUPEREVENT = "MS260101a"
# Two of 48 cells, one around RA 45, Dec 4.8, hold it all: the galaxy "Near" of the stages' table.
TWO_CELLS = np.isin(np.arange(48), (0, 1))


def shell(**cards: object) -> bytes:
    """Write a map with distances, 100 +/- 20 Mpc, of two cells."""
    columns = same_distance_columns(100.0, 20.0, 1)
    density = np.where(TWO_CELLS, 24.0, 0.0) * columns["PROBDENSITY"]
    return fits_map(
        {**columns, "PROBDENSITY": density}, {"DISTMEAN": 100.0, "DISTSTD": 20.0, **cards}
    )


GOOD, FLAT, WITHHELD = shell(), flat_map(1), shell(COORDSYS="G")
CUT = GOOD[:-2880]
NEAR_THE_BAD = {"cut short": CUT, "withheld": WITHHELD, "absent": None, "empty": b""}
REASON = {
    "cut short": "the sky map of alert 2 cannot be used: ",
    "withheld": "the numbers of the sky map of alert 2 are withheld: COORDSYS",
    "absent": "alert 2 carries no sky map",
    "empty": "the sky map of alert 2 cannot be used: ",
}


@dataclass(frozen=True)
class Products:
    """What was made of a superevent."""

    directory: Path

    def json(self, name: str) -> Any:
        return json.loads((self.directory / name).read_text(encoding="utf-8"))

    @property
    def page(self) -> Page:
        page = assert_safe((self.directory / "index.html").read_text(encoding="utf-8"))
        page.text = " ".join(page.text.split())
        return page

    @property
    def circular(self) -> str:
        return " ".join((self.directory / "circular.txt").read_text(encoding="ascii").split())

    @property
    def row(self) -> dict[str, str]:
        with (self.directory.parent / "catalogue.csv").open(encoding="utf-8", newline="") as stream:
            (row,) = csv.DictReader(stream)
        return row


def alert(
    hour: int, skymap: bytes | None, combined: bytes | str | None = "none", **more: Any
) -> Any:
    """Give the record of an alert; "none" for one without a coincidence."""
    event = {"time": "2026-01-01T00:05:00Z", "far": 1e-9, "group": "CBC", "skymap": skymap}
    coincidence = {"observatory": "Fermi", "combined_skymap": combined}
    kind = "PRELIMINARY" if hour == 1 else "UPDATE"
    return record(
        alert_type=kind,
        time_created=f"2026-01-01T{hour:02}:00:00Z",
        event=event,
        external_coinc=None if combined == "none" else coincidence | more,
    )


def retraction(hour: int) -> dict[str, Any]:
    time = f"2026-01-01T{hour:02}:00:00Z"
    return record(alert_type="RETRACTION", time_created=time, event=None)


def made(folder: Path, *records: dict[str, Any]) -> Products:
    """Take alerts through every stage."""
    files = []
    for number, content in enumerate(records):
        files.append(folder / "inbox" / SUPEREVENT / content["alert_type"] / f"{number}.json")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        files[-1].write_bytes(json_alert(content))
    return Products(make_products(call_stage, files, folder / "results"))


@pytest.mark.parametrize("bad", NEAR_THE_BAD)
def test_bad_map_does_not_hide_a_good_one_in_any_product(bad: str, tmp_path: Path) -> None:
    """All are those of alert 1 alone, but for what names the alert."""
    alone = made(tmp_path / "alone", alert(1, GOOD))
    both = made(tmp_path / "both", alert(1, GOOD), alert(2, NEAR_THE_BAD[bad]))

    event = both.json("event.json")
    assert (event["current"]["number"], event["skymap_alert_number"]) == (2, 1)
    assert event["thumbnail"] == alone.json("event.json")["thumbnail"] is not None
    assert ", 100 Mpc, " in event["summary_line"]
    assert "deg2 (map of alert 1), " in event["summary_line"]
    assert "100 ± 20 Mpc away by the sky map of alert 1" in event["summary_text"].replace(
        NO_BREAK, " "
    )

    maps = both.json("regions.json")["alerts"][0]["maps"]
    assert maps == alone.json("regions.json")["alerts"][0]["maps"]
    (site,) = both.json("visibility.json")["sites"]
    assert site["reachable_probability"] > 0
    assert both.json("visibility.json")["skymap_alert_number"] == 1
    galaxies, expected = (one.json("galaxies.json") for one in (both, alone))
    assert galaxies == expected
    assert galaxies["galaxies"][0]["name"] == "Near"
    candidates = both.json("candidates.json")
    assert candidates["skymap_alert_number"] == 1
    assert candidates["maps"] == alone.json("candidates.json")["maps"]
    flats = [
        sorted(path.name for path in (one.directory / "flat").iterdir()) for one in (both, alone)
    ]
    assert flats[0] == flats[1] == ["01-PRELIMINARY.flat.fits.gz"]
    (found,) = crossmatch_superevent(both.directory, 45.0, 4.78, 100.0, None).alerts
    assert (found.number, found.is_current) == (1, True)

    for column in ("area_90_deg2", "area_50_deg2", "peak_ra_deg", "distance_mean_mpc"):
        assert both.row[column] == alone.row[column] != ""
    assert both.row["skymap_alert_number"] == "1"

    area = f"{float(alone.row['area_90_deg2']):,.0f}".replace(",", " ")
    text = both.page.text
    assert f"Sky area, 90 % {area} deg²" in text
    label = "ky map of alert 1, Preliminary, 2026-01-01 01:00 UTC"
    assert f"S{label}; {REASON[bad]}" in text
    assert f"Where s{label}" in text
    assert f"How far s{label}" in text
    assert "90 % area" in both.circular
    assert "of alert 1, PRELIMINARY, sent 2026-01-01 01:00:00 UTC; " + REASON[bad] in both.circular
    catalogue = (both.directory.parent / "index.html").read_text(encoding="utf-8")
    assert "map of alert 1" in assert_safe(catalogue).text


def test_map_as_sent_can_still_be_downloaded(tmp_path: Path) -> None:
    both = made(tmp_path, alert(1, GOOD), alert(2, WITHHELD))
    links = list(both.page.links())
    assert "skymaps/01-PRELIMINARY.multiorder.fits" in links
    assert "skymaps/02-UPDATE.multiorder.fits" in links
    assert links.index("skymaps/01-PRELIMINARY.multiorder.fits") < links.index(
        "skymaps/02-UPDATE.multiorder.fits"
    )
    assert "Sky map of alert 2, FITS as sent, numbers withheld" in both.page.text


def test_newest_usable_map_is_used_even_without_a_distance(tmp_path: Path) -> None:
    """All products are about one map, not about the distance of one and the area of another."""
    found = made(tmp_path, alert(1, GOOD), alert(2, FLAT), alert(3, CUT))
    event = found.json("event.json")
    assert event["skymap_alert_number"] == 2
    assert ", no distance, 37128 deg2 (map of alert 2), " in event["summary_line"]
    assert "Mpc" not in event["summary_text"]
    assert found.json("galaxies.json")["absence_reason"] == "the sky map has no distance"
    assert (found.row["distance_mean_mpc"], found.row["skymap_alert_number"]) == ("", "2")


@pytest.mark.parametrize(("bad", "word"), [(CUT, "unusable"), (WITHHELD, "withheld")])
def test_first_and_only_map_that_is_bad_has_its_reason(
    bad: bytes, word: str, tmp_path: Path
) -> None:
    """It was sent: so it is not "not provided"."""
    found = made(tmp_path, alert(1, bad))
    event, text = found.json("event.json"), found.page.text
    assert event["skymap_alert_number"] is None
    assert ", no usable sky map, " in event["summary_line"]
    reason = "of alert 1 cannot be used: " if bad is CUT else "of alert 1 are withheld: COORDSYS"
    assert f"Sky area, 90 % {word}the " in text
    assert f"Distance {word}the " in text
    assert text.count(reason) >= 3
    assert reason in found.circular
    for product in ("visibility.json", "galaxies.json", "candidates.json"):
        assert reason in found.json(product)["absence_reason"]
    catalogue = (found.directory.parent / "index.html").read_text(encoding="utf-8")
    assert catalogue.count(f'<span class="absent">{word}</span>') == 2


def test_retraction_keeps_the_last_usable_map(tmp_path: Path) -> None:
    found = made(tmp_path, alert(1, GOOD), alert(2, CUT), retraction(3))
    event = found.json("event.json")
    assert (event["current"]["number"], event["skymap_alert_number"]) == (2, 1)
    assert event["summary_line"].startswith("TEST, do not observe: RETRACTED: CBC")


SMALL = fits_map(
    {
        **same_distance_columns(100.0, 20.0, 1),
        "PROBDENSITY": np.where(np.arange(48) == 0, 48.0, 0.0) / (4 * np.pi),
    }
)


@pytest.mark.parametrize("bad", [SMALL[:-2880], None], ids=["cut short", "absent"])
def test_bad_combined_map_does_not_hide_a_good_one(bad: bytes | None, tmp_path: Path) -> None:
    found = made(tmp_path, alert(1, GOOD, SMALL), alert(2, GOOD, bad))
    event, text = found.json("event.json"), found.page.text
    assert (event["skymap_alert_number"], event["combined_skymap_alert_number"]) == (2, 1)
    assert "Combined (sky map of alert 1, Preliminary, 2026-01-01 01:00 UTC): 90 % in " in text
    why = "carries no combined sky map" if bad is None else "combined sky map of alert 2 cannot be"
    assert why in text
    assert why in found.circular
    assert "Against GW alone" in found.circular


def test_earlier_combined_map_names_the_map_it_was_compared_with(tmp_path: Path) -> None:
    """The page shows the GW map of alert 2 beside it, whose area is another one."""
    label = ", compared with the gravitational-wave map of alert 1"
    found = made(tmp_path / "other", alert(1, GOOD, SMALL), alert(2, FLAT, SMALL[:-2880]))
    event = found.json("event.json")
    assert (event["skymap_alert_number"], event["combined_skymap_alert_number"]) == (2, 1)
    assert label in found.page.text
    assert label in found.circular
    far = fits_map({"UNIQ": np.arange(12) + 4, "PROBDENSITY": np.eye(12)[10] * 3 / np.pi})
    apart = made(tmp_path / "apart", alert(1, GOOD, far), alert(2, FLAT, far[:-2880]))
    warning = "The combined map disagrees with the gravitational-wave map of alert 1: the GW 90"
    assert warning in apart.page.text
    assert warning in apart.circular
    one = made(tmp_path / "one", alert(1, GOOD, SMALL))
    assert "If both have one source" in one.page.text
    assert label not in one.page.text + one.circular


@pytest.mark.parametrize("name", ["FERMI", " fermi "])
def test_observatory_is_the_same_whatever_case_its_name_has(name: str, tmp_path: Path) -> None:
    last = alert(2, GOOD, None, observatory=name)
    event = made(tmp_path, alert(1, GOOD, SMALL), last).json("event.json")
    assert event["combined_skymap_alert_number"] == 1


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (alert(2, GOOD), "no coincidence any more"),
        (alert(2, GOOD, None, observatory="Swift"), "another coincidence"),
    ],
)
def test_combined_map_of_no_or_another_coincidence_is_not_used(
    last: dict[str, Any], why: str, tmp_path: Path
) -> None:
    event = made(tmp_path, alert(1, GOOD, SMALL), last).json("event.json")
    assert event["combined_skymap_alert_number"] is None, why

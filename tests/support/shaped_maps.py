"""Superevents of the shapes, counts and values that public alerts have, and of extreme ones.

The maps are multi-order, as public ones are: cells of level 4 everywhere, and smaller ones around a
small region. Shapes follow those of O4: arcs of two detectors, many lobes, one lobe, most of the
sky, and what a gamma-ray burst adds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import astropy_healpix
import numpy as np
from builders import distnorm, fits_map, json_alert
from numpy.typing import NDArray

from sirenflow.stages.extract import extract
from sirenflow.stages.report import report

Floats = NDArray[np.float64]
LVK_MCHIRP_EDGES = (
    *(0.1, 0.87, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 1.9, 2.1, 2.3, 3, 5.5, 11, 22, 44, 88),
    1000,
)
SITES = [
    {"name": name, "place": place, "latitude_deg": latitude, "longitude_deg": longitude}
    | {"elevation_m": 2000, "minimum_altitude_deg": 30}
    for name, place, latitude, longitude in (
        ("Roque de los Muchachos", "La Palma", 28.8, -17.9),
        ("A name that is longer than any observatory's that we know of", "", -30.2, -70.7),
        *(
            (f"Site {number}", "Earth", -85 + 17 * number, 36 * number - 180)
            for number in range(10)
        ),
    )
]
_COARSE_LEVEL = 4


@dataclass(frozen=True)
class Shape:
    """A sky map: parts of a region, each a centre and a width, deg, and the weight of each.

    Attributes
    ----------
    parts
        RA, Dec, standard deviation, deg, and relative probability.
    arc
        Radius of a ring about a pole, and the standard deviation across it, deg; 0 for none.
    distance_mpc
        Mean of the distance.
    """

    parts: tuple[tuple[float, float, float, float], ...] = ()
    arc: tuple[float, float] = (0.0, 0.0)
    distance_mpc: float = 400.0

    def density(self, ra_deg: Floats, dec_deg: Floats) -> Floats:
        """Return the relative probability density at positions."""
        total = np.full_like(ra_deg, 1e-9)
        for ra, dec, width, weight in self.parts:
            away = _apart(ra_deg, dec_deg, ra, dec)
            total += weight / width**2 * np.exp(-0.5 * (away / width) ** 2)
        radius, width = self.arc
        if width:
            away = _apart(ra_deg, dec_deg, 70.0, 25.0)
            along = 1.2 + np.cos(np.deg2rad(ra_deg - 200.0))
            total += along / 40 * np.exp(-0.5 * ((away - radius) / width) ** 2)
        return total

    def fits(self) -> bytes:
        """Write the map, with distances."""
        level = np.full(12 * 4**_COARSE_LEVEL, _COARSE_LEVEL)
        ipix = np.arange(len(level))
        for ra, dec, width, _ in self.parts:
            while level.max() < 20:
                lon, lat = _centres(level, ipix)
                size = 60.0 / 2.0**level
                split = (_apart(lon, lat, ra, dec) < 4 * width + size) & (size > width / 2)
                if not split.any():
                    break
                children = 4 * ipix[split][:, np.newaxis] + np.arange(4)
                ipix = np.concatenate((ipix[~split], children.ravel()))
                level = np.concatenate((level[~split], np.repeat(level[split] + 1, 4)))
        density = self.density(*_centres(level, ipix))
        area = 4 * np.pi / 12 / 4.0**level
        density /= (density * area).sum()
        mean, std = self.distance_mpc, 0.25 * self.distance_mpc
        columns = {
            "UNIQ": astropy_healpix.level_ipix_to_uniq(level, ipix),
            "PROBDENSITY": density,
            "DISTMU": np.full(len(level), mean),
            "DISTSIGMA": np.full(len(level), std),
            "DISTNORM": np.full(len(level), distnorm(mean, std)),
        }
        return fits_map(columns, {"DISTMEAN": mean, "DISTSTD": std})


def _centres(level: NDArray[np.int64], ipix: NDArray[np.int64]) -> tuple[Floats, Floats]:
    lon, lat = astropy_healpix.healpix_to_lonlat(ipix, 2**level, order="nested")
    return lon.deg, lat.deg


def _apart(ra_deg: Floats, dec_deg: Floats, ra_0_deg: float, dec_0_deg: float) -> Floats:
    """Return angles from a position, deg (haversine formula)."""
    ra, dec = np.deg2rad(ra_deg - ra_0_deg) / 2, np.deg2rad(dec_deg - dec_0_deg) / 2
    product = np.cos(np.deg2rad(dec_deg)) * np.cos(np.deg2rad(dec_0_deg))
    square = np.sin(dec) ** 2 + product * np.sin(ra) ** 2
    return np.asarray(np.rad2deg(2 * np.arcsin(np.sqrt(np.minimum(square, 1.0)))))


def many_lobes(seed: int, count: int = 16) -> Shape:
    """Return a map of many parts near a great circle, as of low-significance bursts."""
    random = np.random.default_rng(seed)
    ra = np.linspace(0, 360, count, endpoint=False) + random.uniform(0, 20)
    dec = 40 * np.sin(np.deg2rad(ra)) + random.normal(0, 12, count)
    weight = random.exponential(size=count) + 0.1
    return Shape(tuple(zip(ra % 360, dec, random.uniform(1, 5, count), weight, strict=True)))


@dataclass(frozen=True)
class Case:
    """A superevent: maps of its alerts in order, a combined map, and when the first was sent."""

    maps: tuple[Shape, ...]
    combined: Shape | None = None
    start: datetime = datetime(2026, 11, 22, 5, 3, tzinfo=UTC)
    far: float = 1e-9
    alerts: int = 0


CASES = {
    "arcs": Case((Shape(arc=(60.0, 4.0)), Shape(arc=(60.0, 2.0)))),
    "wide-arc": Case((Shape(arc=(85.0, 15.0), distance_mpc=5.0),)),
    "many-lobes": Case((many_lobes(1), many_lobes(2))),
    "more-lobes": Case((many_lobes(5, 30),), start=datetime(2025, 3, 20, 23, 59, tzinfo=UTC)),
    "two-opposite": Case((Shape(((10, 20, 3, 0.6), (190, -20, 3, 0.4))),)),
    "whole-sky": Case((Shape(), Shape(((0, 0, 60, 1),)))),
    "tiny": Case((Shape(((197.45, -23.38, 0.03, 1),), distance_mpc=20_000.0),), far=1e-60),
    "one-pole": Case((Shape(((33, 89, 3, 1),)), Shape(((33, -89.9, 0.5, 1),)))),
    "at-the-edge": Case((Shape(((0.2, 5, 6, 1),)), Shape(((359.5, 60, 3, 1),)))),
    "under-the-sun": Case(
        (Shape(((238, -20, 8, 0.7), (242, -45, 6, 0.3))),),
        start=datetime(2025, 12, 31, 17, 20, tzinfo=UTC),
    ),
    "combined-far-away": Case((Shape(((47.5, -44.8, 4, 1),)),), Shape(((200.0, 35.0, 0.06, 1),))),
    "combined-beside": Case((Shape(((100, 10, 5, 1),)),), Shape(((130, 25, 3, 1),))),
    "combined-inside": Case((Shape(((100, 10, 5, 1),)),), Shape(((102, 12, 0.05, 1),))),
    "combined-of-whole-sky": Case((Shape(),), Shape(((300, -70, 1, 1),))),
    "forty-alerts": Case(
        (Shape(((100, 10, 12, 1),), distance_mpc=12_000.0), Shape(((100, 10, 0.05, 1),))),
        start=datetime(2024, 12, 31, 23, 50, tzinfo=UTC),
        far=1e-4,
        alerts=40,
    ),
    "thirteen-alerts": Case((Shape(arc=(60.0, 4.0)), many_lobes(3)), alerts=13),
}


def records(case: Case, superevent_id: str) -> list[dict[str, Any]]:
    """Return the alerts of a case."""
    count = case.alerts or len(case.maps)
    kinds = ["PRELIMINARY", "INITIAL", *["UPDATE"] * count]
    maps = [shape.fits() for shape in case.maps]
    combined = case.combined.fits() if case.combined else None
    probabilities = np.linspace(1, 2, len(LVK_MCHIRP_EDGES) - 1)
    event = {
        "time": f"{case.start:%Y-%m-%dT%H:%M:%SZ}",
        "far": case.far,
        "significant": True,
        "instruments": ["H1", "L1", "V1"],
        "group": "CBC",
        "pipeline": "gstlal",
        "search": "AllSky",
        "classification": {"BNS": 0.005, "NSBH": 0.255, "BBH": 0.7, "Terrestrial": 0.04},
        "properties": {"HasNS": 0.3, "HasRemnant": 0.02, "HasMassGap": 0.995},
        "mchirp_source": {
            "bin_edges": list(LVK_MCHIRP_EDGES),
            "probabilities": (probabilities / probabilities.sum()).tolist(),
        },
    }
    external = {
        "observatory": "Fermi",
        "search": "GRB",
        "time_difference": 1.7,
        "combined_skymap": combined,
    }
    return [
        {
            "superevent_id": superevent_id,
            "alert_type": kind,
            "time_created": f"{case.start + timedelta(minutes=5 + 7 * number):%Y-%m-%dT%H:%M:%SZ}",
            "event": {**event, "skymap": maps[number % len(maps)]},
            "external_coinc": external if combined and number == count - 1 else None,
            "urls": {"gracedb": f"https://gracedb.ligo.org/superevents/{superevent_id}/view/"},
        }
        for number, kind in enumerate(kinds[:count])
    ]


def page_of_case(case: Case, directory: Path) -> Path:
    """Write the page of a case; return its file."""
    inbox = directory / "sent"
    inbox.mkdir(parents=True)
    for number, sent in enumerate(records(case, "S261122ab")):
        (inbox / f"{number:02}.json").write_bytes(json_alert(sent))
    return make_page(sorted(inbox.iterdir()), "S261122ab", directory)


def make_page(files: Sequence[Path], superevent_id: str, directory: Path) -> Path:
    """Write the page of a superevent from the files of its alerts; return its file."""
    inbox, results = directory / "inbox" / superevent_id / "ANY", directory / superevent_id
    inbox.mkdir(parents=True)
    results.mkdir()
    for number, file in enumerate(files):
        (inbox / f"{number:02}{file.suffix}").write_bytes(file.read_bytes())
    alerts = sorted(inbox.iterdir())
    products = results / "alerts.json", results / "skymaps", results / "localization.json"
    said, maps, numbers = products
    extract(alerts, said, maps, numbers, (50, 90))
    assert json.loads(said.read_text())["rejected"] == []
    written = (results / name for name in ("index.html", "event.json", "circular.txt"))
    report(
        *(said, numbers, maps, results / "regions.json", results / "regions", *written),
        visibility=results / "visibility.json",
        sites=SITES,
    )
    return results / "index.html"

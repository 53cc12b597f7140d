"""Hand-written numerical code beside the library call that it could be, on one map of the samples.

python benchmarks/libraries.py

Prints a table of CPU milliseconds (median of several runs, after one that is not counted), and how
often distance integrals over all rows are evaluated. astropy, astropy-healpix and mocpy are
dependencies of Sirenflow; scipy is needed by its tests only.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the workers

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from unittest.mock import Mock, patch

import astropy_healpix
import numpy as np
from astropy.coordinates import (
    AltAz,
    Angle,
    EarthLocation,
    SkyCoord,
    get_body,
    get_constellation,
    get_sun,
)
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from astropy.utils import iers
from astropy.wcs import WCS
from mocpy import MOC
from scipy.optimize import bisect
from scipy.special import ndtr

from sirenflow.alerts.alert import parse_alert
from sirenflow.observing.angles import ra_to_deg
from sirenflow.observing.constellations import constellations
from sirenflow.observing.ephemeris import sun_and_moon
from sirenflow.observing.visibility import MOMENTS, Site, day_from, sky_rows, visibility
from sirenflow.skymap.distance import volume
from sirenflow.skymap.distance.cumulative import interpolate_monotone
from sirenflow.skymap.distance.line_of_sight import LinesOfSight, lines_of_sight, normal_tail
from sirenflow.skymap.distance.marginal import approximate_posterior, marginal_distance
from sirenflow.skymap.fits_table import read_table
from sirenflow.skymap.healpix import leaves_at
from sirenflow.skymap.map_comparison import probability_in
from sirenflow.skymap.regions.contours import LocalView
from sirenflow.skymap.regions.credible_region import CredibleRegion, credible_region
from sirenflow.skymap.regions.lobes import label_lobes
from sirenflow.skymap.regions.region_files import Subject, moc_fits
from sirenflow.skymap.skymap import MAX_LEVEL, SPHERE_SR, Skymap, read_skymap

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "MS260418b-05-update.avro"
PLACES = 65_536
SPECKS = 100_000
SUBJECT = Subject("MS260418b", 5, "gw", retracted=False)
Work = Callable[[], object]


def cpu_ms(work: Work, rounds: int = 7) -> float:
    """Give the median CPU time of some runs, ms."""
    work()
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return 1000 * median(spent)


def show(what: str, ours: Work, library: str, theirs: Work, times: int = 1) -> None:
    """Print a line of the table; the library's work is counted `times` times."""
    own, other = cpu_ms(ours), times * cpu_ms(theirs, 3)
    print(f"| {what} | {own:.3g} | {library} | {other:.3g} | {other / own:.1f} |")


def specks() -> tuple[Skymap, CredibleRegion]:
    """Make a map whose credible region falls into some 100,000 parts, which no real one does."""
    cells = 12 * 4**9
    density = np.full(cells, 1e-9)
    density[:: cells // SPECKS] = 1.0
    density *= cells / SPHERE_SR / density.sum()
    skymap = Skymap(4**10 + np.arange(cells), density, None, None, None, {})
    return skymap, credible_region(skymap, 0.9)


def sky(data: bytes, skymap: Skymap) -> None:
    """Compare what is done with rows, directions and regions."""
    show("fits_table.read_table", lambda: read_table(data), "astropy.io.fits", lambda: _fits(data))
    show(
        "Skymap.rank",
        lambda: Skymap(skymap.uniq, skymap.probdensity, None, None, None, {}).rank,
        "numpy.lexsort",
        lambda: np.lexsort((skymap.first_leaf, -skymap.probdensity)),
    )
    vectors = np.random.default_rng(1).normal(size=(3, PLACES))
    vectors /= np.linalg.norm(vectors, axis=0)
    show(
        f"healpix.leaves_at, {PLACES} places",
        lambda: leaves_at(vectors),
        "astropy_healpix.xyz_to_healpix",
        lambda: astropy_healpix.xyz_to_healpix(*vectors, nside=2**MAX_LEVEL, order="nested"),
    )
    view, plane = LocalView(10.0, 20.0), np.random.default_rng(1).uniform(-50, 50, (2, PLACES))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---ZEA", "DEC--ZEA"], [10.0, 20.0], [1, 1]
    show(
        f"contours.LocalView.unproject, {PLACES} places",
        lambda: view.unproject(*plane),
        "astropy.wcs, ZEA",
        lambda: wcs.wcs_pix2world(*plane, 0),
    )
    region = credible_region(skymap, 0.9)
    show(
        "credible_region",
        lambda: credible_region(skymap, 0.9),
        "MOC.from_valued_healpix_cells",
        lambda: MOC.from_valued_healpix_cells(
            skymap.uniq.astype(np.uint64),
            skymap.probability,
            MAX_LEVEL,
            values_are_densities=False,
            cumul_to=0.9,
            no_split=False,
        ),
    )
    show(
        "region_files.moc_fits",
        lambda: moc_fits(region, SUBJECT),
        "MOC.serialize",
        lambda: region.moc.serialize("fits").writeto(BytesIO()),
    )
    rows = Table({"UNIQ": skymap.uniq, "PROBABILITY": skymap.probability})
    show(
        "map_comparison.probability_in",
        lambda: probability_in(region.moc, skymap),
        "MOC.sum_in_multiordermap",
        lambda: region.moc.sum_in_multiordermap(rows, "PROBABILITY"),
    )
    for name, (drawn, of) in {
        "lobes.label_lobes": (skymap, region),
        f"the same, {SPECKS} specks": specks(),
    }.items():
        show(
            name,
            partial(label_lobes, drawn, of),
            "MOC.split",
            partial(_split, of),
        )
    names = np.random.default_rng(1).uniform(0, 90, (2, 20))
    show(
        "constellations, 20 places",
        lambda: constellations(*names),
        "get_constellation",
        lambda: get_constellation(SkyCoord(*names, unit="deg")),
    )
    angles = [f"12:34:56.{i:03}" for i in range(1000)]
    show(
        "angles.ra_to_deg, 1000 texts",
        lambda: [ra_to_deg(angle) for angle in angles],
        "astropy Angle",
        lambda: Angle(angles, unit="hourangle").deg,
    )


def _split(region: CredibleRegion) -> object:
    return region.moc.split(include_indirect_neighbours=True)


def _fits(data: bytes) -> list[object]:
    with fits.open(BytesIO(data)) as hdus:
        return [np.asarray(hdus[1].data[name]) for name in hdus[1].data.names]


def site(skymap: Skymap) -> None:
    """Compare Sun, Moon and visibility."""
    iers.conf.auto_download = False
    day = day_from(datetime(2026, 4, 18, tzinfo=UTC))
    paranal = Site("Paranal", "Chile", -24.6, -70.4, 2635, 30)
    rows = sky_rows(skymap, day)
    centres = astropy_healpix.healpix_to_lonlat(skymap.ipix, 2**skymap.level, order="nested")
    place = EarthLocation.from_geodetic(-70.4, -24.6, 2635)
    frame = AltAz(obstime=Time(day.times[0]), location=place)
    show(
        f"visibility, {MOMENTS} moments",
        lambda: visibility(rows, day, paranal, -18),
        "astropy AltAz",
        lambda: SkyCoord(*centres[:2])[skymap.rank[: len(rows.probability)]].transform_to(frame),
        times=MOMENTS,
    )
    show(
        "ephemeris.sun_and_moon",
        lambda: sun_and_moon("2026-04-18T00:00:00Z"),
        "get_sun, get_body",
        lambda: (get_sun(Time("2026-04-18")), get_body("moon", Time("2026-04-18"))),
    )


def distance(rows: LinesOfSight) -> None:
    """Compare what is done with distances, and count evaluations on all rows."""
    z = np.random.default_rng(1).exponential(3, len(rows.mu))
    gauss = np.exp(-z * z / 2)
    erfc = np.frompyfunc(math.erfc, 1, 1)
    for name, work in {
        "scipy.special.ndtr": lambda: ndtr(-z),
        "math.erfc": lambda: erfc(z),
    }.items():
        show("line_of_sight.normal_tail", lambda: normal_tail(z, gauss), name, work)
    places = np.linspace(1, 1000, 200)
    show(
        "marginal.approximate_posterior, 200 distances",
        lambda: approximate_posterior(rows).density(places),
        "the sum over all rows",
        lambda: [rows.marginal(r)[1] for r in places.tolist()],
    )
    print("\n| evaluations on all rows | |\n|---|---|")
    marginal = LinesOfSight.marginal
    with patch.object(LinesOfSight, "marginal", autospec=True, side_effect=marginal) as spy:
        marginal_distance(rows)
        newton = sum(call.args[0] is rows for call in spy.call_args_list)
        spy.reset_mock()
        for q in (0.05, 0.5, 0.95):
            bisect(lambda r, q=q: rows.marginal(r)[0] - q, 1e-3, 1e4, rtol=1e-6)
    print(f"| 3 percentiles, Newton's method | {newton} |")
    print(f"| the same by halving | {spy.call_count} |")
    densest = -rows.log_densest
    depths = np.random.default_rng(1).uniform(densest, densest + 40, 100_000)
    evaluate = Mock(side_effect=lambda depth: -volume._down_to_depth(rows, 0.0, depth).deficit)
    found = interpolate_monotone(evaluate, depths, densest, 1e-5)[:1000]
    count, some = evaluate.call_count, depths[:1000]
    exact = np.array([evaluate(depth) for depth in some.tolist()])
    error = np.abs(found - exact).max()
    print(f"| 100,000 densities, interpolate_monotone, off by {error:.1g} | {count} |")
    for nodes in (1000, 3000):
        at = np.linspace(densest, densest + 40, nodes)
        values = [0.0, *(evaluate(depth) for depth in at[1:].tolist())]
        error = np.abs(np.interp(some, at, values) - exact).max()
        print(f"| numpy.interp, off by {error:.1g} | {nodes} |")


def main() -> None:
    """Print the tables."""
    data = parse_alert(SAMPLE.read_bytes()).maps[0].data
    skymap = read_skymap(data)
    print(f"{len(skymap)} rows\n\n| ours | ms | library | ms | ratio |\n|---|---|---|---|---|")
    sky(data, skymap)
    site(skymap)
    distance(lines_of_sight(skymap))


if __name__ == "__main__":
    main()

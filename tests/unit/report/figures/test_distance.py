"""The curve of the distance is its posterior, drawn to scale."""

import re

import numpy as np
import pytest
from builders import fits_map, same_distance_columns
from paths import SAMPLES

from sirenflow.alerts.alert import parse_alert
from sirenflow.products.event import SkymapSummary
from sirenflow.report.figures.distance import HEIGHT, WIDTH, DistanceFigure, distance_figure
from sirenflow.skymap.distance.line_of_sight import LinesOfSight, lines_of_sight
from sirenflow.skymap.distance.marginal import Posterior, approximate_posterior
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import Skymap, read_skymap

NAMES = ("MS260418b-01-earlywarning", "MS260418b-05-update", "MS260522k-01-preliminary")


def map_of(name: str) -> Skymap:
    return read_skymap(parse_alert((SAMPLES / f"{name}.avro").read_bytes()).maps[0].data)


def summary_of(skymap: Skymap) -> SkymapSummary:
    """Measure a map as localization.json does."""
    numbers = measure_skymap(skymap, [50, 90])
    known = {name: numbers.get(name) for name in SkymapSummary.__struct_fields__}
    return SkymapSummary(**{**known, "kind": "gw", "lobes_90": ()})  # type: ignore[arg-type]


def all_rows(lines: LinesOfSight, r: np.ndarray) -> np.ndarray:
    return np.array([lines.marginal(float(one))[1] for one in r])


@pytest.mark.parametrize("name", NAMES)
def test_curve_is_within_half_a_hundredth_of_that_of_all_rows(name: str) -> None:
    lines = lines_of_sight(map_of(name))
    mean = float((lines.probability * lines.moments.mean).sum())
    r = np.linspace(mean / 50, 3 * mean, 60)
    truth = all_rows(lines, r)
    assert np.abs(approximate_posterior(lines).density(r) - truth).max() < 0.005 * truth.max()


def test_curve_integrates_to_the_probability_with_a_distance() -> None:
    lines = lines_of_sight(map_of("MS260418b-05-update"))
    r = np.linspace(0, 300, 3000)
    assert np.trapezoid(approximate_posterior(lines).density(r), r) == pytest.approx(
        lines.total, rel=1e-6
    )


def posterior_of(skymap: Skymap) -> Posterior:
    return approximate_posterior(lines_of_sight(skymap))


def figure_of(skymap: Skymap, previous: Skymap | None = None) -> DistanceFigure:
    before = posterior_of(previous) if previous else None
    figure = distance_figure(summary_of(skymap), posterior_of(skymap), before)
    assert figure is not None
    return figure


def points_of(path: str) -> np.ndarray:
    return np.array(re.findall(r"(-?\d+(?:\.\d+)?) (-?\d+)", path), dtype=float)


def test_lines_alike_are_drawn_as_their_ansatz() -> None:
    """Of mu 100, sigma 10 the posterior is r^2 exp(-((r - 100) / 10)^2 / 2): peak at 101.96."""
    header = {"DISTMEAN": 102.0, "DISTSTD": 10.0}
    skymap = read_skymap(fits_map(same_distance_columns(100.0, 10.0), header))
    figure = figure_of(skymap)
    assert figure.curve is not None
    assert figure.mean is not None
    x, y = points_of(figure.curve).T
    end = 102.0 / figure.mean * WIDTH
    r = x / WIDTH * end
    truth = r**2 * np.exp(-0.5 * ((r - 100) / 10) ** 2)
    truth /= 101.96**2 * np.exp(-0.5 * 0.196**2)
    assert np.abs((1 - y / HEIGHT) - truth).max() < 0.05


def test_interval_reaches_from_percentile_to_percentile() -> None:
    skymap = map_of("MS260418b-05-update")
    figure, numbers = figure_of(skymap), summary_of(skymap)
    assert figure.interval is not None
    assert figure.p50 is not None
    assert numbers.distance_p05_mpc
    assert numbers.distance_p50_mpc
    assert numbers.distance_p95_mpc
    x = points_of(figure.interval)[:, 0]
    scale = figure.p50 / numbers.distance_p50_mpc
    assert x.min() == pytest.approx(numbers.distance_p05_mpc * scale, abs=1)
    assert x.max() == pytest.approx(numbers.distance_p95_mpc * scale, abs=1)


def test_both_curves_have_one_scale() -> None:
    narrow, wide = map_of("MS260418b-05-update"), map_of("MS260418b-01-earlywarning")
    figure = figure_of(narrow, wide)
    assert figure.curve is not None
    assert figure.previous is not None
    tops = [points_of(path)[:, 1].min() for path in (figure.curve, figure.previous)]
    assert tops[0] == 0
    assert tops[1] > 0.4 * HEIGHT


def test_no_distance_is_no_figure() -> None:
    skymap = summary_of(map_of("MS260607d-01-preliminary"))
    assert distance_figure(skymap, None, None) is None

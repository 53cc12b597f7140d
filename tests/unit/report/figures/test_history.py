"""Area and distance from alert to alert."""

import pytest
from msgspec import structs
from summaries import summarize

from sirenflow.products.event import AlertSummary
from sirenflow.report.figures.history import HEIGHT, area_figure, distance_history_figure


def history_of(*maps: dict[str, float] | None) -> tuple[AlertSummary, ...]:
    """Make updates whose maps have these numbers."""
    alerts = [
        {"number": n, "alert_type": "UPDATE", "record": {"event": {"far": 1e-9}}}
        for n in range(1, len(maps) + 1)
    ]
    located = [
        {"number": n, "skymaps": [{"kind": "gw", "file": "a.fits", **numbers}] if numbers else []}
        for n, numbers in enumerate(maps, start=1)
    ]
    return summarize({"superevent_id": "S1a", "alerts": alerts}, {"alerts": located}).history


def test_areas_are_spaced_by_their_logarithm() -> None:
    figure = area_figure(history_of(*({"area_90_deg2": a} for a in (1000.0, 100.0, 10.0))))
    assert figure is not None
    assert [point.y for point in figure.points] == [0, HEIGHT / 2, HEIGHT]
    assert [point.text for point in figure.points] == ["1\u202f000", "100", "10"]
    assert [label.text for label in figure.labels[:3]] == ["1 U", "2 U", "3 U"]
    assert [label.text for label in figure.labels[3:]] == ["10", "1\u202f000", "100"]


def test_distance_has_its_deviation() -> None:
    maps = ({"distance_mean_mpc": 100.0, "distance_std_mpc": 50.0}, {"distance_mean_mpc": 150.0})
    figure = distance_history_figure(history_of(*maps))
    assert figure is not None
    first, second = figure.points
    assert (first.bottom, first.y, first.top) == (HEIGHT, HEIGHT / 2, 0)
    assert (second.bottom, second.y, second.top) == (None, 0, None)


@pytest.mark.parametrize("maps", [(), ({"area_90_deg2": 3.0},), (None, {"area_90_deg2": 3.0})])
def test_one_value_is_no_figure(maps: tuple[dict[str, float] | None, ...]) -> None:
    assert area_figure(history_of(*maps)) is None


def test_alert_without_a_map_keeps_its_place() -> None:
    figure = area_figure(history_of({"area_90_deg2": 9.0}, None, {"area_90_deg2": 9.0}))
    assert figure is not None
    assert len(figure.points) == 2
    assert [label.text for label in figure.labels[:3]] == ["1 U", "2 U", "3 U"]
    assert [point.y for point in figure.points] == [HEIGHT / 2] * 2


def test_withheld_numbers_are_not_drawn() -> None:
    good, bad = history_of({"area_90_deg2": 9.0}, {"area_90_deg2": 8.0})
    assert bad.skymap
    withheld = structs.replace(bad, skymap=structs.replace(bad.skymap, not_measured_reason="NaN"))
    assert area_figure((good, withheld)) is None

"""All figures of a superevent's page that are made from sky maps, each map read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sirenflow.observing.ephemeris import sun_and_moon
from sirenflow.products.event import AlertSummary, SkymapSummary, Superevent, Thumbnail
from sirenflow.report.figures.distance import DistanceFigure, distance_figure
from sirenflow.report.figures.sky import SkyFigure, sky_figure
from sirenflow.report.figures.sky_labels import Marks, sky_marks
from sirenflow.report.figures.zoom import (
    Window,
    ZoomFigure,
    comparison_frames,
    window_outline,
    zoom_figure,
    zoom_window,
)
from sirenflow.skymap.distance.line_of_sight import lines_of_sight
from sirenflow.skymap.distance.marginal import Posterior, approximate_posterior
from sirenflow.skymap.regions.contours import level_field
from sirenflow.skymap.skymap import Skymap

ReadSkymap = Callable[[SkymapSummary], Skymap | None]


@dataclass(frozen=True)
class Drawings:
    """Figures of the maps that are used.

    `skies` are all-sky maps by kind, "gw" and "combined"; `marks` are laid over them: over "gw"
    Sun, Moon and shares, over "gw-small" and "combined" coordinates only. Of the `zooms`, "gw" is
    the GW map's most probable part, "gw-small" and "combined" are both maps in one frame, "closeup"
    is the combined map's most probable part; one that repeats another figure is left out. The
    distance of the alert `previous_number` is drawn dashed.
    """

    skies: dict[str, SkyFigure]
    marks: dict[str, Marks]
    zooms: dict[str, ZoomFigure]
    distance: DistanceFigure | None
    previous_number: int | None
    thumbnail: Thumbnail | None


def draw(summary: Superevent, read: ReadSkymap) -> Drawings:
    """Draw the maps that are used; `read` reads a map, None for one that may not be drawn."""
    located, joined = summary.skymap_alert, summary.combined_alert
    measured = located.skymap if located else None
    joint = joined.combined_skymap if joined else None
    lobes = measured.lobes_90 if measured else ()
    window = zoom_window(lobes)
    frames = comparison_frames(lobes, joint.lobes_90 if joint else ())
    skies: dict[str, SkyFigure] = {}
    marks: dict[str, Marks] = {}
    zooms: dict[str, ZoomFigure] = {}
    thumbnail = distance = previous_number = None
    if located is not None and measured is not None and (skymap := read(measured)) is not None:
        windows = {"gw": window, "gw-small": frames.common}
        thumbnail, skies["gw"], zooms = _draw_map(skymap, windows)
        time = summary.current.time_created if summary.current else None
        bodies = sun_and_moon(time) if time else None
        outline = window_outline(window) if window else None
        marks["gw"] = sky_marks(skies["gw"].peak, bodies, outline, lobes)
        marks["gw-small"] = sky_marks(skies["gw"].peak)
        posterior = _posterior(skymap)
        del skymap  # a map may have millions of rows: never two at a time
        previous = _previous(summary, located)
        before = read(previous.skymap) if previous and previous.skymap else None
        distance = distance_figure(measured, posterior, _posterior(before))
        del before
        if previous and distance and distance.previous:
            previous_number = previous.number
    if joint is not None and (skymap := read(joint)) is not None:
        windows = {"combined": frames.common, "closeup": frames.closeup}
        _, skies["combined"], more = _draw_map(skymap, windows)
        marks["combined"] = sky_marks(skies["combined"].peak)
        zooms |= more
    zooms = _distinct(zooms, window == frames.common)
    return Drawings(skies, marks, zooms, distance, previous_number, thumbnail)


def _draw_map(
    skymap: Skymap, windows: Mapping[str, Window | None]
) -> tuple[Thumbnail, SkyFigure, dict[str, ZoomFigure]]:
    field = level_field(skymap)
    sky, thumbnail = sky_figure(skymap, field)
    zooms = {
        name: zoom_figure(skymap, field, window)
        for name, window in windows.items()
        if window is not None
    }
    return thumbnail, sky, zooms


def _distinct(zooms: Mapping[str, ZoomFigure], gw_frame_is_common: bool) -> dict[str, ZoomFigure]:
    """Drop the common frame where only one map is drawn, and the GW frame where it is shown."""
    needed = dict(zooms)
    if not {"gw-small", "combined"} <= needed.keys():
        needed.pop("gw-small", None)
        needed.pop("combined", None)
    elif gw_frame_is_common:
        needed.pop("gw", None)
    return needed


def _previous(summary: Superevent, located: AlertSummary) -> AlertSummary | None:
    """Find the newest alert before whose map differs, can be trusted and has a distance to show."""
    shown_sha256 = located.skymap.sha256 if located.skymap else None
    before = summary.history[: summary.history.index(located)]
    for alert in reversed(before):
        skymap = alert.skymap
        if skymap and skymap.is_usable and skymap.sha256 != shown_sha256:
            return alert if skymap.has_percentiles else None
    return None


def _posterior(skymap: Skymap | None) -> Posterior | None:
    if skymap is None or skymap.distmu is None:
        return None
    lines = lines_of_sight(skymap)
    return approximate_posterior(lines) if len(lines.mu) else None

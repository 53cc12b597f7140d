"""All figures of a superevent's page that are made from sky maps, each map read once."""

from collections.abc import Callable
from dataclasses import dataclass

from sirenflow.contours import level_field
from sirenflow.ephemeris import sun_and_moon
from sirenflow.event import AlertSummary, EventSummary, Lobe, SkymapSummary, Thumbnail
from sirenflow.report.distance_plot import DistanceFigure, distance_figure
from sirenflow.report.posterior import Posterior, drawn_posterior
from sirenflow.report.skyplot import Marks, SkyFigure, sky_figure, sky_marks
from sirenflow.report.zoomplot import Window, ZoomFigure, window_outline, zoom_figure, zoom_window
from sirenflow.sightlines import lines_of_sight
from sirenflow.skymap import Skymap

ReadSkymap = Callable[[SkymapSummary], Skymap | None]


@dataclass(frozen=True)
class Drawings:
    """Figures of the maps that are used; by kind, "gw" and "combined", those of the sky.

    `previous_number` is that of the alert whose distance is drawn dashed.
    """

    skies: dict[str, SkyFigure]
    zooms: dict[str, ZoomFigure]
    marks: Marks | None
    distance: DistanceFigure | None
    previous_number: int | None
    thumbnail: Thumbnail | None


def draw(summary: EventSummary, read: ReadSkymap) -> Drawings:
    """Draw the maps that are used.

    Parameters
    ----------
    summary
        Content of event.json.
    read
        Reads a map; None for one that may not be drawn.
    """
    located, joint = summary.skymap_alert, summary.combined_alert
    measured = located.skymap if located else None
    drawn: dict[str, _DrawnMap] = {}
    thumbnail = marks = distance = previous_number = window = None
    if located is not None and measured is not None and (skymap := read(measured)) is not None:
        window = zoom_window(measured.lobes_90)
        thumbnail, drawn["gw"] = _draw_map(skymap, window)
        marks = _marks(summary, measured.lobes_90, window)
        posterior = _posterior(skymap)
        del skymap  # a map may have millions of rows: never two at a time
        previous = _previous(summary, located)
        before = read(previous.skymap) if previous and previous.skymap else None
        distance = distance_figure(measured, posterior, _posterior(before))
        del before
        if previous and distance and distance.previous:
            previous_number = previous.number
    if joint and joint.combined_skymap:
        combined = read(joint.combined_skymap)
        if combined is not None:
            _, drawn["combined"] = _draw_map(combined, window)
    return Drawings(
        skies={kind: one.sky for kind, one in drawn.items()},
        zooms={kind: one.zoom for kind, one in drawn.items() if one.zoom},
        marks=marks,
        distance=distance,
        previous_number=previous_number,
        thumbnail=thumbnail,
    )


@dataclass(frozen=True)
class _DrawnMap:
    sky: SkyFigure
    zoom: ZoomFigure | None


def _draw_map(skymap: Skymap, window: Window | None) -> tuple[Thumbnail, _DrawnMap]:
    field = level_field(skymap)
    sky, thumbnail = sky_figure(skymap, field)
    return thumbnail, _DrawnMap(sky, zoom_figure(skymap, field, window) if window else None)


def _marks(summary: EventSummary, lobes: tuple[Lobe, ...], window: Window | None) -> Marks:
    time = summary.current.time_created if summary.current else None
    bodies = sun_and_moon(time) if time else None
    return sky_marks(bodies, window_outline(window) if window else None, lobes)


def _previous(summary: EventSummary, located: AlertSummary) -> AlertSummary | None:
    """Find the newest alert before whose map differs, can be trusted and has a distance to show."""
    standing = located.skymap.sha256 if located.skymap else None
    before = summary.history[: summary.history.index(located)]
    for alert in reversed(before):
        skymap = alert.skymap
        if skymap and skymap.is_trusted and skymap.sha256 != standing:
            return alert if skymap.has_percentiles else None
    return None


def _posterior(skymap: Skymap | None) -> Posterior | None:
    if skymap is None or skymap.distmu is None:
        return None
    lines = lines_of_sight(skymap)
    return drawn_posterior(lines) if len(lines.mu) else None

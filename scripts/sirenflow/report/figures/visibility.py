"""Observability: a strip of 24 hours for each site, as numbers and words for the template."""

from calendar import month_abbr
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sirenflow.formats.sanitize import time_or_none
from sirenflow.products.visibility import SiteVisibility, Visibility
from sirenflow.report.figures.labels import text_width
from sirenflow.superevent.number_text import NARROW_SPACE, probability_text

HEIGHT = 24
"""Height of a strip; its width is the number of steps."""
_TOP = 2
# What may be lost where a curve is drawn with fewer points, in units of the height.
_TOLERANCE = 0.25
_TICK_HOURS = 6
_NARROWEST_PX, _FONT_PX = 264.0, 12.5
# Between the ends of a window, where no line may break.
_TO = "\u2060–\u2060"


@dataclass(frozen=True)
class HourTick:
    """A labelled time; places are in per cent of the width.

    `anchor` says which end of the label is at `label_percent`.
    """

    percent: float
    label: str
    label_percent: float
    anchor: str


@dataclass(frozen=True)
class SiteStrip:
    """One site: SVG path data in units of the strip, and what is written beside it.

    `above` is the share of probability above the limit at any time, `seen` the same while it is
    dark, `best_x` the best moment.
    """

    name: str
    place: str
    times: str
    reachable: str
    best: str | None
    moon: str | None
    label: str
    dark: str
    above: str
    seen: str
    best_x: int | None


@dataclass(frozen=True)
class VisibilityFigure:
    """The section: its sites or the reason why there are none."""

    absence_reason: str | None
    retracted: bool
    scope: str
    width: int
    grid: str
    ticks: tuple[HourTick, ...]
    sites: tuple[SiteStrip, ...]

    @property
    def is_out_of_sight(self) -> bool:
        """Return whether no site sees any of the map in the dark."""
        return all(site.best_x is None for site in self.sites)


def visibility_figure(visibility: Visibility) -> VisibilityFigure:
    """Draw the content of visibility.json."""
    start = time_or_none(visibility.start_utc)
    absent = visibility.absence_reason
    if absent is not None or start is None:
        absent = absent or "the time of the alert is not provided"
        return VisibilityFigure(absent, visibility.retracted, "", 1, "", (), ())
    steps = visibility.hours * 60 // visibility.step_min
    ticks = _ticks(start, visibility.hours)
    return VisibilityFigure(
        absence_reason=None,
        retracted=visibility.retracted,
        scope=_scope(visibility, start),
        width=steps,
        grid="".join(f"M{_tenths_text(tick.percent * steps / 100)} 0V{HEIGHT}" for tick in ticks),
        ticks=ticks,
        sites=tuple(_strip(site, start, visibility.step_min) for site in visibility.sites),
    )


def _scope(visibility: Visibility, start: datetime) -> str:
    number, located = visibility.alert_number, visibility.skymap_alert_number
    skymap = "" if located == number else f", sky map of alert {located}"
    sun = _altitude(visibility.maximum_sun_altitude_deg)
    altitudes = sorted({site.minimum_altitude_deg for site in visibility.sites})
    limit = " to ".join(map(_altitude, dict.fromkeys((*altitudes[:1], *altitudes[-1:]))))
    return (
        f"{visibility.hours} h from {start:%Y-%m-%d %H:%M} UTC (alert {number}{skymap}), "
        f"Sun below {sun}, altitude above {limit}"
    )


def _ticks(start: datetime, hours: int) -> tuple[HourTick, ...]:
    """Return the times at whole quarters of the UTC day; a midnight is named by its date."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    times = (midnight + timedelta(hours=_TICK_HOURS * i) for i in range(1 + 2 * 24 // _TICK_HOURS))
    ticks = []
    for time in times:
        percent = round(100 * (time - start) / timedelta(hours=hours), 2)
        if 0 <= percent <= 100:
            text = f"{time:%H:%M}" if time.hour else f"{time.day} {month_abbr[time.month]}"
            ticks.append(_hour_tick(percent, text))
    if len(ticks) > 1 and ticks[-1].anchor == "end":  # its label is moved towards the one before
        room = _NARROWEST_PX * (1 - ticks[-2].percent / 100) - text_width(ticks[-1].label, _FONT_PX)
        if room < text_width(ticks[-2].label, _FONT_PX) / 2:
            ticks[-2] = replace(ticks[-2], anchor="end")
    return tuple(ticks)


def _hour_tick(percent: float, text: str) -> HourTick:
    """Place a label so that it stays on the strip of the narrowest phone, 320 px wide."""
    x = percent / 100 * _NARROWEST_PX
    half = text_width(text, _FONT_PX) / 2
    if x < half:
        return HourTick(percent, text, 0, "start")
    if x > _NARROWEST_PX - half:
        return HourTick(percent, text, 100, "end")
    return HourTick(percent, text, percent, "middle")


def _strip(site: SiteVisibility, start: datetime, step_min: int) -> SiteStrip:
    def clock(moment: int) -> str:
        return f"{start + timedelta(minutes=step_min * moment):%H:%M}"

    above, dark_runs = site.probability_above, _runs(site.dark)
    limit = _altitude(site.minimum_altitude_deg)
    windows = ", ".join(
        f"{_clock(window.start_utc, start)}{_TO}{window.end_utc[11:16]}" for window in site.windows
    )
    times = windows or (f"below {limit} while dark" if dark_runs else "not dark in these hours")
    spoken = windows.replace(_TO, "–") + " UTC" if windows else times
    dark = ", ".join(f"{clock(first)}–{clock(last)}" for first, last in dark_runs)
    best_x, best, moon = None, None, None
    best_time = time_or_none(site.best_time_utc)
    if best_time and site.best_time_utc and site.best_probability is not None:
        best_x = round((best_time - start) / timedelta(minutes=step_min))
        best = f"best {_clock(site.best_time_utc, start)}"
        if site.best_probability < 0.99 * site.reachable_probability:
            best += f" ({probability_text(site.best_probability)})"
        moon = _moon(site)
    return SiteStrip(
        name=site.name,
        place=site.place,
        times=times,
        reachable=probability_text(site.reachable_probability),
        best=best,
        moon=moon,
        label=f"{site.name}: dark {dark or 'never'}{' UTC' if dark else ''}; probability above "
        f"{limit} at most {probability_text(max(above))}, in the dark {spoken}",
        dark="".join(f"M{first} 0H{last}V{HEIGHT}H{first}z" for first, last in dark_runs),
        above=_area(above, 0, len(above) - 1),
        seen="".join(_area(above, first, last) for first, last in dark_runs),
        best_x=best_x,
    )


def _moon(site: SiteVisibility) -> str | None:
    if site.moon_altitude_deg is None or site.moon_separation_deg is None:
        return None
    lit = f"{round(100 * site.moon_illumination)}{NARROW_SPACE}%"
    if site.moon_altitude_deg < 0:
        return f"Moon down, {lit} lit"
    return f"Moon {round(site.moon_separation_deg)}° off, {lit} lit"


def _area(above: Sequence[float], first: int, last: int) -> str:
    """Draw the area under a curve from one moment to another; nothing where it stays at 0."""
    heights = [HEIGHT - (HEIGHT - _TOP) * p for p in above]
    if min(heights[first : last + 1]) > HEIGHT - _TOLERANCE:
        return ""
    kept = [first, *_bends(heights, first, last), last]
    line = " ".join(f"{i} {_tenths_text(heights[i])}" for i in kept)
    return f"M{first} {HEIGHT}L{line}V{HEIGHT}z"


def _bends(heights: Sequence[float], first: int, last: int) -> list[int]:
    """Find the points between two that a curve must go through (Douglas and Peucker)."""
    slope = (heights[last] - heights[first]) / max(last - first, 1)
    far, farthest = 0, 0.0
    for i in range(first + 1, last):
        distance = abs(heights[i] - heights[first] - slope * (i - first))
        if distance > farthest:
            far, farthest = i, distance
    if farthest <= _TOLERANCE:
        return []
    return [*_bends(heights, first, far), far, *_bends(heights, far, last)]


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Find the first and the last index of each run of true ones."""
    grouped = groupby(range(len(flags)), key=lambda i: flags[i])
    runs = [list(indices) for is_true, indices in grouped if is_true]
    return [(run[0], run[-1]) for run in runs]


def _clock(time_utc: str, start: datetime) -> str:
    """Write hours and minutes, of the day after `start` with a mark."""
    tomorrow = time_utc[:10] != f"{start:%Y-%m-%d}"
    return f"+1{NARROW_SPACE}d {time_utc[11:16]}" if tomorrow else time_utc[11:16]


def _altitude(degrees: float) -> str:
    return f"{degrees:g}°".replace("-", "−")


def _tenths_text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

"""One position in the sky maps of all superevents, from the workflow's products."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from sirenflow.alerts.identifier import is_identifier
from sirenflow.crossmatch.candidates import AlertMatch, CrossmatchedAlert, Positions, match_alerts
from sirenflow.errors import SirenflowError, SkymapError
from sirenflow.products.event import SkymapSummary
from sirenflow.skymap.skymap import Skymap
from sirenflow.superevent.load import SupereventReader
from sirenflow.superevent.number_text import signed_text

NEAR_LEVEL = 0.99
"""Credible level on the sky, in any alert, within which a superevent is listed."""
_HEADING = (
    *("superevent", "alert", "level", "1/deg2", "level in space", "1/Mpc3", "days after T0"),
    "state",
)


@dataclass(frozen=True)
class CrossmatchedSuperevent:
    """A superevent, and where the position lies in each of its alerts."""

    superevent_id: str
    category: str
    state: str
    retracted: bool
    alerts: tuple[CrossmatchedAlert, ...]

    @property
    def is_near(self) -> bool:
        """Return whether the position is within `NEAR_LEVEL` in some alert."""
        return any(alert.matches[0].credible_level <= NEAR_LEVEL for alert in self.alerts)

    @property
    def order(self) -> tuple[bool, bool, float, str]:
        """Key that sorts what matters first: not retracted, real, the best level now."""
        levels = [a.matches[0].credible_level for a in self.alerts if a.is_current]
        return (
            self.retracted,
            self.category != "real",
            levels[0] if levels else 2.0,
            self.superevent_id,
        )


def find_superevents(results: Path, superevent_id: str | None) -> list[Path]:
    """List the directories of superevents, or that of one.

    Raise SirenflowError if there are none.
    """
    if not results.is_dir():
        raise SirenflowError(
            f"results {str(results)!r} does not exist; run snakemake, or name it with --results"
        )
    if superevent_id is not None:
        known = is_identifier(superevent_id)
        if not known or not (results / superevent_id / "localization.json").is_file():
            raise SirenflowError(f"{superevent_id!r} is not in results {str(results)!r}")
        return [results / superevent_id]
    return [
        file.parent
        for file in sorted(results.glob("*/localization.json"))
        if is_identifier(file.parent.name)
    ]


def crossmatch_superevent(
    event: Path, ra_deg: float, dec_deg: float, distance_mpc: float | None, time: datetime | None
) -> CrossmatchedSuperevent:
    """Find a position in the maps of one superevent.

    Raise SirenflowError if a product of it cannot be read.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS, deg.
    """
    distance = np.nan if distance_mpc is None else distance_mpc
    position = Positions(np.array([ra_deg]), np.array([dec_deg]), np.array([distance]), [time])

    files = (event / name for name in ("alerts.json", "localization.json", "skymaps"))
    superevent = SupereventReader(*files)

    def read(skymap: SkymapSummary) -> Skymap:
        found = superevent.read_skymap(skymap)
        if found is None:
            raise SkymapError(f"{skymap.file} is no sky map any more")
        return found

    try:
        summary = superevent.summary
        alerts = match_alerts(summary, read, position)
    except (OSError, SirenflowError) as error:
        raise SirenflowError(f"{event} cannot be read ({error}); run snakemake again") from error
    return CrossmatchedSuperevent(
        summary.superevent_id, summary.category, summary.state, summary.retracted, alerts
    )


def format_table(events: Sequence[CrossmatchedSuperevent], everything: bool) -> Iterator[str]:
    """Write the table, and a line of what is in it."""
    compared = [event for event in events if event.alerts]
    near = [event for event in compared if event.is_near]
    shown = sorted(compared if everything else near, key=lambda event: event.order)
    if shown:
        cells = [_HEADING, *(line for event in shown for line in _table_cells(event))]
        widths = [max(len(row[i]) for row in cells) for i in range(len(_HEADING))]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(padded).rstrip()
    said = f"within 99 % in {len(near)} of {len(compared)} superevents"
    if len(compared) < len(events):
        said += f"; {len(events) - len(compared)} more have no sky map to use"
    yield said


def _table_cells(event: CrossmatchedSuperevent) -> Iterator[tuple[str, ...]]:
    for alert in event.alerts:
        match: AlertMatch = alert.matches[0]
        yield (
            event.superevent_id,
            f"{alert.number} {alert.alert_type}{' *' if alert.is_current else ''}",
            _level_text(match.credible_level),
            f"{match.probability_per_deg2:.3g}",
            _level_text(match.credible_level_3d),
            "-" if match.probability_per_mpc3 is None else f"{match.probability_per_mpc3:.3g}",
            _days_text(match.days_after_t0),
            event.state if event.category == "real" else f"{event.state}, {event.category}",
        )


def _level_text(level: float | None) -> str:
    return "-" if level is None else f"{level:.4f}"


def _days_text(days: float | None) -> str:
    return "-" if days is None else signed_text(days, 3).replace("−", "-")

"""Rule report: the page and the JSON summary of one superevent."""

import json
from dataclasses import replace
from pathlib import Path

from sirenflow.errors import SkymapError
from sirenflow.event import SkymapSummary, Thumbnail
from sirenflow.products import write_json
from sirenflow.report.environment import relative_link
from sirenflow.report.event_page import EventLinks, render_event
from sirenflow.report.skyplot import SkyFigure, sky_figure
from sirenflow.skymap import read_skymap
from sirenflow.summary import summarize_event


def report(alerts: Path, localization: Path, skymaps: Path, page: Path, event: Path) -> None:
    """Write the report of one superevent.

    Parameters
    ----------
    alerts, localization, skymaps
        alerts.json, localization.json and the directory of sky maps.
    page, event
        Where the page and its JSON summary go. Links are relative to the page.
    """
    summary = summarize_event(
        json.loads(alerts.read_text(encoding="utf-8")),
        json.loads(localization.read_text(encoding="utf-8")),
    )
    located, current = summary.skymap_alert, summary.current
    drawn = {
        skymap.kind: figure
        for skymap in (
            located.skymap if located else None,
            current.combined_skymap if current else None,
        )
        if skymap is not None and (figure := _draw(skymaps, skymap)) is not None
    }
    if "gw" in drawn:
        summary = replace(summary, thumbnail=drawn["gw"][1])
    links = EventLinks(
        skymaps=relative_link(skymaps, page),
        event=relative_link(event, page),
        localization=relative_link(localization, page),
        alerts=relative_link(alerts, page),
    )
    figures = {kind: figure for kind, (figure, _) in drawn.items()}
    page.write_text(render_event(summary, figures, links), encoding="utf-8", newline="\n")
    write_json(event, summary.to_json())


def _draw(skymaps: Path, skymap: SkymapSummary) -> tuple[SkyFigure, Thumbnail] | None:
    """Draw a map whose numbers can be trusted; None for any other."""
    if not skymap.is_trusted or skymap.file is None or Path(skymap.file).name != skymap.file:
        return None
    try:
        return sky_figure(read_skymap((skymaps / skymap.file).read_bytes()))
    except SkymapError:  # localization.json, not the page, is where a bad map gets its reason
        return None

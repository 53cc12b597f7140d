"""Rule report: regions, visibility, page, text and JSON summary of one superevent.

They are made in one pass: each sky map is read and ranked once, and a job of the workflow costs as
much as most of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from sirenflow.products.base import load_product, write_product
from sirenflow.products.candidates import Candidates
from sirenflow.products.galaxies import Galaxies
from sirenflow.report.event_page import EventLinks, Sections, render_event
from sirenflow.report.figures.draw import draw
from sirenflow.report.html import relative_link
from sirenflow.stages.regions import write_regions
from sirenflow.stages.visibility import write_visibility
from sirenflow.superevent.circular import circular_text
from sirenflow.superevent.load import SupereventReader
from sirenflow.superevent.summarize import summarize_event


def report(
    alerts: Path,
    localization: Path,
    skymaps: Path,
    regions: Path,
    region_files: Path,
    page: Path,
    event: Path,
    circular: Path,
    visibility: Path | None = None,
    sites: Sequence[Mapping[str, Any]] = (),
    minimum_altitude_deg: float = 30,
    maximum_sun_altitude_deg: float = -12,
    galaxies: Sequence[Path] = (),
    candidates: Sequence[Path] = (),
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> None:
    """Write the report of one superevent.

    Parameters
    ----------
    page, event, circular
        Written: the page, its JSON summary and the text. Links are relative to the page.
    galaxies, candidates
        galaxies.json and its table; candidates.json. Empty where the configuration has none.
    config_sha256
        Digest of what the configuration says about products.
    unreadable
        Messages that claim to be about the superevent and could not be read: see
        `sirenflow.superevent.unreadable_messages.Unreadable.of`.
    """
    superevent = SupereventReader(alerts, localization, skymaps)
    described = write_regions(superevent, regions, region_files)
    limits = (minimum_altitude_deg, maximum_sun_altitude_deg)
    seen = write_visibility(superevent, visibility, sites, *limits) if visibility else None
    summary = summarize_event(
        superevent.alerts, superevent.localization, described, config_sha256, unreadable
    )
    drawings = draw(summary, superevent.read_skymap)
    summary = structs.replace(summary, thumbnail=drawings.thumbnail)
    text = circular_text(summary)
    links = EventLinks(
        skymaps=relative_link(skymaps, page),
        event=relative_link(event, page),
        localization=relative_link(localization, page),
        alerts=relative_link(alerts, page),
        regions=relative_link(region_files, page),
        regions_json=relative_link(regions, page),
        circular=relative_link(circular, page),
        galaxies=relative_link(galaxies[1], page) if galaxies else None,
    )
    sections = Sections(
        visibility=seen,
        galaxies=load_product(galaxies[0], Galaxies) if galaxies else None,
        candidates=load_product(candidates[0], Candidates) if candidates else None,
    )
    html = render_event(summary, drawings, sections, text, links)
    page.write_text(html, encoding="utf-8", newline="\n")
    circular.write_text(text, encoding="ascii", newline="\n")
    write_product(event, summary)

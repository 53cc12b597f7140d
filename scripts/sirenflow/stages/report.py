"""Rule report: the page, the text and the JSON summary of one superevent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from sirenflow.products.alerts import Alerts
from sirenflow.products.base import load_product, write_product
from sirenflow.products.candidates import Candidates
from sirenflow.products.galaxies import Galaxies
from sirenflow.products.localization import Localization
from sirenflow.products.regions import Regions
from sirenflow.products.visibility import Visibility
from sirenflow.report.event_page import EventLinks, Sections, render_event
from sirenflow.report.figures.draw import draw
from sirenflow.report.html import relative_link
from sirenflow.superevent.circular import circular_text
from sirenflow.superevent.load import load_usable_skymap
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
    visibility: Sequence[Path] = (),
    galaxies: Sequence[Path] = (),
    candidates: Sequence[Path] = (),
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> None:
    """Write the report of one superevent.

    Parameters
    ----------
    alerts, localization, skymaps
        alerts.json, localization.json and the directory of sky maps.
    regions, region_files
        regions.json, and the directory of region files.
    page, event, circular
        Where the page, its JSON summary and the text go. Links are relative to the page.
    visibility, galaxies, candidates
        visibility.json; galaxies.json and its table; candidates.json. Empty where the
        configuration has none.
    config_sha256
        Digest of what the configuration says about products.
    unreadable
        Messages that claim to be about the superevent and could not be read: see
        `sirenflow.superevent.unreadable_messages.Unreadable.of`.
    """
    summary = summarize_event(
        load_product(alerts, Alerts),
        load_product(localization, Localization),
        load_product(regions, Regions),
        config_sha256,
        unreadable,
    )
    drawings = draw(summary, lambda skymap: load_usable_skymap(skymaps, skymap))
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
        visibility=load_product(visibility[0], Visibility) if visibility else None,
        galaxies=load_product(galaxies[0], Galaxies) if galaxies else None,
        candidates=load_product(candidates[0], Candidates) if candidates else None,
    )
    html = render_event(summary, drawings, sections, text, links)
    page.write_text(html, encoding="utf-8", newline="\n")
    circular.write_text(text, encoding="ascii", newline="\n")
    write_product(event, summary)

"""A superevent through every stage of the workflow, run by whoever can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sirenflow.pipeline.stage_recovery import run_with_recovery
from sirenflow.pipeline.stage_workers import Runner
from sirenflow.processes.pool import Paths
from sirenflow.processes.worker import call

LEVELS_PERCENT = (50, 90)
_SITE = {
    "name": "Somewhere",
    "place": "",
    "latitude_deg": -30.0,
    "longitude_deg": 20.0,
    "elevation_m": 1000.0,
}
_TABLE = "name,ra,dec,distance\nNear,45,4.78,100\nFar,200,-60,900\n"
_COLUMNS = {"name": "name", "ra": "ra", "dec": "dec", "distance": "distance"}


def call_stage(stage: str, files: Paths, arguments: Mapping[str, Any]) -> None:
    """Run a stage in this process."""
    call(f"sirenflow.stages.{stage}:{stage}", files, arguments)


def make_products(run: Runner, alerts: Sequence[Path], results: Path) -> Path:
    """Make every product of a superevent, and the catalogue of it; give the superevent's directory.

    Parameters
    ----------
    run
        Runs a stage.
    alerts
        Files of the inbox.
    results
        The directory of results.
    """
    event = results / alerts[0].parent.parent.name
    event.mkdir(parents=True)
    user = results.parent / "table.csv"
    user.write_text(_TABLE)

    def make(stage: str, files: dict[str, Path | Sequence[Path]], **arguments: object) -> None:
        named = {
            name: str(file) if isinstance(file, Path) else [*map(str, file)]
            for name, file in files.items()
        }
        run_with_recovery(run, stage, named, arguments)

    said, numbers = event / "alerts.json", event / "localization.json"
    of_alerts = {"alerts": said, "localization": numbers, "skymaps": event / "skymaps"}
    of_regions = {"regions": event / "regions.json"}
    names = ("visibility", "galaxies", "candidates")
    seen, near, listed = (event / f"{name}.json" for name in names)
    galaxies = {"rows": results / "galaxies.npy", "facts": results / "galaxies.json"}
    ranked, known = event / "galaxies.ecsv", results / "candidates.json"
    pages = {"page": event / "index.html", "event": event / "event.json"}
    tables = {name: results / f"catalogue.{name}" for name in ("ecsv", "csv", "json")}

    make("extract", {"files": alerts, **of_alerts}, levels_percent=LEVELS_PERCENT)
    make("flatten", {**of_alerts, "flat": event / "flat"}, nside=32)
    make("galaxy_catalogue", {"table": user, **galaxies}, columns=_COLUMNS)
    how = {"name": "GLADE+", "completeness": "", "max_listed": 10}
    make("galaxies", {**of_alerts, **galaxies, "table": ranked, "product": near}, **how)
    make("candidate_list", {"table": user, "candidates": known}, columns=_COLUMNS)
    days = {"days_before": 1, "days_after": 14}
    make("candidates", {**of_alerts, "listed": known, "candidates": listed}, **days)
    optional = {"visibility": seen, "galaxies": [near, ranked], "candidates": [listed]}
    files = {**of_alerts, **of_regions, "region_files": event / "regions", **pages, **optional}
    make("report", {**files, "circular": event / "circular.txt"}, sites=[_SITE])
    of_all = {"votable": results / "catalogue.vot", "feed": results / "feed.atom"}
    page = results / "index.html"
    make("catalogue", {"events": [pages["event"]], "page": page, **tables, **of_all})
    return event

"""Results of whole runs on small maps, and ways to make two of them differ."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from superevents import moved, products

from sirenflow.stages.report import report

EVENT = "MS260101a"
"""The superevent of `a_run`."""


def a_run(folder: Path, *alerts: dict[str, Any], superevent: str = EVENT) -> Path:
    """Take a superevent's alerts through every rule, by default three of them; give the results."""
    event = products(folder, *(alerts or moved()), superevent=superevent)
    files = (event / "alerts.json", event / "localization.json", event / "skymaps")
    parts = (event / "regions.json", event / "regions")
    pages = (event / name for name in ("index.html", "event.json", "circular.txt"))
    report(*files, *parts, *pages, config_sha256="c0ffee" * 10)
    return event.parent


def copied(results: Path, to: Path) -> Path:
    """Copy results, as another run makes the same."""
    shutil.copytree(results, to)
    return to


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of a JSON product in place."""
    content = json.loads(file.read_text(encoding="ascii"))
    change(content)
    file.write_text(json.dumps(content), encoding="ascii")


def set_area(results: Path, factor: float, alert: int = 0, superevent: str = EVENT) -> None:
    """Multiply the 90 % area of an alert's map."""

    def change(content: dict[str, Any]) -> None:
        content["alerts"][alert]["skymaps"][0]["area_90_deg2"] *= factor

    edit(results / superevent / "localization.json", change)

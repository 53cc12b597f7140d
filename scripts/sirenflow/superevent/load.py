"""What a rule reads of the products of those before: a superevent's state, and its sky maps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sirenflow.errors import SkymapError
from sirenflow.products.event import EventSummary, SkymapSummary
from sirenflow.skymap.skymap import Skymap, read_skymap
from sirenflow.superevent.summarize import summarize_event


def load_json(path: Path) -> Mapping[str, Any]:
    """Read a JSON product."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def load_summary(
    alerts: Path,
    localization: Path,
    regions: Path | None = None,
    config_sha256: str | None = None,
    unreadable: Mapping[str, Any] | None = None,
) -> EventSummary:
    """Summarize a superevent, as `summarize_event`, from its products.

    Parameters
    ----------
    alerts, localization, regions
        alerts.json, localization.json, and regions.json where lobes and comparisons are needed.
    config_sha256
        Digest of what the configuration says about products.
    unreadable
        Messages that claim to be about the superevent and could not be read.
    """
    return summarize_event(
        load_json(alerts),
        load_json(localization),
        load_json(regions) if regions else None,
        config_sha256,
        unreadable,
    )


def read_trusted(skymaps: Path, skymap: SkymapSummary) -> Skymap | None:
    """Read a map whose numbers can be trusted; None for any other.

    A file is None too that is no map any more: localization.json is where a bad map gets its
    reason, and no rule after it fails for one. A file that is not there is an error.

    Parameters
    ----------
    skymaps
        The superevent's directory of sky maps. Nothing outside of it is read, whatever the name.
    skymap
        What localization.json says of the map.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if not skymap.is_trusted or skymap.file is None or Path(skymap.file).name != skymap.file:
        return None
    try:
        return read_skymap((skymaps / skymap.file).read_bytes())
    except SkymapError:
        return None

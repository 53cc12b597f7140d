"""An alert and a sky map that are known to be good, read and measured; no file is written."""

from __future__ import annotations

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.known_good import ALERT, sky_map
from sirenflow.skymap.measurements import measure
from sirenflow.skymap.skymap import read_skymap


def self_check() -> None:
    """Do what `extract` does with an alert; any error is one of the machine."""
    parse_alert(ALERT)
    measure(read_skymap(sky_map()), (50, 90))

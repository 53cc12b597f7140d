"""An alert and a sky map that are known to be good, read and measured; no file is written."""

from sirenflow.alerts.alert import parse_alert
from sirenflow.alerts.self_test_inputs import SELF_TEST_ALERT, self_test_skymap
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import read_skymap


def self_check() -> None:
    """Do what `extract` does with an alert; any error is one of the machine."""
    parse_alert(SELF_TEST_ALERT)
    measure_skymap(read_skymap(self_test_skymap()), (50, 90))

"""A superevent's state and its sky maps, from the products of earlier stages."""

from pathlib import Path

from sirenflow.errors import SkymapError
from sirenflow.products.alerts import Alerts
from sirenflow.products.base import load_product
from sirenflow.products.event import Superevent
from sirenflow.products.localization import Localization
from sirenflow.products.skymap import SkymapNumbers
from sirenflow.skymap.skymap import Skymap, read_skymap
from sirenflow.superevent.summarize import summarize_superevent


def load_superevent(alerts: Path, localization: Path) -> Superevent:
    """Load the state of a superevent from alerts.json and localization.json.

    Raises
    ------
    SirenflowError
        If one of them does not match its model.
    """
    return summarize_superevent(
        load_product(alerts, Alerts), load_product(localization, Localization)
    )


def load_usable_skymap(skymaps: Path, skymap: SkymapNumbers) -> Skymap | None:
    """Read a map whose numbers are usable; None for any other.

    A file that was damaged later also gives None: localization.json has the reason for a bad
    map, and no later rule fails because of one. A missing file is an error.

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
    if not skymap.is_usable or skymap.file is None or Path(skymap.file).name != skymap.file:
        return None
    try:
        return read_skymap((skymaps / skymap.file).read_bytes())
    except SkymapError:
        return None

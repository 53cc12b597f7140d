"""A superevent's state and its sky maps, from the products of earlier stages."""

from functools import cached_property
from pathlib import Path

from sirenflow.errors import SkymapError
from sirenflow.products.alerts import Alerts
from sirenflow.products.base import load_product
from sirenflow.products.event import Superevent
from sirenflow.products.localization import Localization
from sirenflow.products.skymap import SkymapNumbers
from sirenflow.skymap.skymap import Skymap, read_skymap
from sirenflow.superevent.summarize import summarize_superevent

# Of all maps that are held: some 30 MB, with what is derived from them.
_HELD_ROWS = 200_000


class SupereventReader:
    """Reads what `extract` wrote of one superevent; what is needed again is read once."""

    def __init__(self, alerts: Path, localization: Path, skymaps: Path) -> None:
        self._alerts = alerts
        self._localization = localization
        self.skymaps = skymaps
        self._held: dict[str, Skymap | None] = {}

    @cached_property
    def alerts(self) -> Alerts:
        """Content of alerts.json."""
        return load_product(self._alerts, Alerts)

    @cached_property
    def localization(self) -> Localization:
        """Content of localization.json."""
        return load_product(self._localization, Localization)

    @cached_property
    def summary(self) -> Superevent:
        """State of the superevent."""
        return summarize_superevent(self.alerts, self.localization)

    def read_skymap(self, skymap: SkymapNumbers) -> Skymap | None:
        """Read a map, as `load_usable_skymap`; maps of a few hundred thousand rows are held."""
        key, rows = skymap.sha256 or "", skymap.rows or 0
        if not skymap.is_usable:
            return None
        if key not in self._held:
            while self._held and sum(len(m or ()) for m in self._held.values()) + rows > _HELD_ROWS:
                del self._held[next(iter(self._held))]
            self._held[key] = load_usable_skymap(self.skymaps, skymap)
        return self._held[key]


def load_usable_skymap(skymaps: Path, skymap: SkymapNumbers) -> Skymap | None:
    """Read a map whose numbers are usable; None for any other.

    A file that was damaged later also gives None: localization.json has the reason for a bad map,
    and no later rule fails because of one. A missing file is an error. Raise OSError if the file
    cannot be read.

    Parameters
    ----------
    skymaps
        The superevent's directory of sky maps. Nothing outside of it is read, whatever the name.
    """
    if not skymap.is_usable or skymap.file is None or Path(skymap.file).name != skymap.file:
        return None
    try:
        return read_skymap((skymaps / skymap.file).read_bytes())
    except SkymapError:
        return None

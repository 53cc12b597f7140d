"""The public interface for notebooks and scripts; all names are also in `sirenflow`.

>>> import sirenflow
>>> alert = sirenflow.read_alert("samples/MS260418b-05-update.avro")
>>> alert.superevent_id, alert.alert_type
('MS260418b', 'UPDATE')
>>> skymap = sirenflow.read_skymap(alert.maps[0].data)
>>> round(sirenflow.credible_area_deg2(skymap, 0.9), 1)
39.9

Anything else in the package may change with each version.
"""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from sirenflow.alerts.alert import Alert, parse_alert
from sirenflow.comparison.differences import SupereventComparison
from sirenflow.comparison.superevents import compare_superevent, superevents_of_results
from sirenflow.crossmatch.positions import CrossmatchResult, crossmatch
from sirenflow.errors import AlertError, SkymapError
from sirenflow.skymap import skymap as skymaps
from sirenflow.skymap.credible_area import credible_areas
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.regions.credible_region import credible_region
from sirenflow.skymap.skymap import Skymap

__all__ = [
    "AlertError",
    "SkymapError",
    "compare_results",
    "credible_area_deg2",
    "credible_region",
    "crossmatch_positions",
    "measure_skymap",
    "read_alert",
    "read_skymap",
]

Source = str | PathLike[str] | bytes
"""A file's path, or its bytes."""


def read_alert(source: Source) -> Alert:
    """Read an alert, in Avro or in GCN's JSON.

    Parameters
    ----------
    source
        Path of a file, or its bytes.

    Returns
    -------
    Alert
        Its key, all that was sent as `Alert.sent`, and its sky maps as `Alert.maps`.

    Raises
    ------
    AlertError
        If it is not one alert; the message is the reason.
    OSError
        If the file cannot be read.
    """
    return parse_alert(_content(source))


def read_skymap(source: Source) -> Skymap:
    """Read a multi-order sky map, a FITS file.

    Parameters
    ----------
    source
        Path of a file, or its bytes, such as the ``data`` of one of `Alert.maps`.

    Returns
    -------
    Skymap
        Arrays of one row per HEALPix cell: `Skymap.uniq`, `Skymap.probdensity` (1/sr), and
        distances (Mpc) if the map has them.

    Raises
    ------
    SkymapError
        If it is not such a map, or its values are not those of a probability.
    OSError
        If the file cannot be read.
    """
    return skymaps.read_skymap(_content(source))


def credible_area_deg2(skymap: Skymap, level: float) -> float:
    """Return the area of the smallest region with a probability from 0 to 1, in deg2."""
    return float(credible_areas(skymap, [level])[0])


def crossmatch_positions(
    skymap: Skymap,
    ra_deg: ArrayLike,
    dec_deg: ArrayLike,
    distance_mpc: ArrayLike | None = None,
) -> CrossmatchResult:
    """Find the credible levels and the probability density at positions in a map.

    Parameters
    ----------
    skymap
        The map.
    ra_deg, dec_deg : (n,)
        ICRS, deg.
    distance_mpc : (n,), optional
        Luminosity distances, Mpc; NaN where unknown.

    Returns
    -------
    CrossmatchResult
        Arrays of n values, on the sky and, where the distance is known, in space.
    """
    ra, dec = np.broadcast_arrays(
        np.atleast_1d(np.asarray(ra_deg, dtype=np.float64)), np.asarray(dec_deg, dtype=np.float64)
    )
    distance = np.asarray(np.nan if distance_mpc is None else distance_mpc, dtype=np.float64)
    return crossmatch(skymap, ra, dec, np.broadcast_to(distance, ra.shape))


def compare_results(
    old: str | PathLike[str], new: str | PathLike[str]
) -> Iterator[SupereventComparison]:
    """Compare two directories of results, as `sirenflow compare` does.

    Yields
    ------
    SupereventComparison
        The values that differ, of one superevent that both have.

    Raises
    ------
    SirenflowError
        If a directory has no results.
    """
    both = superevents_of_results(Path(old)) & superevents_of_results(Path(new))
    for superevent in sorted(both):
        yield compare_superevent(Path(old, superevent), Path(new, superevent))


def _content(source: Source) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()

"""One alert in words, as the user guide's sample code prints it."""

from pprint import pformat
from typing import Any

from sirenflow.alerts.alert import Alert, AttachedMap
from sirenflow.alerts.alert_type import RETRACTION
from sirenflow.errors import SkymapError
from sirenflow.skymap.skymap import peak, read_skymap

_OF_MAP = {"gw": "", "combined": " of the combined sky map"}


def describe(alert: Alert) -> str:
    """Write the most probable position, the distance and the record of an alert.

    Return lines of the form that the sample code of the LIGO/Virgo/KAGRA Public Alerts User Guide
    prints; a plain word where the alert has no such thing.
    """
    lines = [line for attached in alert.maps for line in _describe_map(attached)]
    if not alert.maps:
        lines = ["No sky map"]
    if alert.alert_type == RETRACTION:
        lines = [f"{alert.superevent_id} was retracted"]
    return "\n".join([*lines, "Record:", pformat(_without_maps(alert.record))])


def _describe_map(attached: AttachedMap) -> list[str]:
    which = _OF_MAP[attached.kind]
    if attached.error is not None:
        return [f"No position or distance{which}: {attached.error}"]
    try:
        skymap = read_skymap(attached.data)
    except SkymapError as error:
        return [f"No position or distance{which}: {error}"]
    top = peak(skymap)
    lines = [f"Most probable sky location{which} (RA, Dec) = ({top.ra_deg}, {top.dec_deg})"]
    mean, std = skymap.card_number("DISTMEAN"), skymap.card_number("DISTSTD")
    if mean is None or std is None:
        return [*lines, f"Distance{which}: not provided"]
    return [*lines, f"Distance{which} = {mean} +/- {std}"]


def _without_maps(record: dict[str, Any]) -> dict[str, Any]:
    """Leave the maps' hashes out, as the sample code takes the maps out."""
    places = {"event": "skymap", "external_coinc": "combined_skymap"}
    return {
        name: {key: item for key, item in value.items() if key != places.get(name)}
        if isinstance(value, dict)
        else value
        for name, value in record.items()
    }

"""Model of localization.json."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    NonNegative,
    Number,
    Record,
    SupereventProduct,
    UtcTime,
    described,
)
from sirenflow.products.skymap import SkymapNumbers

_VOLUME = (
    "Volume of the {} % credible region: the smallest that holds the probability, Euclidean in "
    "luminosity distance; the comoving volume is smaller"
)


class LocalizedMap(SkymapNumbers, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A sky map and its measurements.

    Credible levels that are configured in addition to 50 and 90 % give further keys:
    ``area_95_deg2``, ``volume_95_mpc3``.
    """

    instruments: Annotated[str | None, described("INSTRUME of the map's header")] = None
    level_min: Annotated[int | None, described("HEALPix level of the largest pixels")] = None
    level_max: Annotated[int | None, described("HEALPix level of the smallest pixels")] = None
    peak_probdensity_per_sr: Annotated[
        NonNegative | None, described("Greatest probability density", "sr-1")
    ] = None
    volume_50_mpc3: Annotated[
        NonNegative | None,
        described(_VOLUME.format(50), "Mpc3"),
    ] = None
    volume_90_mpc3: Annotated[
        NonNegative | None,
        described(_VOLUME.format(90), "Mpc3"),
    ] = None
    volume_absent_because: Annotated[str | None, described("Why there is no volume")] = None


class LocalizedAlert(Record, frozen=True, kw_only=True):
    """The sky maps of one readable alert."""

    number: Annotated[Number, described("Number of the alert")]
    alert_type: Annotated[str | None, described("Type of the alert")] = None
    time_created: Annotated[UtcTime | None, described("When the alert was created, UTC")] = None
    sha256: Annotated[str | None, described("SHA-256 of the alert's bytes")] = None
    no_skymap_reason: Annotated[str | None, described("Why there is no map")] = None
    skymaps: Annotated[
        tuple[LocalizedMap, ...],
        described("Its maps: GW, and combined with an external event", maxItems=2),
    ] = ()


class Localization(SupereventProduct, frozen=True, kw_only=True):
    """Content of localization.json: what is measured on each sky map of a superevent."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    alerts: Annotated[tuple[LocalizedAlert, ...], described("Readable alerts in their order")] = ()

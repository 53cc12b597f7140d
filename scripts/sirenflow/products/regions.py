"""Model of regions.json."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    Latitude,
    NonNegative,
    Number,
    Probability,
    Record,
    RightAscension,
    Separation,
    SupereventProduct,
    described,
)
from sirenflow.products.skymap import MapKind


class Lobe(Record, frozen=True):
    """A connected part of a credible region; pixels that share a side or a corner are connected."""

    probability: Annotated[Probability, described("Probability of the part")]
    area_deg2: Annotated[NonNegative, described("Area", "deg2")]
    ra_deg: Annotated[
        RightAscension,
        described(
            "Right ascension (ICRS) of its centre: the probability-weighted mean direction or, "
            "where that lies outside of the part, the middle of its densest pixel",
            "deg",
        ),
    ]
    dec_deg: Annotated[Latitude, described("Declination (ICRS) of its centre", "deg")]
    radius_deg: Annotated[
        Separation,
        described("Angle from the centre within which all of the part lies", "deg"),
    ]


class NamedLobe(Lobe, frozen=True):
    """A connected part of the 90 % credible region."""

    constellation: Annotated[
        str, described("IAU name of the constellation that the centre lies in")
    ]


class RegionFiles(Record, frozen=True):
    """Names of files in regions/; a map that came before has those of the first time."""

    moc_50: Annotated[str, described("MOC of the 50 % credible region, FITS")]
    moc_90: Annotated[str, described("MOC of the 90 % credible region, FITS")]
    contours: Annotated[str, described("Contours of both, GeoJSON")]
    ds9: Annotated[str, described("Contours of both, DS9 regions")]


class MapComparison(Record, frozen=True):
    """A sky map (new) against an earlier one (old)."""

    number: Annotated[Number, described("Number of the alert with the old map")]
    identical: Annotated[bool, described("Whether both are the same bytes")]
    peak_shift_deg: Annotated[Separation, described("Angle between the peaks", "deg")]
    area_50_ratio: Annotated[NonNegative, described("Area of the 50 % region, new over old")]
    area_90_ratio: Annotated[NonNegative, described("Area of the 90 % region, new over old")]
    overlap_90_deg2: Annotated[NonNegative, described("Area in both 90 % regions", "deg2")]
    overlap_90_of_new: Annotated[
        Probability, described("Share of the new 90 % region's area that the old one covers")
    ]
    overlap_90_of_old: Annotated[
        Probability, described("Share of the old 90 % region's area that the new one covers")
    ]
    probability_in_old_50: Annotated[
        Probability, described("Probability of the new map in the old 50 % region")
    ]
    probability_in_old_90: Annotated[
        Probability,
        described(
            "Probability of the new map in the old 90 % region; were the old map right, 0.9 on "
            "average"
        ),
    ]
    distance_shift_sigma: Annotated[
        float | None,
        described("New DISTMEAN less the old one, in old DISTSTD; null without a distance"),
    ]


class MapRegions(Record, frozen=True, kw_only=True):
    """The regions of one sky map."""

    kind: Annotated[MapKind, described("gw, or combined with an external event")]
    sha256: Annotated[str, described("SHA-256 of the map's bytes")]
    files: Annotated[RegionFiles, described("Files made from the map")]
    lobes_90: Annotated[
        tuple[NamedLobe, ...],
        described("Parts of the 90 % region, most probable first", minItems=1, maxItems=20),
    ]
    lobes_90_count: Annotated[Number, described("How many parts there are")]


class AlertRegions(Record, frozen=True, kw_only=True):
    """The regions of one alert's maps, and how the maps differ from others."""

    number: Annotated[Number, described("Number of the alert")]
    maps: Annotated[
        tuple[MapRegions, ...], described("Its maps with usable numbers", maxItems=2)
    ] = ()
    since_previous: Annotated[
        MapComparison | None, described("The GW map against the newest earlier one")
    ] = None
    since_first: Annotated[
        MapComparison | None,
        described("The GW map against the first one, where that is not the newest earlier one"),
    ] = None
    combined_with_gw: Annotated[
        MapComparison | None,
        described(
            "The combined map against the GW map of the same alert or, where that is absent or "
            "not usable, the newest usable one before it"
        ),
    ] = None


class Regions(SupereventProduct, frozen=True, kw_only=True):
    """Content of regions.json: credible regions of each sky map, and how the maps differ."""

    schema_version: Annotated[Literal[1], described("Version of this schema")] = 1
    alerts: Annotated[tuple[AlertRegions, ...], described("Readable alerts in their order")] = ()

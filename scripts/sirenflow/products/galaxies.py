"""Model of galaxies.json."""

from typing import Annotated, Literal

from sirenflow.products.base import (
    Count,
    Latitude,
    NonNegative,
    Number,
    Probability,
    Record,
    RightAscension,
    SupereventProduct,
    described,
)
from sirenflow.products.source_tables import RowProblem


class RankedGalaxy(Record, frozen=True, kw_only=True):
    """A probable host galaxy."""

    rank: Annotated[Number, described("1 is the highest score")]
    name: Annotated[str | None, described("Name as in the catalogue, cleaned")]
    ra_deg: Annotated[RightAscension, described("Right ascension (ICRS)", "deg")]
    dec_deg: Annotated[Latitude, described("Declination (ICRS)", "deg")]
    distance_mpc: Annotated[NonNegative, described("Luminosity distance", "Mpc")]
    weight: Annotated[NonNegative, described("As in the catalogue; 1 where it has none")]
    credible_level: Annotated[
        Probability, described("Probability of all places on the sky that are as dense or denser")
    ]
    credible_level_3d: Annotated[
        Probability, described("Probability of all denser places in space")
    ]
    probability_per_mpc3: Annotated[NonNegative, described("Probability density in space", "Mpc-3")]
    score: Annotated[
        Probability, described("Share of density times weight, of all compatible galaxies")
    ]
    cumulative_score: Annotated[
        NonNegative, described("Sum of the scores down to this galaxy", maximum=1.000001)
    ]


class Galaxies(SupereventProduct, frozen=True, kw_only=True):
    """Content of galaxies.json: probable host galaxies of one superevent."""

    schema_version: Annotated[Literal[2], described("Version of this schema")] = 2
    alert_number: Annotated[
        Number | None, described("Number of the alert whose sky map is used; null without one")
    ]
    catalogue: Annotated[str, described("Name of the catalogue")]
    completeness: Annotated[str | None, described("How complete it is, as its authors state")]
    galaxies_in_catalogue: Annotated[Count, described("Galaxies that are usable")]
    problems_of_catalogue: Annotated[
        tuple[RowProblem, ...], described("What was wrong with rows, the most frequent first")
    ]
    compatible_level: Annotated[
        Probability, described("Credible level in space within which a galaxy is compatible")
    ]
    compatible: Annotated[
        Count | None, described("How many galaxies are compatible; null where not ranked")
    ]
    listed: Annotated[Count, described("How many galaxies galaxies.ecsv lists")]
    absence_reason: Annotated[str | None, described("Why no galaxy is listed")]
    galaxies: Annotated[
        tuple[RankedGalaxy, ...], described("The first of those listed", maxItems=20)
    ] = ()

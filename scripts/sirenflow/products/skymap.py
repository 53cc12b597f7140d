"""Keys of a sky map that localization.json and event.json share."""

from typing import Annotated, Literal

from sirenflow.products.base import Latitude, NonNegative, Record, RightAscension, described

MapKind = Literal["gw", "combined"]

# Below this probability with a distance, percentiles of the remainder mislead.
LEAST_PROBABILITY_WITH_DISTANCE = 0.99

_AREA = (
    "Area of the {} % credible region: the smallest that holds the probability; of the row that "
    "crosses the level, the fraction needed counts, as in ligo.skymap"
)
_PERCENTILE = "{} % point of the luminosity distance, marginalized over the sky"


class SkymapNumbers(Record, frozen=True, kw_only=True):
    """A sky map as sent, and what is measured on it."""

    kind: Annotated[MapKind, described("gw, or combined with an external event")]
    file: Annotated[
        str | None, described("Name in skymaps/; null where the bytes are not a sky map")
    ] = None
    sha256: Annotated[str | None, described("SHA-256 of the map's bytes")] = None
    size_bytes: Annotated[int | None, described("Size as sent", "byte")] = None
    creator: Annotated[str | None, described("CREATOR of the map's header")] = None
    rejection_reason: Annotated[str | None, described("Why the bytes are not a sky map")] = None
    not_measured_reason: Annotated[
        str | None,
        described("Which rule the map breaks that its numbers depend on; it is delivered as sent"),
    ] = None
    rows: Annotated[int | None, described("Rows of the multi-order table")] = None
    peak_ra_deg: Annotated[
        RightAscension | None,
        described(
            "Right ascension (ICRS) of the peak: the centre of the first row of greatest "
            "PROBDENSITY; a pixel, not a measured position",
            "deg",
        ),
    ] = None
    peak_dec_deg: Annotated[Latitude | None, described("Declination (ICRS) of peak", "deg")] = None
    peak_distance_mean_mpc: Annotated[
        NonNegative | None,
        described("Mean luminosity distance along the line of sight of the peak", "Mpc"),
    ] = None
    peak_distance_std_mpc: Annotated[
        NonNegative | None,
        described("Standard deviation of the luminosity distance at the peak", "Mpc"),
    ] = None
    area_50_deg2: Annotated[NonNegative | None, described(_AREA.format(50), "deg2")] = None
    area_90_deg2: Annotated[NonNegative | None, described(_AREA.format(90), "deg2")] = None
    distance_absent_because: Annotated[
        str | None, described("Why the map has no distance, or its header none")
    ] = None
    probability_with_distance: Annotated[
        NonNegative | None,
        described(
            "Probability in pixels that have a distance; below 0.99, marginal mean, deviation and "
            "percentiles are of that part only"
        ),
    ] = None
    distance_mean_mpc: Annotated[
        float | None, described("DISTMEAN of the header: mean luminosity distance", "Mpc")
    ] = None
    distance_std_mpc: Annotated[
        float | None, described("DISTSTD of the header: its standard deviation", "Mpc")
    ] = None
    distance_marginal_mean_mpc: Annotated[
        float | None,
        described(
            "Mean of the luminosity distance, marginalized over the sky (Singer et al. 2016)", "Mpc"
        ),
    ] = None
    distance_marginal_std_mpc: Annotated[
        float | None,
        described(
            "Standard deviation of the luminosity distance, marginalized over the sky", "Mpc"
        ),
    ] = None
    distance_p05_mpc: Annotated[float | None, described(_PERCENTILE.format(5), "Mpc")] = None
    distance_p50_mpc: Annotated[float | None, described(_PERCENTILE.format(50), "Mpc")] = None
    distance_p95_mpc: Annotated[float | None, described(_PERCENTILE.format(95), "Mpc")] = None

    @property
    def is_usable(self) -> bool:
        """Whether the map may be drawn and its numbers shown."""
        return not (self.file is None or self.rejection_reason or self.not_measured_reason)

    @property
    def is_distance_partial(self) -> bool:
        """Whether part of the probability has no distance, so that percentiles mislead."""
        part = self.probability_with_distance
        return part is not None and 0 < part < LEAST_PROBABILITY_WITH_DISTANCE

    @property
    def has_percentiles(self) -> bool:
        """Whether the percentiles are all known and may be shown."""
        percentiles = (self.distance_p05_mpc, self.distance_p50_mpc, self.distance_p95_mpc)
        return None not in percentiles and not self.is_distance_partial

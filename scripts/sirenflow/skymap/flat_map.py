"""Flat sky maps: all pixels of one HEALPix level, for tools that do not read multi-order maps.

Probability is a sum, and is summed. The distance parameters are no sums: the mean of two DISTMU is
not the DISTMU of both. Where a pixel takes in several rows, the mean and the mean square of their
distances are averaged, weighted with probability, and the parameters are those of the ansatz with
these two moments (Singer et al. 2016, ApJS 226 10, section 5). The distance's mean and standard
deviation over the whole sky are thus those of the multi-order map.

ligo.skymap has the same (`moc.rasterize`, `distance.moments_to_parameters`; a test has its numbers)
and depends on scipy, healpy and matplotlib. No dependency of Sirenflow resamples a multi-order map.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sirenflow.formats.fits_file import fits_headers, table_cards
from sirenflow.skymap.distance.line_of_sight import conditional_moments, usable_moments
from sirenflow.skymap.skymap import (
    MAX_LEVEL,
    SPHERE_SR,
    Floats,
    Ints,
    Skymap,
    cell_area_sr,
    leaves_of_level,
)

# mu / sigma of the broadest distribution that the ansatz is used for; its mean is 1.736 standard
# deviations, and sqrt(3) is the least of all. Of a broader mixture the mean is kept.
_BROADEST = -30.0
_TABLE_END = 60.0
_DISTANCE_COLUMNS = ("DISTMU", "DISTSIGMA", "DISTNORM")
_UNITS = dict(zip(("PROB", *_DISTANCE_COLUMNS), ("pix-1", "Mpc", "Mpc", "Mpc-2"), strict=True))
_KEPT_TEXTS = ("REFERENC", "INSTRUME", "DATE-OBS", "ORIGIN", "CREATOR")
_KEPT_NUMBERS = ("MJD-OBS", "DISTMEAN", "DISTSTD")


class DistanceParameters(NamedTuple):
    """DISTMU, DISTSIGMA (Mpc), DISTNORM (1/Mpc2), (n,) each; DISTMU is infinite where unknown."""

    mu: Floats
    sigma: Floats
    norm: Floats


class FlatMap:
    """A map at one HEALPix level, made piece by piece: as a whole it may not fit into memory.

    `nside`, a power of two, is that of the pixels.
    """

    def __init__(self, skymap: Skymap, nside: int) -> None:
        self.nside = nside
        self.level = nside.bit_length() - 1
        self.pixels = 12 * nside**2
        order = skymap.along_curve
        self._first_leaf, self._row_level = skymap.first_leaf[order], skymap.level[order]
        self._probdensity, self._probability = skymap.probdensity[order], skymap.probability[order]
        self._distances = None
        self._has_distance = np.zeros(len(order), dtype=bool)
        self._mean, self._mean_square = np.zeros((2, len(order)))
        columns = (skymap.distmu, skymap.distsigma, skymap.distnorm)
        sorted_columns = [column[order] for column in columns if column is not None]
        if sorted_columns:
            self._distances = DistanceParameters(*sorted_columns)
            has_distance, moments = usable_moments(*self._distances)
            self._has_distance = has_distance
            self._mean[has_distance] = moments.mean
            self._mean_square[has_distance] = moments.mean_square

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A row of the table: PROB and, if the map has distances, their three parameters."""
        names = list(_UNITS) if self._distances else ["PROB"]
        return np.dtype([(name, ">f8") for name in names])

    def piece(self, start: int, stop: int) -> NDArray[np.void]:
        """Make the pixels from `start` to before `stop`, in nested order."""
        bits = 2 * (MAX_LEVEL - self.level)
        begin, end = start << bits, stop << bits
        first = int(np.searchsorted(self._first_leaf, begin, side="right")) - 1
        last = int(np.searchsorted(self._first_leaf, end, side="left"))
        inside = np.arange(first, last)
        table = np.zeros(stop - start, self.dtype)
        is_fine = self._row_level[inside] > self.level
        fine, coarse = inside[is_fine], inside[~is_fine]
        pixel = (self._first_leaf[fine] >> bits) - start
        joined = np.zeros(len(table), dtype=bool)
        joined[pixel] = True
        row_first = np.maximum(self._first_leaf[coarse], begin)
        row_end = self._first_leaf[coarse] + leaves_of_level(self._row_level[coarse])
        # Rows and pixels are both in order: what is not joined is taken from the next coarse row.
        row = np.repeat(coarse, (np.minimum(row_end, end) - row_first) >> bits)
        table["PROB"][~joined] = self._probdensity[row] * (SPHERE_SR / self.pixels)
        table["PROB"] += np.bincount(pixel, self._probability[fine], minlength=len(table))
        if self._distances is not None:
            mixed = self._mixed_distances(fine, pixel, len(table))
            for name, sent, new in zip(_DISTANCE_COLUMNS, self._distances, mixed, strict=True):
                table[name][~joined] = sent[row]
                table[name][joined] = new[joined]
        return table

    def _mixed_distances(self, fine: Ints, pixel: Ints, pixels: int) -> DistanceParameters:
        """Return the distance parameters of pixels that take in several rows."""
        kept = self._has_distance[fine]
        fine, pixel = fine[kept], pixel[kept]
        weight = self._probability[fine]
        # A pixel without probability still has a direction, and lines of sight in it.
        empty = np.bincount(pixel, weight, minlength=pixels)[pixel] <= 0
        weight = np.where(empty, cell_area_sr(self._row_level[fine]), weight)
        total = np.bincount(pixel, weight, minlength=pixels)
        row_mean = self._mean[fine]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(pixel, weight * row_mean, minlength=pixels) / total
            # About the pixel's mean, so that no digits are lost.
            spread = self._mean_square[fine] - row_mean**2 + (row_mean - mean[pixel]) ** 2
            variance = np.bincount(pixel, weight * spread, minlength=pixels) / total
        return moments_to_distances(mean, np.sqrt(np.maximum(variance, 0)))


def moments_to_distances(mean: Floats, std: Floats) -> DistanceParameters:
    """Find the parameters of the ansatz whose distance has a mean and a standard deviation (n,).

    Both are in Mpc, not finite where there is no distance. Their ratio depends on mu / sigma alone,
    and grows with it; the equation is solved by Newton's method, started from a table. No ratio is
    below sqrt(3): of a broader distribution the mean is kept. The inverse of
    `sirenflow.skymap.distance.line_of_sight.conditional_moments`.
    """
    table_x, table_ratio, table_slope = _ratio_table()
    known = np.isfinite(mean) & (mean > 0)
    target = np.full(len(mean), 1e6)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(mean, std, out=target, where=known & (std > 1e-6 * mean))
    target = np.maximum(target, table_ratio[0])
    # Far above the table the ratio is x + 3 / x.
    far = (target + np.sqrt(np.maximum(target**2 - 12, 0))) / 2
    x = np.where(target < table_ratio[-1], np.interp(target, table_ratio, table_x), far)
    for _ in range(4):
        slope = np.interp(x, table_x, table_slope)
        x = np.maximum(x - (_mean_over_std(x) - target) / slope, _BROADEST)
    with np.errstate(divide="ignore"):
        unit = conditional_moments(x, np.ones(len(x)))
    sigma = np.where(known, mean, 1.0) / unit.mean
    return DistanceParameters(
        mu=np.where(known, x * sigma, np.inf),
        sigma=np.where(known, sigma, 1.0),
        norm=np.where(known, 1 / (sigma * sigma * unit.norm), 0.0),
    )


@cache
def _ratio_table() -> tuple[Floats, Floats, Floats]:
    x = np.linspace(_BROADEST, _TABLE_END, 4001)
    ratio = _mean_over_std(x)
    return x, ratio, np.gradient(ratio, x)


def _mean_over_std(x: Floats) -> Floats:
    """(n,) mean distance in standard deviations, at each mu / sigma."""
    with np.errstate(divide="ignore"):  # 1 / x^2 at x = 0, where it is not used
        moments = conditional_moments(x, np.ones(len(x)))
        mean = moments.mean
        # Above the table the difference of the squares loses digits; its series does not.
        variance = np.where(x > _TABLE_END, 1 - 2 / x**2, moments.mean_square - mean**2)
    ratio: Floats = mean / np.sqrt(variance)
    return ratio


def flat_header(flat: FlatMap, skymap: Skymap, superevent_id: str, retracted: bool) -> bytes:
    """Write both headers of a FITS file with a flat map, as those of ligo.skymap.

    Pixels are in nested order, as in the flat maps of the field; tools read that off ORDERING.
    """
    cards = table_cards(flat.dtype, flat.pixels, _UNITS)
    cards += [
        ("PIXTYPE", "HEALPIX", "HEALPIX pixelisation"),
        ("ORDERING", "NESTED", "pixel ordering scheme"),
        ("COORDSYS", "C", "ICRS: equatorial coordinates"),
        ("NSIDE", flat.nside, "resolution parameter of HEALPIX"),
        ("FIRSTPIX", 0, "first pixel (0 based)"),
        ("LASTPIX", flat.pixels - 1, "last pixel (0 based)"),
        ("INDXSCHM", "IMPLICIT", "indexing: IMPLICIT or EXPLICIT"),
        ("OBJECT", superevent_id, "superevent"),
        ("RETRACTD", retracted, "superevent is retracted"),
    ]
    texts = {keyword: skymap.card_text(keyword) for keyword in _KEPT_TEXTS}
    cards += [(key, _card_text(text), "as sent") for key, text in texts.items() if text]
    numbers = {keyword: skymap.card_number(keyword) for keyword in _KEPT_NUMBERS}
    cards += [(key, number, "as sent") for key, number in numbers.items() if number is not None]
    return fits_headers(cards)


def _card_text(text: str) -> str:
    """Keep what a FITS card may hold, and no more than fits into one."""
    return "".join(letter for letter in text if " " <= letter <= "~")[:60]

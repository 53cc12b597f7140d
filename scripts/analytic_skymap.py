"""Sky maps of analytic posteriors, in the format of the field's own.

The posterior
-------------
Each sky map samples an analytic posterior over direction n and luminosity distance r, that of a toy
network which measured a source at a known place. With detectors i at x_i, of which n demands the
arrival times t_i = -n.x_i/c and the amplitudes F_i(n) = (F+^2 + Fx^2)^(1/2):

- misfit(n) = sum_i [(t_i(n) - t_i(source) - mean) / sigma_t]^2
  + sum_i [(ln F_i(n) - ln F_i(source) - mean) / sigma_F]^2,
  where sigma_t = 1 / (2 pi SNR_i bandwidth) (Fairhurst 2009, New J. Phys. 11, 123006).
  Two detectors give a ring that the amplitudes cut into bananas, three give a patch.
- p(n) ~ [exp(-misfit/2) + exp(-20)] F(n)^3, F^2 = sum_i F_i^2: sources fill space evenly and are
  selected by amplitude.
- p(r | n) = DISTNORM / (sqrt(2 pi) DISTSIGMA) exp(-(r - DISTMU)^2 / (2 DISTSIGMA^2)) r^2, the
  ansatz of Singer et al. 2016 (ApJL 829, L15); DISTMU and DISTSIGMA (Mpc) follow F(n). Where the
  data exclude n, DISTMU falls below zero and at last the fit is given up: DISTMU = +inf,
  DISTSIGMA = 1, DISTNORM = 0, as in the field's own maps.

Grids imitate those of the field: BAYESTAR's (Singer & Price 2016, PRD 93, 024013) starts from the
3,072 pixels of level 4 and seven times splits the 768 most probable pixels into four: 19,200 rows.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import astropy_healpix as ah
import numpy as np
import numpy.typing as npt
from astropy.io import fits
from scipy.special import ndtr

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


# ---------------------------------------------------------------- detectors and the sky posterior


@dataclass(frozen=True)
class Detector:
    """Earth-fixed position (km) and unit vectors along the arms (LIGO-T980044; Virgo alike)."""

    position_km: tuple[float, float, float]
    x_arm: tuple[float, float, float]
    y_arm: tuple[float, float, float]


DETECTORS = {
    "H1": Detector(
        (-2161.415, -3834.695, 4600.350),
        (-0.223893, 0.799831, 0.556905),
        (-0.913978, 0.026094, -0.404923),
    ),
    "L1": Detector(
        (-74.276, -5496.284, 3224.257),
        (-0.954574, -0.141581, -0.262189),
        (0.297742, -0.487910, -0.820545),
    ),
    "V1": Detector(
        (4546.374, 842.990, 4378.577),
        (-0.700458, 0.208489, 0.682562),
        (-0.053793, -0.969082, 0.240805),
    ),
}
SPEED_OF_LIGHT_KM_S = 299792.458
SIGMA_LOG_AMPLITUDE = 0.25  # the unknown inclination and polarization blur the amplitudes
LOG_PEDESTAL = -20.0  # no direction is ruled out
SIGMAS_TO_ZERO_DISTMU = 30.0  # square root of the misfit at which DISTMU changes sign
LOWEST_DISTMU = -3.0  # in units of DISTSIGMA; below it, the fit is given up


@dataclass(frozen=True)
class Measurement:
    """What a network measured of one source: all that the posterior depends on.

    Attributes
    ----------
    ra_deg, dec_deg
        The source (ICRS, deg), to which the measurement is unbiased.
    distance_mpc, distance_error
        DISTMU in the direction of the source (Mpc), and DISTSIGMA as a fraction of DISTMU there.
    time
        Merger time (ISO 8601, UTC); it turns the Earth.
    instruments
        Keys of `DETECTORS`.
    snr, bandwidth_hz
        Signal-to-noise ratio of the network, and effective bandwidth (Hz).
    """

    ra_deg: float
    dec_deg: float
    distance_mpc: float
    distance_error: float
    time: str
    instruments: tuple[str, ...]
    snr: float
    bandwidth_hz: float


@dataclass(frozen=True)
class ExternalPosition:
    """Round Gaussian localization of an external event: ICRS centre and sigma (deg)."""

    ra_deg: float
    dec_deg: float
    sigma_deg: float
    observatory: str


def unit_vector(ra_deg: float, dec_deg: float) -> FloatArray:
    """Return the unit vector, shape (3,), of a direction."""
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])


def mjd(time: str) -> float:
    """Convert ISO 8601 UTC to a modified Julian date."""
    return (datetime.fromisoformat(time) - datetime(1858, 11, 17, tzinfo=UTC)) / timedelta(days=1)


def to_earth_fixed(n: FloatArray, time: str) -> FloatArray:
    """Turn ICRS vectors, shape (..., 3), by the Earth rotation angle (IAU 2000; no precession)."""
    angle = 2 * math.pi * (0.7790572732640 + 1.00273781191135448 * (mjd(time) - 51544.5))
    c, s = math.cos(angle), math.sin(angle)
    rotation: FloatArray = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return n @ rotation


def expected_signal(m: Measurement, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return arrival times (s) and squared amplitudes F+^2 + Fx^2 of a signal from each direction.

    Parameters
    ----------
    m
        Names the network and the time.
    n
        ICRS unit vectors, shape (..., 3).

    Returns
    -------
    times, amplitudes_squared
        Shape (..., number of detectors).
    """
    earth_n = to_earth_fixed(n, m.time)
    detectors = [DETECTORS[name] for name in m.instruments]
    times = -earth_n @ np.array([d.position_km for d in detectors]).T / SPEED_OF_LIGHT_KM_S
    tensors = [(np.outer(d.x_arm, d.x_arm) - np.outer(d.y_arm, d.y_arm)) / 2 for d in detectors]
    projected = np.stack([earth_n @ tensor for tensor in tensors], axis=-2)  # (..., detector, 3)
    along = (projected * earth_n[..., np.newaxis, :]).sum(axis=-1)
    # Of D's part transverse to n; tr(D^2) = 1/2 for arms at right angles.
    squared = 1 - 4 * (projected**2).sum(axis=-1) + along**2
    return times, np.maximum(squared, 1e-3)  # no direction is quite deaf


@dataclass(frozen=True)
class Posterior:
    """Posterior at N directions: log density (not normalised), DISTMU and DISTSIGMA (Mpc)."""

    log_density: FloatArray
    distmu: FloatArray
    distsigma: FloatArray


def posterior(m: Measurement, n: FloatArray) -> Posterior:
    """Evaluate the posterior that the module's docstring defines at ICRS unit vectors (N, 3)."""
    times, squared = expected_signal(m, n)
    true_times, true_squared = expected_signal(m, unit_vector(m.ra_deg, m.dec_deg))
    snr_each = m.snr / math.sqrt(len(m.instruments))
    sigma_time = 1 / (2 * math.pi * snr_each * m.bandwidth_hz)
    time_errors = (times - true_times) / sigma_time
    amplitude_errors = np.log(squared / true_squared) / 2 / SIGMA_LOG_AMPLITUDE
    # N times the variance over the detectors is the misfit that the unknown mean leaves.
    misfit = len(m.instruments) * (time_errors.var(axis=-1) + amplitude_errors.var(axis=-1))
    reach = np.sqrt(squared.sum(axis=-1) / true_squared.sum())
    distsigma = m.distance_mpc * m.distance_error * reach
    distmu = m.distance_mpc * reach * (1 - np.sqrt(misfit) / SIGMAS_TO_ZERO_DISTMU)
    given_up = distmu < LOWEST_DISTMU * distsigma
    return Posterior(
        log_density=rounded(3 * np.log(reach) + np.logaddexp(-misfit / 2, LOG_PEDESTAL)),
        distmu=rounded(np.where(given_up, np.inf, distmu)),
        distsigma=rounded(np.where(given_up, 1.0, distsigma)),
    )


def rounded(values: FloatArray) -> FloatArray:
    """Round to 20 bits, so that no sample depends on the last bits of a machine's exp."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2**20) / 2**20, exponent)


# ------------------------------------------------------------------------------------------ grids


@dataclass(frozen=True)
class Grid:
    """Pixels that tile the sphere: HEALPix level and NESTED index, both of shape (N,)."""

    level: IntArray
    ipix: IntArray

    @property
    def uniq(self) -> IntArray:
        """UNIQ number of each pixel."""
        return 4 ** (self.level + 1) + self.ipix

    @property
    def area_sr(self) -> FloatArray:
        """Area of each pixel (sr)."""
        return np.ldexp(math.pi / 3, -2 * self.level)

    @property
    def directions(self) -> FloatArray:
        """ICRS unit vectors to the pixels' centres, shape (N, 3)."""
        xyz: list[FloatArray] = ah.healpix_to_xyz(self.ipix, 2**self.level, order="nested")
        return np.stack(xyz, axis=-1)

    def take(self, index: npt.NDArray[Any]) -> Grid:
        """Return the pixels that an index or a mask selects."""
        return Grid(self.level[index], self.ipix[index])

    def split(self) -> Grid:
        """Return the four children of every pixel."""
        children = (4 * self.ipix[:, np.newaxis] + np.arange(4)).ravel()
        return Grid(np.repeat(self.level + 1, 4), children)

    def join(self, other: Grid) -> Grid:
        """Return the pixels of both."""
        return Grid(np.append(self.level, other.level), np.append(self.ipix, other.ipix))


LogDensity = Callable[[Grid], FloatArray]


def whole_sky(level: int) -> Grid:
    """Return all pixels of a level."""
    ipix = np.arange(12 * 4**level)
    return Grid(np.full_like(ipix, level), ipix)


def adaptive_grid(log_density: LogDensity, rounds: int) -> Grid:
    """Split the 768 most probable pixels of level 4 and below, `rounds` times (BAYESTAR)."""
    grid = whole_sky(4)
    for _ in range(rounds):
        log_probability = log_density(grid) - grid.level * math.log(4)
        order = np.argsort(log_probability, kind="stable")
        grid = grid.take(order[:-768]).join(grid.take(order[-768:]).split())
    return grid


def merged_grid(log_density: LogDensity, level: int, depth: float) -> Grid:
    """Keep one level where ln density is within `depth` of its peak, and merge the rest (cWB)."""
    finest = log_density(whole_sky(level))
    busy = [finest > finest.max() - depth]
    for _ in range(level):
        busy.insert(0, busy[0].reshape(-1, 4).any(axis=1))
    grid = whole_sky(0).take(~busy[0])
    for fine in range(1, level + 1):
        inside = np.repeat(busy[fine - 1], 4)
        grid = grid.join(whole_sky(fine).take(inside & (~busy[fine] | (fine == level))))
    return grid


# --------------------------------------------------------------------------------------- sky maps


@dataclass(frozen=True)
class Map:
    """A sky map to be made.

    Attributes
    ----------
    measurement
        What the map is the posterior of.
    date
        DATE card (UTC).
    creator
        The program whose format is imitated; it decides grid, columns and cards.
    external
        The event whose position is multiplied in, for a combined map.
    unsigned_uniq
        Store UNIQ as unsigned integers (TZERO = 2^63).
    repeated_card
        Keyword of a card to be written twice.
    """

    measurement: Measurement
    date: str
    creator: Literal["BAYESTAR", "ligo-skymap-from-samples", "CWB"] = "BAYESTAR"
    external: ExternalPosition | None = None
    unsigned_uniq: bool = False
    repeated_card: str | None = None


CWB_LEVEL, CWB_DEPTH = 6, 14.0
Card = tuple[str, Any, str]


def grid_of(sky: Map) -> Grid:
    """Make the map's pixels, in the order in which its creator writes them."""

    def log_density(grid: Grid) -> FloatArray:
        return posterior(sky.measurement, grid.directions).log_density

    if sky.creator == "CWB":
        grid = merged_grid(log_density, CWB_LEVEL, CWB_DEPTH)
    else:
        grid = adaptive_grid(log_density, rounds=7 if sky.creator == "BAYESTAR" else 6)
    # ligo-skymap-from-samples leaves rows as its tree has them: along the sky, not by UNIQ.
    along_sky = grid.ipix << 2 * (29 - grid.level)
    return grid.take(
        np.argsort(along_sky if sky.creator == "ligo-skymap-from-samples" else grid.uniq)
    )


def probability_density(sky: Map, grid: Grid, log_density: FloatArray) -> FloatArray:
    """Exponentiate and normalise to integral 1, after what is peculiar to the map; in 1/sr."""
    if sky.creator == "CWB":
        empty = (grid.level < CWB_LEVEL) | (log_density <= log_density.max() - CWB_DEPTH)
        log_density = np.where(empty, -np.inf, log_density)
    if sky.external is not None:
        towards = unit_vector(sky.external.ra_deg, sky.external.dec_deg)
        angle = np.arccos(np.clip(grid.directions @ towards, -1, 1))
        log_density = log_density - (angle / math.radians(sky.external.sigma_deg)) ** 2 / 2
    density = rounded(np.exp(log_density - log_density.max()))
    return density / math.fsum(density * grid.area_sr)


def radial_integrals(mu: FloatArray, sigma: FloatArray) -> tuple[FloatArray, ...]:
    """Return the integrals over r > 0 of r^k times the normal density, for k = 0 to 4 (Mpc^k)."""
    z = mu / sigma
    integrals = [ndtr(z), mu * ndtr(z) + sigma * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)]
    for k in (2, 3, 4):  # by parts; the boundary term vanishes from k = 2 on
        integrals.append(mu * integrals[k - 1] + (k - 1) * sigma**2 * integrals[k - 2])
    return tuple(integrals)


def distance_norm(values: Posterior) -> FloatArray:
    """Return DISTNORM (Mpc^-2), 0 where the fit was given up."""
    fitted = np.isfinite(values.distmu)
    norm = np.zeros_like(values.distmu)
    norm[fitted] = 1 / radial_integrals(values.distmu[fitted], values.distsigma[fitted])[2]
    return rounded(norm)


def marginal_distance(probability: FloatArray, values: Posterior) -> tuple[float, float]:
    """Return mean and standard deviation (Mpc) of the distance, directions marginalised."""
    fitted = np.isfinite(values.distmu)
    _, _, norm, first, second = radial_integrals(values.distmu[fitted], values.distsigma[fitted])
    weight = probability[fitted] / norm / math.fsum(probability[fitted])
    mean, mean_square = math.fsum(weight * first), math.fsum(weight * second)
    return round(mean, 6), round(math.sqrt(mean_square - mean**2), 6)


def make_fits(sky: Map, superevent_id: str) -> bytes:
    """Make the bytes of a multi-order FITS file."""
    grid = grid_of(sky)
    values = posterior(sky.measurement, grid.directions)
    density = probability_density(sky, grid, values.log_density)
    columns = [_uniq_column(grid, sky), fits.Column("PROBDENSITY", "D", "sr-1", array=density)]
    cards = _cards(sky, superevent_id, int(grid.level.max()))
    if sky.creator != "CWB":
        columns += _distance_columns(values)
        cards += _distance_cards(density * grid.area_sr, values)
    table = fits.BinTableHDU.from_columns(columns)
    for card in cards + [c for c in cards if c[0] == sky.repeated_card]:
        table.header.append(card, end=True)
    for line in _history(sky):
        table.header.add_history(line)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()


def _distance_columns(values: Posterior) -> list[fits.Column]:
    return [
        fits.Column("DISTMU", "D", "Mpc", array=values.distmu),
        fits.Column("DISTSIGMA", "D", "Mpc", array=values.distsigma),
        fits.Column("DISTNORM", "D", "Mpc-2", array=distance_norm(values)),
    ]


def _distance_cards(probability: FloatArray, values: Posterior) -> list[Card]:
    mean, std = marginal_distance(probability, values)
    return [
        ("DISTMEAN", mean, "Posterior mean distance (Mpc)"),
        ("DISTSTD", std, "Posterior standard deviation of distance (Mpc)"),
    ]


def _uniq_column(grid: Grid, sky: Map) -> fits.Column:
    if sky.unsigned_uniq:
        return fits.Column("UNIQ", "K", bzero=2**63, array=grid.uniq.astype(np.uint64))
    return fits.Column("UNIQ", "K", array=grid.uniq)


def _cards(sky: Map, superevent_id: str, finest_level: int) -> list[Card]:
    m, event_id = sky.measurement, f"M{superevent_id[2:8]}"
    names = [*m.instruments, *([sky.external.observatory] if sky.external else [])]
    cards: list[Card] = [
        ("PIXTYPE", "HEALPIX", "HEALPIX pixelisation"),
        ("ORDERING", "NUNIQ", "Pixel ordering scheme: RING, NESTED, or NUNIQ"),
        ("COORDSYS", "C", "Ecliptic, Galactic or Celestial (equatorial)"),
        ("MOCORDER", finest_level, "MOC resolution (best order)"),
        ("INDXSCHM", "EXPLICIT", "Indexing: IMPLICIT or EXPLICIT"),
        ("OBJECT", event_id, "Unique identifier for this event"),
        ("INSTRUME", ",".join(sorted(names)), "Instruments that triggered this event"),
        ("DATE-OBS", m.time.replace("Z", "000"), "UTC date of the observation"),
        ("MJD-OBS", mjd(m.time), "modified Julian date of the observation"),
        ("DATE", sky.date.replace("Z", ".000000"), "UTC date of file creation"),
        ("CREATOR", sky.creator, "Program whose files this mock imitates"),
        ("ORIGIN", "sirenflow samples", "Not an observatory: everything is invented"),
        ("VCSVERS", "make_samples 1", "Software version"),
    ]
    if sky.creator == "BAYESTAR":
        cards += [
            ("REFERENC", f"https://example.org/events/{event_id}", "URL of this event"),
            ("RUNTIME", 2.5, "Runtime in seconds of the CREATOR program"),
            ("LOGBCI", m.snr**2 / 20, "Log Bayes factor: coherent vs. incoherent"),
            ("LOGBSN", m.snr**2 / 2, "Log Bayes factor: signal vs. noise"),
        ]
    return cards


def _history(sky: Map) -> list[str]:
    lines = ["MOCK: an analytic posterior sampled by make_samples.py; no data."]
    if sky.external is not None:
        lines.append(f"The values were reweighted by using data from {sky.external.observatory}")
    return lines

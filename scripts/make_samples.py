"""Write the mock alerts of ``samples/``: every kind of alert a listener meets, all invented.

Run ``python scripts/make_samples.py [DIR]``. The same bytes come out on every run. The script
imports nothing of sirenflow, so that the samples can tell sirenflow when it is wrong.

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

import argparse
import base64
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import astropy_healpix as ah
import fastavro
import numpy as np
import numpy.typing as npt
from astropy.io import fits
from scipy.special import ndtr

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SYNC_MARKER = b"sirenflow-sample"  # Avro's 16 bytes between blocks; random unless given


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


# ----------------------------------------------------------------------------------------- alerts


@dataclass(frozen=True)
class Event:
    """The record's `event`, under the names and in the units of the user guide (far in Hz)."""

    time: str
    far: float
    instruments: tuple[str, ...]
    pipeline: str
    group: str = "CBC"
    search: str = "AllSky"
    significant: bool = True
    classification: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, float] = field(default_factory=dict)
    mchirp_source: Mapping[str, list[float]] | None = None
    duration: float | None = None
    central_frequency: float | None = None
    skymap: Map | None = None


@dataclass(frozen=True)
class Coincidence:
    """The record's `external_coinc`: times in s, rates in Hz."""

    gcn_notice_id: int | str
    ivorn: str
    observatory: str
    search: str
    time_difference: float
    time_coincidence_far: float | None
    time_sky_position_coincidence_far: float | None
    combined_skymap: Map | None = None


Wire = Literal["avro", "avro-2022", "json", "json-2023"]


@dataclass(frozen=True)
class Alert:
    """One message.

    Attributes
    ----------
    alert_type, time_created, event, external_coinc
        As in the record.
    name
        What the file's name says after the alert type.
    wire
        Encoding and schema. JSON of 2023 leaves `combined_skymap` out when there is none.
    unknown
        Keys that no schema knows, added to the record.
    """

    alert_type: str
    time_created: str
    event: Event | None = None
    external_coinc: Coincidence | None = None
    name: str = ""
    wire: Wire = "avro"
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Superevent:
    """A superevent and its alerts in the order of their time."""

    superevent_id: str
    alerts: tuple[Alert, ...]


def to_record(value: Any, superevent_id: str) -> Any:
    """Convert declarations to the record's own types, making the sky maps on the way."""
    if isinstance(value, Map):
        return make_fits(value, superevent_id)
    if isinstance(value, Event | Coincidence):
        return {k: to_record(v, superevent_id) for k, v in vars(value).items()}
    return list(value) if isinstance(value, tuple) else value


def alert_record(alert: Alert, superevent_id: str) -> dict[str, Any]:
    """Make the record of an alert, maps as bytes."""
    record = {
        "alert_type": alert.alert_type,
        "time_created": alert.time_created,
        "superevent_id": superevent_id,
        "event": to_record(alert.event, superevent_id),
        "external_coinc": to_record(alert.external_coinc, superevent_id),
        "urls": {"gracedb": f"https://example.org/superevents/{superevent_id}/view/"},
        **alert.unknown,
    }
    if alert.wire == "json-2023":
        del record["external_coinc"]["combined_skymap"]
    return record


STRINGS = {"type": "array", "items": "string"}
NUMBERS = {"type": "array", "items": "double"}
STRING_BY_NAME = {"type": "map", "values": "string"}
NUMBER_BY_NAME = {"type": "map", "values": "double"}


def _avro_record(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    listed = [{"name": key, "type": kind} for key, kind in fields.items()]
    return {"type": "record", "name": name, "fields": listed}


def writer_schema(alert: Alert) -> dict[str, Any]:
    """Return the Avro schema with the fields of igwn-gwalert-schema 1.3.0, and unknown ones."""
    mchirp = _avro_record("Mchirp", dict.fromkeys(["bin_edges", "probabilities"], NUMBERS))
    event = _avro_record(
        "Event",
        dict.fromkeys(["time", "group", "pipeline", "search"], "string")
        | {"far": "double", "significant": "boolean", "instruments": STRINGS}
        | dict.fromkeys(["classification", "properties"], NUMBER_BY_NAME)
        | {"duration": ["null", "double"], "central_frequency": ["null", "double"]}
        | {"mchirp_source": ["null", mchirp], "skymap": ["null", "bytes"]},
    )
    joint_far = ["time_coincidence_far", "time_sky_position_coincidence_far"]
    coincidence = _avro_record(
        "Coincidence",
        dict.fromkeys(["ivorn", "observatory", "search"], "string")
        | {"gcn_notice_id": ["int", "string"], "time_difference": "double"}
        | {key: ["null", "double"] for key in joint_far}
        | {"combined_skymap": ["null", "bytes"]},
    )
    types = ["EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION"]
    return _avro_record(
        "Alert",
        {"alert_type": {"type": "enum", "name": "AlertType", "symbols": types}}
        | dict.fromkeys(["time_created", "superevent_id", *alert.unknown], "string")
        | {"event": ["null", event], "external_coinc": ["null", coincidence]}
        | {"urls": STRING_BY_NAME},
    )


def writer_schema_2022() -> dict[str, Any]:
    """Return the looser Avro schema of 2022: alert_type a string, no `significant`, no unions."""
    event = _avro_record(
        "auto_record0",
        dict.fromkeys(["time", "group", "pipeline", "search"], "string")
        | {"far": "double", "instruments": STRINGS, "skymap": "bytes"}
        | dict.fromkeys(["properties", "classification"], NUMBER_BY_NAME),
    )
    return _avro_record(
        "auto_record1",
        dict.fromkeys(["alert_type", "time_created", "superevent_id"], "string")
        | {"urls": STRING_BY_NAME, "event": event, "external_coinc": "null"},
    )


def encode(alert: Alert, superevent_id: str) -> bytes:
    """Make the bytes of an alert as they would arrive."""
    record = alert_record(alert, superevent_id)
    if alert.wire.startswith("json"):
        text = json.dumps(record, default=lambda data: base64.b64encode(data).decode())
        return text.encode()
    schema = writer_schema_2022() if alert.wire == "avro-2022" else writer_schema(alert)
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, [record], codec="null", sync_marker=SYNC_MARKER)
    return buffer.getvalue()


def file_name(number: int, alert: Alert, superevent_id: str) -> str:
    """Name a sample's file so that names sort as the alerts were sent."""
    words = [superevent_id, f"{number:02}", alert.alert_type.lower(), alert.name]
    return "-".join(filter(None, words)) + "." + alert.wire.split("-")[0]


# ------------------------------------------------------------------------------- the superevents

HLV, HL = ("H1", "L1", "V1"), ("H1", "L1")


def seen(m: Measurement, skymap: Map | None, **fields: Any) -> Event:
    """Declare the event of a measurement; `fields` are those of `Event`."""
    return Event(time=m.time, instruments=m.instruments, skymap=skymap, **fields)


def classes(bns: float, nsbh: float, bbh: float, terrestrial: float) -> dict[str, float]:
    """Return a classification."""
    return {"BNS": bns, "NSBH": nsbh, "BBH": bbh, "Terrestrial": terrestrial}


def bns_life_cycle() -> Superevent:
    """Binary neutron star, from early warning to a joint update with Fermi."""
    best = Measurement(158.3, -27.4, 92.0, 0.16, "2026-04-18T03:12:44.315Z", HLV, 20.0, 110.0)
    vetted = replace(best, snr=19.0, bandwidth_hz=90.0, distance_error=0.18)
    rough = replace(best, snr=14.0, bandwidth_hz=50.0, distance_error=0.24)
    first = replace(rough, time="2026-04-18T03:12:44.318Z")
    early = replace(first, instruments=HL, snr=9.5, bandwidth_hz=60.0, distance_error=0.3)
    preliminary = seen(
        first,
        Map(first, "2026-04-18T03:13:08Z"),
        far=3.2e-10,
        pipeline="gstlal",
        classification=classes(0.97, 0.02, 0.0, 0.01),
        properties={"HasNS": 1.0, "HasRemnant": 0.93, "HasMassGap": 0.02, "HasSSM": 0.0},
    )
    warning = replace(
        preliminary,
        far=2.7e-9,
        instruments=HL,
        search="EarlyWarning",
        classification=classes(0.94, 0.01, 0.0, 0.05),
        skymap=Map(early, "2026-04-18T03:12:15Z"),
    )
    initial = replace(
        preliminary, time=best.time, far=4.6e-17, skymap=Map(vetted, "2026-04-18T03:30:12Z")
    )
    final = Map(best, "2026-04-18T17:41:55Z", "ligo-skymap-from-samples")
    update = replace(
        initial,
        skymap=final,
        classification=classes(0.996, 0.003, 0.0, 0.001),
        properties={"HasNS": 1.0, "HasRemnant": 0.98, "HasMassGap": 0.0, "HasSSM": 0.0},
        mchirp_source={
            "bin_edges": [0.1, 0.87, 1.14, 1.18, 1.22, 1.26, 1.74, 5.5],
            "probabilities": [0.0, 0.02, 0.31, 0.52, 0.14, 0.01, 0.0],
        },
    )
    fermi = Coincidence(
        gcn_notice_id=798174766,
        ivorn="ivo://example.org/mock#GBM_Fin_Pos2026-04-18T03:12:46.02",
        observatory="Fermi",
        search="GRB",
        time_difference=1.7,
        time_coincidence_far=2.4e-13,
        time_sky_position_coincidence_far=6.9e-15,
        combined_skymap=replace(final, external=ExternalPosition(161.5, -24.5, 4.5, "Fermi")),
    )
    return Superevent(
        "MS260418b",
        (
            Alert("EARLYWARNING", "2026-04-18T03:12:19Z", warning),
            Alert("PRELIMINARY", "2026-04-18T03:13:14Z", preliminary),
            Alert("PRELIMINARY", "2026-04-18T03:18:20Z", preliminary, name="repeated"),
            Alert("INITIAL", "2026-04-18T03:37:02Z", initial),
            Alert("UPDATE", "2026-04-18T17:46:31Z", update),
            Alert("UPDATE", "2026-04-18T17:46:31Z", update, fermi, name="fermi"),
        ),
    )


def nsbh_in_the_schema_of_2022() -> Superevent:
    """Neutron star and black hole, by the south pole, in the format of 2022."""
    best = Measurement(41.0, -80.5, 245.0, 0.24, "2026-02-11T19:50:06.942Z", HLV, 14.0, 80.0)
    early = replace(best, instruments=HL, snr=9.0, bandwidth_hz=60.0, distance_error=0.35)
    preliminary = seen(
        best,
        Map(best, "2026-02-11T19:50:30Z"),
        far=8.8e-12,
        pipeline="spiir",
        classification=classes(0.06, 0.89, 0.02, 0.03),
        properties={"HasNS": 1.0, "HasRemnant": 0.24, "HasMassGap": 0.11},
    )
    warning = replace(
        preliminary, far=1.9e-9, instruments=HL, skymap=Map(early, "2026-02-11T19:49:58Z")
    )
    return Superevent(
        "TS260211a",
        (
            Alert("EARLY_WARNING", "2026-02-11T19:50:01Z", warning, wire="avro-2022"),
            Alert("PRELIMINARY", "2026-02-11T19:50:41Z", preliminary, wire="avro-2022"),
        ),
    )


def bbh_retracted_then_confirmed() -> Superevent:
    """Binary black hole across RA 0, retracted by mistake and confirmed an hour later."""
    first = Measurement(351.0, 8.0, 1450.0, 0.28, "2026-05-22T11:04:51.207Z", HL, 12.5, 110.0)
    best = replace(first, snr=15.0, distance_error=0.25)
    preliminary = seen(
        first,
        Map(first, "2026-05-22T11:05:11Z", unsigned_uniq=True),
        far=5.1e-9,
        pipeline="pycbc",
        search="BBH",
        classification=classes(0.0, 0.03, 0.96, 0.01),
        properties={"HasNS": 0.01, "HasRemnant": 0.0, "HasMassGap": 0.03, "HasSSM": 0.0},
    )
    confirmed = replace(
        preliminary,
        far=7.4e-11,
        pipeline="MBTA",
        search="AllSky",
        skymap=Map(best, "2026-05-22T12:10:40Z", repeated_card="DISTMEAN"),
    )
    return Superevent(
        "MS260522k",
        (
            Alert("PRELIMINARY", "2026-05-22T11:05:20Z", preliminary),
            Alert("RETRACTION", "2026-05-22T11:21:09Z"),
            Alert("INITIAL", "2026-05-22T12:19:40Z", confirmed, name="confirmed"),
        ),
    )


def burst_without_distance() -> Superevent:
    """Short unmodelled burst with a map of the sky alone."""
    m = Measurement(322.0, -24.0, 1.0, 1.0, "2026-06-07T22:31:17.350Z", HL, 13.0, 90.0)
    event = seen(
        m,
        Map(m, "2026-06-07T22:33:02Z", "CWB"),
        far=2.2e-9,
        pipeline="CWB",
        group="Burst",
        duration=0.0114,
        central_frequency=152.6,
    )
    return Superevent(
        "MS260607d",
        (
            Alert("PRELIMINARY", "2026-06-07T22:34:10Z", event),
            Alert("INITIAL", "2026-06-07T23:02:48Z", event),
        ),
    )


def cbc_without_distance() -> Superevent:
    """Low-significance candidate of a burst pipeline in the CBC group, as GCN JSON."""
    m = Measurement(92.0, -38.0, 1.0, 1.0, "2026-07-15T06:09:17.780Z", HL, 8.5, 90.0)
    event = seen(
        m,
        Map(m, "2026-07-15T06:09:52Z", "CWB"),
        far=1.3e-5,
        significant=False,
        pipeline="CWB",
        search="BBH",
        classification=classes(0.0, 0.0, 0.06, 0.94),
        properties={"HasNS": 0.0, "HasRemnant": 0.0, "HasMassGap": 0.03},
    )
    return Superevent(
        "MS260715s",
        (Alert("PRELIMINARY", "2026-07-15T06:14:59Z", event, name="no-distance", wire="json"),),
    )


def subsolar_mass() -> Superevent:
    """Subsolar-mass candidate: no classification, HasSSM, and a key that no schema knows."""
    m = Measurement(28.0, 52.0, 58.0, 0.3, "2026-08-03T14:27:33.081Z", HL, 10.5, 120.0)
    event = seen(
        m,
        Map(m, "2026-08-03T14:28:10Z"),
        far=6.3e-9,
        pipeline="MBTA",
        search="SSM",
        properties={"HasSSM": 0.99, "HasNS": 0.71, "HasMassGap": 0.0},
        mchirp_source={
            "bin_edges": [0.1, 0.3, 0.4, 0.5, 0.6, 0.87],
            "probabilities": [0.02, 0.11, 0.58, 0.27, 0.02],
        },
    )
    unknown = {"comment": "a key that no schema knows"}
    return Superevent(
        "MS260803a",
        (Alert("PRELIMINARY", "2026-08-03T14:28:25Z", event, name="ssm", unknown=unknown),),
    )


def single_detector_retracted() -> Superevent:
    """Early warning without a map, then a map of half the sky, then a retraction."""
    m = Measurement(14.0, 27.0, 150.0, 0.33, "2026-09-02T08:15:40.655Z", ("L1",), 9.2, 90.0)
    warning = seen(
        m,
        None,
        far=3.0e-8,
        pipeline="gstlal",
        search="EarlyWarning",
        classification=classes(0.62, 0.0, 0.0, 0.38),
        properties={"HasNS": 1.0, "HasRemnant": 0.9, "HasMassGap": 0.0, "HasSSM": 0.0},
    )
    preliminary = replace(
        warning, search="AllSky", far=8.1e-9, skymap=Map(m, "2026-09-02T08:16:07Z")
    )
    return Superevent(
        "TS260902f",
        (
            Alert("EARLYWARNING", "2026-09-02T08:15:31Z", warning, name="no-map"),
            Alert("PRELIMINARY", "2026-09-02T08:16:15Z", preliminary, name="single-detector"),
            Alert("RETRACTION", "2026-09-02T08:49:53Z"),
        ),
    )


def retraction_alone() -> Superevent:
    """Retraction that no alert came before."""
    alert = Alert("RETRACTION", "2026-09-26T23:06:05Z", name="alone", wire="json")
    return Superevent("MS260926m", (alert,))


def neutrino_coincidence() -> Superevent:
    """Coincidence with neutrinos, which give no position and so no combined map."""
    m = Measurement(155.0, -29.0, 610.0, 0.26, "2026-10-04T03:43:54.694Z", HL, 12.0, 100.0)
    event = seen(
        m,
        Map(m, "2026-10-04T03:44:25Z"),
        far=9.5e-10,
        pipeline="SGNL",
        search="MDC",
        classification=classes(0.0, 0.55, 0.43, 0.02),
        properties={"HasNS": 0.57, "HasRemnant": 0.02, "HasMassGap": 0.4, "HasSSM": 0.0},
    )
    neutrinos = Coincidence(
        gcn_notice_id="mock-snews-20261004",
        ivorn="ivo://example.org/mock#SNEWS2026-10-04T03:44:02.12",
        observatory="SNEWS",
        search="MDC",
        time_difference=7.43,
        time_coincidence_far=5.4e-18,
        time_sky_position_coincidence_far=None,
    )
    wire: Wire = "json-2023"
    return Superevent(
        "MS261004d",
        (Alert("PRELIMINARY", "2026-10-04T03:48:59Z", event, neutrinos, "neutrinos", wire),),
    )


SUPEREVENTS = (
    bns_life_cycle(),
    nsbh_in_the_schema_of_2022(),
    bbh_retracted_then_confirmed(),
    burst_without_distance(),
    cbc_without_distance(),
    subsolar_mass(),
    single_detector_retracted(),
    retraction_alone(),
    neutrino_coincidence(),
)


def write_samples(directory: Path) -> list[Path]:
    """Write every sample into a directory, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for superevent in SUPEREVENTS:
        for number, alert in enumerate(superevent.alerts, start=1):
            path = directory / file_name(number, alert, superevent.superevent_id)
            path.write_bytes(encode(alert, superevent.superevent_id))
            written.append(path)
    return written


def main() -> None:
    """Read the command line and write the samples."""
    parser = argparse.ArgumentParser(description="Write the mock alerts of samples/.")
    parser.add_argument("directory", nargs="?", type=Path, default=SAMPLES, metavar="DIR")
    for path in write_samples(parser.parse_args().directory):
        print(f"{path.stat().st_size:9,d} bytes  {path}")


if __name__ == "__main__":
    main()

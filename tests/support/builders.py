"""Small sky maps and alerts, right and wrong, built without anything of sirenflow."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
from numpy.typing import ArrayLike, NDArray

SPHERE_SR = 4 * np.pi
SPHERE_DEG2 = SPHERE_SR * (180 / np.pi) ** 2
SYNC = b"0123456789abcdef"

# ---------------------------------------------------------------------------------- sky maps

_TFORM = {">i2": "I", ">i4": "J", ">i8": "K", ">f4": "E", ">f8": "D"}
_UNITS = {"PROBDENSITY": "sr-1", "DISTMU": "Mpc", "DISTSIGMA": "Mpc", "DISTNORM": "Mpc-2"}


def card(keyword: str, value: object) -> bytes:
    """Write one FITS card."""
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{value!r:>20}"
    return f"{keyword:<8}= {text}".ljust(80).encode("latin-1")


def padded(data: bytes, fill: bytes = b"\0") -> bytes:
    """Fill the last FITS block."""
    return data + fill * (-len(data) % 2880)


def header(cards: Iterable[tuple[str, object]]) -> bytes:
    """Write a FITS header."""
    return padded(b"".join(card(*pair) for pair in cards) + b"END".ljust(80), b" ")


PRIMARY = header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])


def all_cells(level: int) -> NDArray[np.int64]:
    """UNIQ of every cell of a level, in order."""
    return np.arange(4 ** (level + 1), 4 ** (level + 2), dtype=np.int64)


def cell_area_sr(uniq: ArrayLike) -> NDArray[np.float64]:
    """Solid angle of cells: the sphere has 12 * 4^level of them."""
    return np.array([SPHERE_SR / 12 / 4 ** ((int(u).bit_length() - 3) // 2) for u in uniq])


def fits_map(
    columns: Mapping[str, ArrayLike],
    cards: Mapping[str, object] | None = None,
    extra: Iterable[tuple[str, object]] = (),
    rows: bool = True,
) -> bytes:
    """Write a FITS file with one table.

    Parameters
    ----------
    columns
        By name; of any dtype that FITS has, stored big-endian.
    cards
        In addition, or instead of a card of the table's own; None takes a card out.
    extra
        Appended as they are, so that they may repeat a card.
    rows
        Whether the data follow.
    """
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    arrays = {name: a.astype(a.dtype.newbyteorder(">")) for name, a in arrays.items()}
    dtype = np.dtype([(name, a.dtype, a.shape[1:]) for name, a in arrays.items()])
    table = np.zeros(len(next(iter(arrays.values()))), dtype)
    for name, array in arrays.items():
        table[name] = array
    own: dict[str, object] = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": dtype.itemsize,
        "NAXIS2": len(table),
        "PCOUNT": 0,
        "GCOUNT": 1,
        "TFIELDS": len(arrays),
    }
    for number, (name, array) in enumerate(arrays.items(), start=1):
        width = int(np.prod(array.shape[1:], dtype=int))
        own[f"TTYPE{number}"] = name
        own[f"TFORM{number}"] = (
            f"{width * array.dtype.itemsize}A"
            if array.dtype.kind == "S"
            else f"{width if array.ndim > 1 else ''}{_TFORM[array.dtype.str]}"
        )
        if name in _UNITS:
            own[f"TUNIT{number}"] = _UNITS[name]
    own |= {"PIXTYPE": "HEALPIX", "ORDERING": "NUNIQ", "COORDSYS": "C", "INDXSCHM": "EXPLICIT"}
    kept = {key: value for key, value in {**own, **(cards or {})}.items() if value is not None}
    return PRIMARY + header([*kept.items(), *extra]) + padded(table.tobytes() if rows else b"")


def flat_columns(level: int = 0) -> dict[str, NDArray[Any]]:
    """Columns of a map of one level on which every direction is as probable."""
    uniq = all_cells(level)
    return {"UNIQ": uniq, "PROBDENSITY": np.full(len(uniq), 1 / SPHERE_SR)}


def flat_map(level: int = 0, **cards: object) -> bytes:
    """Write a map on which every direction is as probable."""
    return fits_map(flat_columns(level), cards)


@cache
def quadrature(mu: float, sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes r, and weights that integrate f(r) exp(-(r^2 - 2 mu r) / 2 sigma^2) over r > 0.

    The density is the ansatz's normal density without its constant factor, so that nothing
    underflows. Composite Gauss-Legendre on 200 panels, up to where the density is exp(-70) of
    its greatest.
    """
    top = max(mu, 0.0)
    reach = np.sqrt((top - mu) ** 2 + 140 * sigma**2)
    low, high = max(0.0, mu - reach), mu + reach
    x, w = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(low, high, 201)
    half = np.diff(edges)[:, np.newaxis] / 2
    r = ((edges[:-1] + edges[1:])[:, np.newaxis] / 2 + half * x).ravel()
    exponent = -((r - mu) ** 2 - (top - mu) ** 2) / (2 * sigma**2)
    return r, (half * w).ravel() * np.exp(exponent)


@cache
def distnorm(mu: float, sigma: float) -> float:
    """DISTNORM that makes the distance ansatz integrate to 1."""
    r, weights = quadrature(mu, sigma)
    shift = (max(mu, 0.0) - mu) ** 2 / (2 * sigma**2)
    total = float((weights * r**2).sum()) / (np.sqrt(2 * np.pi) * sigma)
    return float(np.exp(shift) / total)


def distance_columns(mu: Sequence[float], sigma: Sequence[float]) -> dict[str, Any]:
    """Distance columns with the right DISTNORM; zero where DISTMU is not finite."""
    norm = [distnorm(m, s) if np.isfinite(m) else 0.0 for m, s in zip(mu, sigma, strict=True)]
    return {"DISTMU": np.array(mu), "DISTSIGMA": np.array(sigma), "DISTNORM": np.array(norm)}


def same_distance_columns(mu: float, sigma: float, level: int = 0) -> dict[str, Any]:
    """Columns of a map on which every direction and its distance are the same."""
    flat = flat_columns(level)
    n = len(flat["UNIQ"])
    return {**flat, **distance_columns([mu] * n, [sigma] * n)}


# ------------------------------------------------------------------------------------ alerts


def record(**changes: Any) -> dict[str, Any]:
    """Give the record of an alert; `changes` replace fields, the value `...` takes them out."""
    fields = {
        "superevent_id": "MS260101a",
        "alert_type": "PRELIMINARY",
        "time_created": "2026-01-01T00:10:00Z",
        "event": {"time": "2026-01-01T00:05:00.123Z", "far": 1e-9, "skymap": None},
        "external_coinc": None,
        "urls": {"gracedb": "https://example.org/MS260101a"},
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not ...}


def with_map(skymap: object, **changes: Any) -> dict[str, Any]:
    """Give the record of an alert with a sky map."""
    return record(
        event={"time": "2026-01-01T00:05:00.123Z", "far": 1e-9, "skymap": skymap}, **changes
    )


def json_alert(content: Mapping[str, Any]) -> bytes:
    """Write a record as GCN does, bytes in base64."""
    return json.dumps(content, default=lambda data: base64.b64encode(data).decode()).encode()


def record_type(name: str, **types: Any) -> dict[str, Any]:
    """Write an Avro record's schema."""
    fields = [{"name": key, "type": kind} for key, kind in types.items()]
    return {"type": "record", "name": name, "fields": fields}


SCHEMA = record_type(
    "Alert",
    superevent_id="string",
    alert_type="string",
    time_created="string",
    event=["null", record_type("Event", time="string", far="double", skymap=["null", "bytes"])],
    external_coinc=["null", record_type("Coincidence", combined_skymap=["null", "bytes"])],
    urls={"type": "map", "values": "string"},
)


def schema_with(**types: Any) -> dict[str, Any]:
    """Give the alert's schema with other types, or other fields in addition."""
    kinds = {field["name"]: field["type"] for field in SCHEMA["fields"]}
    return record_type("Alert", **{**kinds, **types})


def avro_alert(
    *records: Mapping[str, Any], schema: Mapping[str, Any] = SCHEMA, codec: str = "null"
) -> bytes:
    """Write records into an Avro container."""
    stream = BytesIO()
    fastavro.writer(stream, schema, records, codec=codec, sync_marker=SYNC)
    return stream.getvalue()


def avro_long(value: int) -> bytes:
    """Write an Avro integer."""
    value = value << 1 if value >= 0 else ~value << 1 | 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def avro_bytes(data: bytes) -> bytes:
    """Write Avro bytes."""
    return avro_long(len(data)) + data


def avro_container(
    schema: object,
    blocks: Iterable[tuple[int, bytes]],
    codec: bytes = b"null",
    sync: bytes = SYNC,
) -> bytes:
    """Write an Avro container by hand: a schema, and blocks with a count each."""
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    entries = avro_bytes(b"avro.schema") + avro_bytes(text)
    entries += avro_bytes(b"avro.codec") + avro_bytes(codec)
    body = b"".join(avro_long(count) + avro_bytes(block) + sync for count, block in blocks)
    return b"Obj\x01" + avro_long(2) + entries + avro_long(0) + SYNC + body

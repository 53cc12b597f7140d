"""Credible regions as files that other tools read: MOC, GeoJSON, DS9 regions.

All are ASCII, or FITS, and the same for the same map: none has a date of writing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mocpy import MOC

from sirenflow.fits_output import fits_file
from sirenflow.outlines import SkyRing
from sirenflow.products import rounded
from sirenflow.regions import CredibleRegion
from sirenflow.skymap import Floats

# Decimals of a degree; a lobe that is smaller than these can tell gets more.
_DECIMALS = 5
_COLOURS = {0.5: "red", 0.9: "green"}


@dataclass(frozen=True)
class Subject:
    """What a file is about: a map of an alert.

    Attributes
    ----------
    superevent_id
        Identifier of the superevent.
    alert_number
        Number of the alert.
    kind
        ``gw`` or ``combined``.
    retracted
        Whether the superevent is retracted.
    """

    superevent_id: str
    alert_number: int
    kind: str
    retracted: bool


def moc_fits(region: CredibleRegion, subject: Subject) -> bytes:
    """Write a region as MOC 2.0 (IVOA) in FITS, at the order of its own cells.

    Each row is a NUNIQ: readers of MOC 1 and 2 alike know those. The table is written here, as
    astropy takes ten times as long over it.
    """
    ranges = np.column_stack((region.ranges.starts, region.ranges.ends)).astype(np.uint64)
    moc = MOC.from_depth29_ranges(region.max_level, ranges)
    cells = np.sort(moc.uniq_hpx).astype(">i8")
    cards = [
        ("XTENSION", "BINTABLE"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", 8),
        ("NAXIS2", len(cells)),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", 1),
        ("TTYPE1", "UNIQ"),
        ("TFORM1", "1K"),
        ("MOCVERS", "2.0"),
        ("MOCDIM", "SPACE"),
        ("ORDERING", "NUNIQ"),
        ("COORDSYS", "C"),
        ("MOCORD_S", moc.max_order),
        ("MOCORDER", moc.max_order),
        ("OBJECT", subject.superevent_id),
        ("ALERTNUM", subject.alert_number, "number of the alert"),
        ("MAPKIND", subject.kind, "sky map: gw or combined"),
        ("CREDLEV", region.level, "credible level of the region"),
        ("AREA", rounded(region.area_deg2), "[deg2] credible area"),
        ("RETRACTD", subject.retracted, "superevent is retracted"),
    ]
    return fits_file(cards, cells.tobytes())


def geojson(
    outlines: Sequence[tuple[CredibleRegion, Sequence[SkyRing]]], subject: Subject
) -> bytes:
    """Write outlines as GeoJSON (RFC 7946): longitude is RA, -180 to 180 deg, latitude is Dec.

    Lines that cross the 180th degree are cut there, as the RFC wants.
    """
    features = []
    for region, rings in outlines:
        lines: list[list[list[float]]] = []
        for ring in rings:
            lines += _lines(ring)
        properties = {
            "alert_number": subject.alert_number,
            "area_deg2": rounded(region.area_deg2),
            "credible_level": region.level,
            "frame": "ICRS",
            "kind": subject.kind,
            "retracted": subject.retracted,
            "spacing_deg": max((rounded(ring.spacing_deg, 3) or 0 for ring in rings), default=None),
            "superevent_id": subject.superevent_id,
        }
        geometry = {"type": "MultiLineString", "coordinates": lines}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    collection = {"type": "FeatureCollection", "features": features}
    return (json.dumps(collection, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def ds9(outlines: Sequence[tuple[CredibleRegion, Sequence[SkyRing]]], subject: Subject) -> bytes:
    """Write outlines as DS9 regions: polygons in ICRS, holes as excluded ones."""
    lines = ["# Region file format: DS9 version 4.1"]
    if subject.retracted:
        lines.append(f"# RETRACTED: {subject.superevent_id} is retracted")
    lines.append(
        f"# {subject.superevent_id}, alert {subject.alert_number}, {subject.kind} sky map, "
        "outlines of credible regions"
    )
    lines += [
        f"# {round(100 * region.level)} %: {region.area_deg2:.6g} deg2" for region, _ in outlines
    ]
    lines.append("icrs")
    for region, rings in outlines:
        percent = round(100 * region.level)
        for ring in rings:
            points = _points(ring)[:-1]
            if len(points) < 3:
                continue
            pattern = ",".join([f"%.{_decimals(ring)}f"] * points.size)
            numbers = pattern % tuple(points.ravel().tolist())
            colour = _COLOURS.get(region.level, "blue")
            lines.append(
                f"{'-' if ring.is_hole else ''}polygon({numbers}) "
                f"# color={colour} tag={{{percent}}}"
            )
    return ("\n".join(lines) + "\n").encode("ascii")


def _decimals(ring: SkyRing) -> int:
    return max(_DECIMALS, 2 - math.floor(math.log10(ring.spacing_deg)))


def _points(ring: SkyRing) -> Floats:
    """(m, 2) RA and Dec of the points that differ, rounded, closed."""
    points = np.column_stack((ring.ra_deg, ring.dec_deg)).round(_decimals(ring))
    points[:, 0] = np.mod(points[:, 0], 360.0)
    differs = np.any(points[1:] != points[:-1], axis=1)
    kept: Floats = points[np.concatenate(([True], differs))]
    return kept


def _lines(ring: SkyRing) -> list[list[list[float]]]:
    """Cut a ring where it crosses the 180th degree; pieces shorter than a line are left out."""
    decimals = _decimals(ring)
    ra, dec = _points(ring).T
    if len(ra) < 4:
        return []
    lon = np.where(ra > 180, ra - 360, ra)
    crossings = np.flatnonzero(np.abs(np.diff(lon)) > 180)
    if len(crossings):  # begin after a cut, so that the pieces before and after the start are one
        start = crossings[0] + 1
        lon, dec = (np.concatenate((axis[start:-1], axis[: start + 1])) for axis in (lon, dec))
        crossings = np.flatnonzero(np.abs(np.diff(lon)) > 180)
    pieces = []
    begin: list[list[float]] = []
    first = 0
    for last in crossings.tolist():
        edge = math.copysign(180.0, lon[last])
        step = lon[last + 1] + 2 * edge - lon[last]
        share = (edge - lon[last]) / step if step else 0.0
        at = round(float(dec[last] + share * (dec[last + 1] - dec[last])), decimals)
        pieces.append([*begin, *_pairs(lon, dec, first, last + 1, decimals), [edge, at]])
        begin, first = [[-edge, at]], last + 1
    if len(crossings):
        # The ring ends on the point that it began with, which the last cut leads to.
        pieces[0] = [*begin, *pieces[0]]
    else:
        pieces.append(_pairs(lon, dec, 0, len(lon), decimals))
    return [piece for piece in pieces if len(piece) > 1]


def _pairs(lon: Floats, dec: Floats, start: int, stop: int, decimals: int) -> list[list[float]]:
    columns = (lon[start:stop], dec[start:stop])
    pairs: list[list[float]] = (np.column_stack(columns).round(decimals) + 0.0).tolist()
    return pairs

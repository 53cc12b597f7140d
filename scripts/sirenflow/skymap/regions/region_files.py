"""Credible regions as files that other tools read: MOC, GeoJSON, DS9 regions.

All are ASCII or FITS. None has a date of writing: the same map gives the same file.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sirenflow.formats.fits_file import fits_file, table_cards
from sirenflow.formats.json_file import rounded
from sirenflow.skymap.regions.credible_region import CredibleRegion
from sirenflow.skymap.regions.outlines import SkyRing
from sirenflow.skymap.skymap import Floats

# Decimals of a degree; a lobe too small for these gets more.
_DECIMALS = 5
_COLOURS = {0.5: "red", 0.9: "green"}


@dataclass(frozen=True)
class Subject:
    """The map of an alert that a file is about; `kind` is ``gw`` or ``combined``."""

    superevent_id: str
    alert_number: int
    kind: str
    retracted: bool


def moc_fits(region: CredibleRegion, subject: Subject) -> bytes:
    """Write a region as MOC 2.0 (IVOA) in FITS, at the order of its own cells.

    Each row is a NUNIQ: readers of MOC 1 and 2 alike know those. `MOC.serialize`, by astropy, takes
    19 times as long (1.4 ms, `benchmarks/libraries.py`), and dates nothing, but has its own cards.
    """
    cells = np.sort(region.moc.uniq_hpx).astype([("UNIQ", ">i8")])
    cards = [
        *table_cards(cells.dtype, len(cells), {}),
        ("MOCVERS", "2.0"),
        ("MOCDIM", "SPACE"),
        ("ORDERING", "NUNIQ"),
        ("COORDSYS", "C"),
        ("MOCORD_S", region.moc.max_order),
        ("MOCORDER", region.moc.max_order),
        ("OBJECT", subject.superevent_id),
        ("ALERTNUM", subject.alert_number, "number of the alert"),
        ("MAPKIND", subject.kind, "sky map: gw or combined"),
        ("CREDLEV", region.level, "credible level of the region"),
        ("AREA", rounded(region.area_deg2) or 0.0, "[deg2] credible area"),
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
        lines = [_line_json(line, _decimals(ring)) for ring in rings for line in _cut_lines(ring)]
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
        features.append(
            '{"type":"Feature","properties":'
            + json.dumps(properties, separators=(",", ":"), allow_nan=False)
            + ',"geometry":{"type":"MultiLineString","coordinates":['
            + ",".join(lines)
            + "]}}"
        )
    collection = '{"type":"FeatureCollection","features":[' + ",".join(features) + "]}\n"
    return collection.encode("ascii")


def _line_json(line: Floats, decimals: int) -> str:
    """Write points (m, 2) as JSON: by one format for all, in a third of the time of `json`."""
    point = f"[%.{decimals}f,%.{decimals}f]"
    return f"[{','.join([point] * len(line))}]" % tuple(line.ravel().tolist())


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
            points = _rounded_points(ring)[:-1]
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


def _rounded_points(ring: SkyRing) -> Floats:
    """(m, 2) RA and Dec of the points that differ, rounded, closed."""
    points = np.column_stack((ring.ra_deg, ring.dec_deg)).round(_decimals(ring))
    points[:, 0] = np.mod(points[:, 0], 360.0)
    differs = np.any(points[1:] != points[:-1], axis=1)
    kept: Floats = points[np.concatenate(([True], differs))]
    return kept


def _cut_lines(ring: SkyRing) -> list[Floats]:
    """Cut a ring where it crosses the 180th degree; pieces shorter than a line are left out.

    The pieces (m, 2) are longitude, -180 to 180 deg, and latitude.
    """
    points = _rounded_points(ring)
    if len(points) < 4:
        return []
    points[points[:, 0] > 180, 0] -= 360
    crossings = np.flatnonzero(np.abs(np.diff(points[:, 0])) > 180)
    if len(crossings):  # begin after a cut, so that the pieces before and after the start are one
        start = crossings[0] + 1
        points = np.concatenate((points[start:-1], points[: start + 1]))
        crossings = np.flatnonzero(np.abs(np.diff(points[:, 0])) > 180)
    pieces = []
    begin = points[:0]
    first = 0
    for last in crossings.tolist():
        (lon, dec), (next_lon, next_dec) = points[last : last + 2]
        edge = math.copysign(180.0, lon)
        step = next_lon + 2 * edge - lon
        at = dec + ((edge - lon) / step if step else 0.0) * (next_dec - dec)
        pieces.append(np.concatenate((begin, points[first : last + 1], [[edge, at]])))
        begin, first = np.array([[-edge, at]]), last + 1
    if len(crossings):
        # The ring ends on the point that it began with, which the last cut leads to.
        pieces[0] = np.concatenate((begin, pieces[0]))
    else:
        pieces.append(points)
    # The sum has no negative zero.
    return [piece.round(_decimals(ring)) + 0.0 for piece in pieces if len(piece) > 1]

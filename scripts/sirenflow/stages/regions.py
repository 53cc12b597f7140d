"""Rule regions: credible regions of every map as files, and how each map differs from others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from sirenflow.formats.json_file import SOLVED_DIGITS, rounded, write_json
from sirenflow.observing.constellations import constellations
from sirenflow.products.base import version_of
from sirenflow.products.event import AlertSummary, EventSummary, SkymapSummary
from sirenflow.products.regions import Lobe, Regions
from sirenflow.skymap.localization import peak
from sirenflow.skymap.map_comparison import MeasuredMap, compare_maps
from sirenflow.skymap.regions.credible_region import (
    ProbabilityCurve,
    credible_region,
    probability_curve,
)
from sirenflow.skymap.regions.lobes import LISTED, describe_lobes, label_lobes
from sirenflow.skymap.regions.outlines import DRAWN, draw_outlines
from sirenflow.skymap.regions.region_files import Subject, ds9, geojson, moc_fits
from sirenflow.skymap.skymap import Skymap
from sirenflow.superevent.load import load_summary, read_trusted

# Decimals of degrees, and of probabilities: a region is that of its level within 1e-6.
_DEGREE_DECIMALS = 5
_PROBABILITY_DECIMALS = 6


def regions(alerts: Path, localization: Path, skymaps: Path, regions: Path, files: Path) -> None:
    """Write the credible regions of one superevent's maps.

    Parameters
    ----------
    alerts, localization, skymaps
        alerts.json, localization.json and the directory of sky maps.
    regions
        Written: lobes of each map, and comparisons between maps.
    files
        Directory, written: MOC, GeoJSON and DS9 regions of every distinct map.
    """
    summary = load_summary(alerts, localization)
    files.mkdir(parents=True, exist_ok=True)
    maps = _Maps(summary, skymaps, files)
    described = list(maps.describe_all())
    maps.name_constellations()
    head = {
        "schema_version": version_of(Regions),
        "superevent_id": summary.superevent_id,
        "retracted": summary.retracted,
    }
    write_json(regions, {**head, "alerts": described})


class _Maps:
    """The distinct maps of a superevent, of which one at a time is in memory."""

    def __init__(self, summary: EventSummary, skymaps: Path, files: Path) -> None:
        self._summary = summary
        self._skymaps = skymaps
        self._files = files
        self._measured: dict[str, MeasuredMap] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._lobes: list[tuple[dict[str, Any], Lobe]] = []
        self._curve: tuple[str, ProbabilityCurve] | None = None

    def describe_all(self) -> Iterator[dict[str, Any]]:
        """Describe each alert's maps, and compare them with those before."""
        first = previous = None
        for alert in self._summary.history:
            records = []
            since_previous, since_first, combined_with_gw = None, None, None
            gw = self._measure(alert, alert.skymap)
            if gw:
                records.append({"kind": "gw", **self._records[gw.sha256]})
                since_previous = self._compare(gw, previous)
                if first and previous and first.number != previous.number:
                    since_first = self._compare(gw, first)
            combined = self._measure(alert, alert.combined_skymap)
            if combined:
                records.append({"kind": "combined", **self._records[combined.sha256]})
                combined_with_gw = self._compare(combined, gw or previous)
            first, previous = first or gw, gw or previous
            yield {
                "number": alert.number,
                "maps": records,
                "since_previous": since_previous,
                "since_first": since_first,
                "combined_with_gw": combined_with_gw,
            }

    def name_constellations(self) -> None:
        """Complete the lobes of all maps."""
        ra = np.array([lobe.ra_deg for _, lobe in self._lobes])
        dec = np.array([lobe.dec_deg for _, lobe in self._lobes])
        names = constellations(ra, dec)
        for (described, _), name in zip(self._lobes, names, strict=True):
            described["constellation"] = name

    def _measure(self, alert: AlertSummary, summary: SkymapSummary | None) -> MeasuredMap | None:
        """Measure a map, and write its files, unless the same bytes came before.

        None where there is no map that can be trusted and read.
        """
        if summary is None or not summary.is_trusted:
            return None
        sha256 = summary.sha256 or ""
        if sha256 not in self._measured:
            self._curve = None  # of another map, as large as this one may be
            skymap = read_trusted(self._skymaps, summary)
            if skymap is None:
                return None
            self._curve = sha256, probability_curve(skymap)
            subject = Subject(
                self._summary.superevent_id, alert.number, summary.kind, self._summary.retracted
            )
            self._measured[sha256] = self._work(skymap, summary, sha256, subject)
        return replace(self._measured[sha256], number=alert.number)

    def _work(
        self, skymap: Skymap, summary: SkymapSummary, sha256: str, subject: Subject
    ) -> MeasuredMap:
        region_50, region_90 = (credible_region(skymap, level) for level in (0.5, 0.9))
        labels = label_lobes(skymap, region_90)
        lobes = describe_lobes(skymap, region_90, labels, DRAWN)
        outlines = draw_outlines(skymap, (0.5, 0.9), region_90, labels, lobes)
        drawn = list(zip((region_50, region_90), outlines, strict=True))
        stem = (summary.file or "").removesuffix(".multiorder.fits")
        products = {
            "moc_50": (f"{stem}.50.moc.fits", moc_fits(region_50, subject)),
            "moc_90": (f"{stem}.90.moc.fits", moc_fits(region_90, subject)),
            "contours": (f"{stem}.contours.geojson", geojson(drawn, subject)),
            "ds9": (f"{stem}.reg", ds9(drawn, subject)),
        }
        for name, content in products.values():
            (self._files / name).write_bytes(content)
        listed = [(_describe_lobe(lobe), lobe) for lobe in lobes[:LISTED]]
        self._lobes += listed
        self._records[sha256] = {
            "sha256": sha256,
            "files": {key: name for key, (name, _) in products.items()},
            "lobes_90": [described for described, _ in listed],
            "lobes_90_count": labels.count,
        }
        return MeasuredMap(
            number=subject.alert_number,
            sha256=sha256,
            peak=peak(skymap),
            area_50_deg2=region_50.area_deg2,
            area_90_deg2=region_90.area_deg2,
            ranges_50=region_50.ranges,
            ranges_90=region_90.ranges,
            distance_mean_mpc=summary.distance_mean_mpc,
            distance_std_mpc=summary.distance_std_mpc,
        )

    def _compare(self, new: MeasuredMap, old: MeasuredMap | None) -> dict[str, Any] | None:
        curve = self._curve_of(new.sha256) if old else None
        if old is None or curve is None:
            return None
        compared = compare_maps(new, curve, old)
        shares = ("overlap_90_of_new", "overlap_90_of_old")
        probabilities = ("probability_in_old_50", "probability_in_old_90")
        values = structs.asdict(compared)
        for key in (*shares, *probabilities):
            values[key] = round(values[key], _PROBABILITY_DECIMALS)
        for key in ("area_50_ratio", "area_90_ratio", "overlap_90_deg2"):
            values[key] = rounded(values[key])
        for key in ("peak_shift_deg", "distance_shift_sigma"):
            values[key] = rounded(values[key], SOLVED_DIGITS)
        return values

    def _curve_of(self, sha256: str) -> ProbabilityCurve | None:
        """Give a map's curve; one that was not the last to be worked on is read again."""
        if self._curve is None or self._curve[0] != sha256:
            maps = (
                skymap
                for alert in self._summary.history
                for skymap in (alert.skymap, alert.combined_skymap)
                if skymap and skymap.is_trusted and skymap.sha256 == sha256
            )
            skymap = read_trusted(self._skymaps, next(maps))
            if skymap is None:
                return None
            self._curve = sha256, probability_curve(skymap)
        return self._curve[1]


def _describe_lobe(lobe: Lobe) -> dict[str, Any]:
    return {
        "probability": round(lobe.probability, _PROBABILITY_DECIMALS),
        "area_deg2": rounded(lobe.area_deg2),
        "ra_deg": round(lobe.ra_deg, _DEGREE_DECIMALS) % 360,
        "dec_deg": round(lobe.dec_deg, _DEGREE_DECIMALS),
        "radius_deg": round(lobe.radius_deg, _DEGREE_DECIMALS),
    }

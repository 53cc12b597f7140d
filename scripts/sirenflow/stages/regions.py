"""Credible regions of every map as files, and comparisons of each map with others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import structs

from sirenflow.formats.json_file import SOLVED_DIGITS, round_digits, rounded
from sirenflow.observing.constellations import constellations
from sirenflow.products.base import write_product
from sirenflow.products.event import AlertSummary, SkymapSummary
from sirenflow.products.regions import (
    AlertRegions,
    Lobe,
    MapComparison,
    MapRegions,
    NamedLobe,
    RegionFiles,
    Regions,
)
from sirenflow.skymap.map_comparison import MeasuredMap, compare_maps
from sirenflow.skymap.regions.credible_region import credible_region
from sirenflow.skymap.regions.lobes import LISTED, describe_lobes, label_lobes
from sirenflow.skymap.regions.outlines import DRAWN, draw_outlines
from sirenflow.skymap.regions.region_files import Subject, ds9, geojson, moc_fits
from sirenflow.skymap.skymap import Skymap, peak
from sirenflow.superevent.load import SupereventReader

# Decimals of degrees, and of probabilities: a region is that of its level within 1e-6.
_DEGREE_DECIMALS = 5
_PROBABILITY_DECIMALS = 6
_PROBABILITIES = (
    "overlap_90_of_new",
    "overlap_90_of_old",
    "probability_in_old_50",
    "probability_in_old_90",
)


def write_regions(superevent: SupereventReader, regions: Path, files: Path) -> Regions:
    """Write the credible regions of one superevent's maps.

    Parameters
    ----------
    files
        Directory, written: MOC, GeoJSON and DS9 regions of every distinct map.
    """
    files.mkdir(parents=True, exist_ok=True)
    summary = superevent.summary
    product = Regions(
        superevent_id=summary.superevent_id,
        retracted=summary.retracted,
        alerts=tuple(_Maps(superevent, files).describe_all()),
    )
    write_product(regions, product)
    return product


class _Maps:
    """The distinct maps of a superevent, of which few at a time are in memory."""

    def __init__(self, superevent: SupereventReader, files: Path) -> None:
        self._superevent = superevent
        self._summary = superevent.summary
        self._files = files
        self._measured: dict[str, MeasuredMap] = {}
        self._records: dict[str, MapRegions] = {}
        self._summaries: dict[str, SkymapSummary] = {}

    def describe_all(self) -> Iterator[AlertRegions]:
        """Describe each alert's maps, and compare them with those before."""
        first = previous = None
        for alert in self._summary.history:
            records = []
            since_previous, since_first, combined_with_gw = None, None, None
            gw = self._measure(alert, alert.skymap)
            if gw:
                records.append(structs.replace(self._records[gw.sha256], kind="gw"))
                since_previous = self._compare(gw, previous)
                if first and previous and first.number != previous.number:
                    since_first = self._compare(gw, first)
            combined = self._measure(alert, alert.combined_skymap)
            if combined:
                records.append(structs.replace(self._records[combined.sha256], kind="combined"))
                combined_with_gw = self._compare(combined, gw or previous)
            first, previous = first or gw, gw or previous
            yield AlertRegions(
                number=alert.number,
                maps=tuple(records),
                since_previous=since_previous,
                since_first=since_first,
                combined_with_gw=combined_with_gw,
            )

    def _measure(self, alert: AlertSummary, summary: SkymapSummary | None) -> MeasuredMap | None:
        """Measure a map, and write its files, unless the same bytes came before.

        None where there is no map that can be trusted and read.
        """
        if summary is None or not summary.is_usable:
            return None
        sha256 = summary.sha256 or ""
        if sha256 not in self._measured:
            skymap = self._superevent.read_skymap(summary)
            if skymap is None:
                return None
            self._summaries[sha256] = summary
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
        products = (
            (f"{stem}.50.moc.fits", moc_fits(region_50, subject)),
            (f"{stem}.90.moc.fits", moc_fits(region_90, subject)),
            (f"{stem}.contours.geojson", geojson(drawn, subject)),
            (f"{stem}.reg", ds9(drawn, subject)),
        )
        for name, content in products:
            (self._files / name).write_bytes(content)
        self._records[sha256] = MapRegions(
            kind=summary.kind,
            sha256=sha256,
            files=RegionFiles(*(name for name, _ in products)),
            lobes_90=_name_lobes(lobes[:LISTED]),
            lobes_90_count=labels.count,
        )
        return MeasuredMap(
            number=subject.alert_number,
            sha256=sha256,
            peak=peak(skymap),
            area_50_deg2=region_50.area_deg2,
            area_90_deg2=region_90.area_deg2,
            moc_50=region_50.moc,
            moc_90=region_90.moc,
            distance_mean_mpc=summary.distance_mean_mpc,
            distance_std_mpc=summary.distance_std_mpc,
        )

    def _compare(self, new: MeasuredMap, old: MeasuredMap | None) -> MapComparison | None:
        skymap = self._superevent.read_skymap(self._summaries[new.sha256]) if old else None
        if old is None or skymap is None:
            return None
        compared = compare_maps(new, skymap, old)
        values = structs.asdict(compared)
        for key in _PROBABILITIES:
            values[key] = round(values[key], _PROBABILITY_DECIMALS)
        for key in ("area_50_ratio", "area_90_ratio", "overlap_90_deg2"):
            values[key] = rounded(values[key])
        for key in ("peak_shift_deg", "distance_shift_sigma"):
            values[key] = rounded(values[key], SOLVED_DIGITS)
        return MapComparison(**values)


def _name_lobes(lobes: Sequence[Lobe]) -> tuple[NamedLobe, ...]:
    """Round the lobes of a map, and name the constellations of their centres."""
    ra, dec = (np.array([getattr(lobe, axis) for lobe in lobes]) for axis in ("ra_deg", "dec_deg"))
    return tuple(
        NamedLobe(
            probability=round(lobe.probability, _PROBABILITY_DECIMALS),
            area_deg2=round_digits(lobe.area_deg2),
            ra_deg=round(lobe.ra_deg, _DEGREE_DECIMALS) % 360,
            dec_deg=round(lobe.dec_deg, _DEGREE_DECIMALS),
            radius_deg=round(lobe.radius_deg, _DEGREE_DECIMALS),
            constellation=name,
        )
        for lobe, name in zip(lobes, constellations(ra, dec), strict=True)
    )

"""The samples show every case they promise, and their sky maps are what their headers say.

Nothing of sirenflow is used here: Avro, JSON and FITS are read with other people's libraries only.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from jsonschema import Draft202012Validator
from paths import ROOT, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".avro", ".json"})
FINEST = 29  # UNIQ's deepest level that fits 64 bits


@dataclass(frozen=True)
class Skymap:
    """A sky map's bytes, table and header."""

    data: bytes

    @cached_property
    def hdu(self) -> Any:
        """The table as astropy reads it."""
        return fits.open(BytesIO(self.data))[1]

    @property
    def header(self) -> Any:
        """The table's header."""
        return self.hdu.header

    @cached_property
    def columns(self) -> dict[str, Any]:
        """The columns by name."""
        return {name: np.asarray(self.hdu.data[name]) for name in self.hdu.columns.names}

    @cached_property
    def uniq(self) -> Any:
        """UNIQ as signed integers."""
        return self.columns["UNIQ"].astype(np.int64)

    @cached_property
    def level(self) -> Any:
        """HEALPix level of each row."""
        return (np.log2(self.uniq // 4) // 2).astype(np.int64)

    @cached_property
    def probability(self) -> Any:
        """Probability in each row."""
        return self.columns["PROBDENSITY"] * np.pi / 3 / 4.0**self.level

    @property
    def is_bayestar(self) -> bool:
        """Whether the map imitates BAYESTAR."""
        return str(self.header["CREATOR"]) == "BAYESTAR"


@dataclass(frozen=True)
class Sample:
    """A decoded sample: its maps are taken out of the record, where their keys stay."""

    name: str
    record: dict[str, Any]
    schema: Any
    gw: Skymap | None
    combined: Skymap | None

    @property
    def event(self) -> dict[str, Any]:
        """The record's event; empty in a retraction."""
        return self.record["event"] or {}

    @property
    def external(self) -> dict[str, Any]:
        """The record's external coincidence; empty without one."""
        return self.record["external_coinc"] or {}


@cache
def sample(path: Path) -> Sample:
    if path.suffix == ".avro":
        with path.open("rb") as stream:
            reader = fastavro.reader(stream)
            records, schema = list[Any](reader), reader.writer_schema
    else:
        records, schema = [json.loads(path.read_text())], None
    (record,) = records  # an alert is exactly one record

    def detach(place: str, key: str) -> Skymap | None:
        sent = (record[place] or {}).get(key)
        if isinstance(sent, str):
            sent = record[place][key] = base64.b64decode(sent, validate=True)
        return Skymap(sent) if sent else None

    maps = detach("event", "skymap"), detach("external_coinc", "combined_skymap")
    return Sample(path.name, record, schema, *maps)


def samples() -> Iterator[Sample]:
    return map(sample, FILES)


def skymaps() -> list[Skymap]:
    found = (m for s in samples() for m in (s.gw, s.combined) if m is not None)
    return list({m.data: m for m in found}.values())


def superevents() -> list[list[Sample]]:
    """Group the samples, in the order of their names."""
    ids = sorted({s.record["superevent_id"] for s in samples()})
    return [[s for s in samples() if s.record["superevent_id"] == i] for i in ids]


def types(alerts: list[Sample]) -> list[str]:
    return [s.record["alert_type"] for s in alerts]


def varies(alerts: list[Sample], key: str) -> bool:
    return len({s.event[key] for s in alerts if s.event}) > 1


def is_repeat(first: Sample, second: Sample) -> bool:
    return (
        types([first, second]) == ["PRELIMINARY", "PRELIMINARY"]
        and first.record["time_created"] < second.record["time_created"]
        and first.gw is not None
        and first.gw == second.gw
    )


def share_time(first: Sample, second: Sample) -> bool:
    same = first.record["time_created"] == second.record["time_created"]
    return same and types([first, second]) == ["UPDATE", "UPDATE"]


ALERT_CASES: dict[str, Callable[[Sample], bool]] = {
    "EARLYWARNING": lambda s: s.record["alert_type"] == "EARLYWARNING",
    "EARLY_WARNING": lambda s: s.record["alert_type"] == "EARLY_WARNING",
    "PRELIMINARY": lambda s: s.record["alert_type"] == "PRELIMINARY",
    "INITIAL": lambda s: s.record["alert_type"] == "INITIAL",
    "UPDATE": lambda s: s.record["alert_type"] == "UPDATE",
    "RETRACTION without event": lambda s: (
        s.record["alert_type"] == "RETRACTION" and s.record["event"] is None
    ),
    "early warning without a map": lambda s: (
        "EARLY" in s.record["alert_type"] and "skymap" in s.event and s.gw is None
    ),
    "sent before the merger": lambda s: s.record["time_created"] < s.event.get("time", ""),
    "combined map": lambda s: s.combined is not None and s.external["observatory"] == "Fermi",
    "coincidence without the key of the combined map": lambda s: (
        bool(s.external) and "combined_skymap" not in s.external
    ),
    "GCN notice id as text": lambda s: isinstance(s.external.get("gcn_notice_id"), str),
    "burst": lambda s: (
        s.event.get("group") == "Burst"
        and s.event["duration"] > 0
        and s.event["central_frequency"] > 0
        and s.event["properties"] == s.event["classification"] == {}
        and s.gw is not None
        and list(s.gw.columns) == ["UNIQ", "PROBDENSITY"]
    ),
    "CBC with a 2-D map": lambda s: (
        s.event.get("group") == "CBC"
        and s.gw is not None
        and list(s.gw.columns) == ["UNIQ", "PROBDENSITY"]
        and "DISTMEAN" not in s.gw.header
    ),
    "subsolar mass": lambda s: (
        s.event.get("search") == "SSM"
        and s.event["classification"] == {}
        and "HasSSM" in s.event["properties"]
        and s.event["mchirp_source"] is not None
    ),
    "unsigned UNIQ": lambda s: s.gw is not None and s.gw.header.get("TZERO1") == 2**63,
    "UNIQ not ascending": lambda s: s.gw is not None and bool(np.any(np.diff(s.gw.uniq) < 0)),
    "another number of rows": lambda s: (
        s.gw is not None
        and s.gw.header["CREATOR"] == "ligo-skymap-from-samples"
        and len(s.gw.uniq) == 16896
    ),
    "repeated card": lambda s: s.gw is not None and s.gw.header.count("DISTMEAN") == 2,
    "DISTMU infinite and negative": lambda s: (
        s.gw is not None
        and bool(np.isposinf(s.gw.columns.get("DISTMU", np.zeros(1))).any())
        and bool((s.gw.columns["DISTMU"] < 0).any())
    ),
    "schema of 2022": lambda s: (
        s.schema is not None and s.event != {} and "significant" not in s.event
    ),
    "GCN JSON with a map": lambda s: s.schema is None and s.gw is not None,
    "low significance": lambda s: s.event.get("significant") is False,
    "unknown key": lambda s: "comment" in s.record,
    "one detector": lambda s: len(s.event.get("instruments", [])) == 1,
    "mock": lambda s: s.record["superevent_id"].startswith("MS"),
    "test": lambda s: s.record["superevent_id"].startswith("TS"),
}

SUPEREVENT_CASES: dict[str, Callable[[list[Sample]], bool]] = {
    "preliminary repeated unchanged": lambda a: any(is_repeat(*pair) for pair in pairwise(a)),
    "two updates of one time": lambda a: any(share_time(*pair) for pair in pairwise(a)),
    "retraction without an earlier alert": lambda a: types(a) == ["RETRACTION"],
    "retracted, then confirmed": lambda a: types(a)[-2:] == ["RETRACTION", "INITIAL"],
    "far changes": lambda a: varies(a, "far"),
    "merger time changes": lambda a: varies(a, "time"),
    "all of a life": lambda a: len(set(types(a))) == 4,
}


@pytest.mark.parametrize("case", ALERT_CASES)
def test_some_alert_shows(case: str) -> None:
    assert any(ALERT_CASES[case](s) for s in samples())


@pytest.mark.parametrize("case", SUPEREVENT_CASES)
def test_some_superevent_shows(case: str) -> None:
    assert any(SUPEREVENT_CASES[case](alerts) for alerts in superevents())


def test_script_reproduces_the_committed_bytes(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "make_samples.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in FILES]
    different = [p.name for p in FILES if p.read_bytes() != (tmp_path / p.name).read_bytes()]
    assert different == []


def test_no_sample_can_be_taken_for_a_real_alert() -> None:
    for s in samples():
        superevent_id = s.record["superevent_id"]
        assert re.fullmatch(r"[MT]S26\d{4}[a-z]", superevent_id)
        assert s.record["urls"] == {
            "gracedb": f"https://example.org/superevents/{superevent_id}/view/"
        }


def test_names_tell_superevent_and_type_and_sort_by_time() -> None:
    for alerts in superevents():
        for number, s in enumerate(alerts, start=1):
            kind = s.record["alert_type"].lower()
            start = f"{s.record['superevent_id']}-{number:02}-{kind}"
            assert re.fullmatch(rf"{start}(-[a-z-]+)?\.(avro|json)", s.name)
        times = [s.record["time_created"] for s in alerts]
        assert times == sorted(times)


def test_samples_satisfy_the_published_schemas() -> None:
    """Except the format of 2022, and JSON's `combined_skymap`, required but absent in the field."""
    package = files("igwn_gwalert_schema")
    avro = fastavro.parse_schema(json.loads((package / "igwn.alerts.Alert.avsc").read_text()))
    json_schema = json.loads((package / "igwn.alerts.Alert.schema.json").read_text())
    coincidence = json_schema["properties"]["external_coinc"]["oneOf"][1]
    coincidence["required"].remove("combined_skymap")
    for path in FILES:
        s = sample(path)
        if s.event and "significant" not in s.event:
            continue
        assert fastavro.validate(s.record, avro, raise_errors=False), s.name
        if path.suffix == ".json":
            Draft202012Validator(json_schema).validate(json.loads(path.read_text()))


def test_map_rows_cover_the_sphere_once() -> None:
    for m in skymaps():
        ipix = m.uniq - 4 ** (m.level + 1)
        shift = 2 * (FINEST - m.level)
        start = np.sort(ipix << shift)
        end = np.sort((ipix + 1) << shift)
        assert start[0] == 0
        assert end[-1] == 12 * 4**FINEST
        assert (start[1:] == end[:-1]).all()
        assert m.header["MOCORDER"] == m.level.max()


def test_map_integrates_to_one() -> None:
    for m in skymaps():
        assert (m.columns["PROBDENSITY"] >= 0).all()
        assert m.probability.sum() == pytest.approx(1, abs=1e-9)


def test_bayestar_maps_have_the_rows_and_levels_of_bayestar() -> None:
    """Seven rounds on level 4: level 11 is reached only where the source is well localized."""
    finest = []
    for m in filter(lambda m: m.is_bayestar, skymaps()):
        assert len(m.uniq) == 19200
        assert m.level.min() == 4
        finest.append(m.level.max())
    assert max(finest) == 11


def test_burst_maps_have_empty_pixels_up_to_level_0() -> None:
    for m in skymaps():
        if m.header["CREATOR"] == "CWB":
            assert (m.level.min(), m.level.max()) == (0, 6)
            assert (m.columns["PROBDENSITY"][m.level < 6] == 0).all()


def radial_moments(m: Skymap) -> tuple[Any, Any]:
    """Integrate DISTNORM r^2 N(r; DISTMU, DISTSIGMA) r^k numerically, k = 0, 1, 2, for each row.

    Returns the rows where DISTMU is finite, and the moments, shape (3, rows).
    """
    rows = np.flatnonzero(np.isfinite(m.columns["DISTMU"]))
    mu, sigma, norm = (m.columns[k][rows, None] for k in ("DISTMU", "DISTSIGMA", "DISTNORM"))
    r = np.linspace(0, 1, 201) * (np.maximum(mu, 0) + 9 * sigma)
    density = norm * r**2 * np.exp(-(((r - mu) / sigma) ** 2) / 2) / np.sqrt(2 * np.pi) / sigma
    return rows, np.stack([np.trapezoid(density * r**k, r, axis=1) for k in (0, 1, 2)])


def test_distances_are_normalised_and_agree_with_the_header() -> None:
    maps = [m for m in skymaps() if "DISTMU" in m.columns]
    assert len(maps) >= 10
    for m in maps:
        rows, (total, first, second) = radial_moments(m)
        assert total == pytest.approx(1, abs=1e-4)
        weight = m.probability[rows] / m.probability[rows].sum()
        mean = weight @ first
        std = np.sqrt(weight @ second - mean**2)
        # The first of them, where the card is repeated.
        assert m.header["DISTMEAN", 0] == pytest.approx(mean, rel=1e-3)
        assert m.header["DISTSTD"] == pytest.approx(std, rel=1e-3)
        lost = ~np.isfinite(m.columns["DISTMU"])
        assert (m.columns["DISTNORM"][lost] == 0).all()
        assert (m.columns["DISTSIGMA"][lost] == 1).all()


def test_columns_have_the_units_of_the_field() -> None:
    expected = {"DISTMU": "Mpc", "DISTSIGMA": "Mpc", "DISTNORM": "Mpc-2", "PROBDENSITY": "sr-1"}
    for m in skymaps():
        units = {c.name: c.unit for c in m.hdu.columns if c.name != "UNIQ"}
        assert units == {name: expected[name] for name in units}
        assert {c.format for c in m.hdu.columns} == {"K", "D"}


def test_readme_names_every_file() -> None:
    text = (SAMPLES / "README.md").read_text()
    named = re.findall(r"`([MT]S\d{6}[a-z]+-[\w-]+\.(?:avro|json))`", text)
    assert sorted(set(named)) == [path.name for path in FILES]


def test_samples_are_small_enough_to_commit() -> None:
    assert sum(path.stat().st_size for path in FILES) < 15e6

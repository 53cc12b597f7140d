"""What must hold of any bytes: each target takes some, and raises only where Sirenflow is wrong."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import math
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

from builders import avro_alert, flat_map, json_alert, record, with_map
from every_stage import call_stage, make_products
from pages import assert_safe

from fuzz.mutations import (
    MARKUP,
    SUPEREVENT,
    Choices,
    full_record,
    valid_map,
    wild_alert,
    wild_map,
)
from sirenflow.alerts.alert import MAX_ALERT_BYTES, Alert, parse_alert
from sirenflow.errors import AlertError, SkymapError
from sirenflow.inbox.archives import source_items
from sirenflow.inbox.store import alert_path
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import read_skymap
from sirenflow.stages.extract import OF_OURS

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PLAIN_PATH = re.compile(
    r"[A-Za-z][A-Za-z0-9_-]{0,63}/[A-Z][A-Z0-9-]{0,63}/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}\.(avro|json)",
    re.ASCII,
)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]*[1-9])?Z")
_RESERVED = ("quarantine", "logs")


def parse(data: bytes) -> Alert | None:
    """Any bytes are an alert with a plain name, or there is a reason."""
    try:
        alert = parse_alert(data)
    except AlertError:
        return None
    assert alert.superevent_id.lower() not in _RESERVED
    assert _INSTANT.fullmatch(alert.time_created)
    assert _PLAIN_PATH.fullmatch(str(alert_path(alert)))
    assert alert.order[0] == alert.time_created.removesuffix("Z")
    assert len(alert.content_sha256) == len(alert.sha256) == 64
    json.dumps(alert.record, allow_nan=False)
    return alert


def skymap(data: bytes) -> dict[str, Any] | None:
    """Any bytes are a map with sane numbers, or there is a reason."""
    try:
        numbers = measure_skymap(read_skymap(data), (50, 90))
    except SkymapError:
        return None
    json.dumps(numbers, allow_nan=False)
    assert 0 <= numbers["peak_ra_deg"] < 360
    assert -90 <= numbers["peak_dec_deg"] <= 90
    assert 0 <= numbers["area_50_deg2"] <= numbers["area_90_deg2"] <= 41_253
    distances = [numbers[f"distance_p{percent}_mpc"] for percent in ("05", "50", "95")]
    if None not in distances:
        assert 0 <= distances[0] <= distances[1] <= distances[2]
    return numbers


def archive(data: bytes) -> int:
    """Any bytes hold some alerts, or there is a reason; nothing is unpacked without end."""
    found = 0
    with TemporaryDirectory() as name:
        for suffix in (".zip", ".tar.gz"):  # what it begins with says how a tar is compressed
            path = Path(name, f"x{suffix}")
            path.write_bytes(data)
            for item in source_items(path):
                assert item.data is None or item.problem is None
                assert item.data is None or len(item.data) <= MAX_ALERT_BYTES
                found += item.data is not None
    return found


def products(data: bytes) -> None:
    """Decide by bytes on some alerts of a superevent; what comes of them is safe and finite."""
    choices = Choices(data)
    alerts = [wild_alert(choices) for _ in range(1 + choices.below(3))]
    with TemporaryDirectory() as name:
        inbox = Path(name, "inbox", SUPEREVENT, "UPDATE")
        inbox.mkdir(parents=True)
        for data in alerts:
            (inbox / f"{sha256(data).hexdigest()[:16]}.json").write_bytes(data)
        event = make_products(call_stage, sorted(inbox.iterdir()), Path(name, "results"))
        check_products(event, len(set(alerts)))


def check_products(event: Path, alerts: int) -> None:
    """Check that every alert is told of, and that nothing hostile is left in any product."""
    said = json.loads((event / "alerts.json").read_text())
    told = sum(1 + len(alert["also_received_as"]) for alert in said["alerts"])
    assert told + len(said["rejected"]) == alerts
    for name in ("alerts.json", "localization.json"):
        assert OF_OURS not in (event / name).read_text()
    for path in event.parent.rglob("*"):
        if path.suffix in (".html", ".atom", ".vot"):
            assert MARKUP not in path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            assert_safe(path.read_text(encoding="utf-8"))
        if path.suffix in (".atom", ".vot"):
            for element in ET.parse(path).iter():  # noqa: S314 - of our own making
                assert re.match(r"https?://|urn:|[\w.%/-]*$", element.get("href", ""))
        if path.suffix in (".json", ".geojson"):
            json.loads(path.read_text(encoding="ascii"), parse_constant=_refuse)
        if path.suffix in (".txt", ".csv", ".ecsv", ".reg"):
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", path.read_text())
        if path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as lines:
                assert not any(map(_is_formula, itertools.chain(*csv.reader(lines))))


def _is_formula(cell: str) -> bool:
    """Tell whether a spreadsheet would run a cell: it begins as a formula, and is no number."""
    return bool(re.match(r"[=+\-@\t\r]", cell)) and not re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", cell)


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} in a JSON file")


# ------------------------------------------------------------------------------------- seeds


def _random(seed: int, length: int) -> bytes:
    """Give bytes that are always the same."""
    parts = (sha256(f"{seed}/{n}".encode()).digest() for n in range(math.ceil(length / 32)))
    return b"".join(parts)[:length]


def _wild(make: Callable[[Choices], bytes], count: int) -> Iterator[bytes]:
    return (make(Choices(_random(seed, 400))) for seed in range(count))


def parse_seeds() -> Iterator[bytes]:
    """Give alerts right and wrong, in both encodings."""
    yield from (b"", b"{}", b"Obj\x01", json_alert(record()), json_alert(full_record()))
    yield from (avro_alert(with_map(b"SIMPLE"), codec=codec) for codec in ("null", "deflate"))
    yield avro_alert(record(event=None, alert_type="RETRACTION"))
    yield json.dumps({"format": "json", "content": record(superevent_id="S1234-a")}).encode()
    yield json_alert(record(alert_type="Pre_Merger", time_created="2016-12-31 18:59:60.25-05:00"))
    yield from _wild(wild_alert, 60)


def skymap_seeds() -> Iterator[bytes]:
    """Give maps right and wrong."""
    yield from (b"", flat_map(), flat_map(1), valid_map(), valid_map(1), valid_map(distance=False))
    yield from _wild(wild_map, 100)


def archive_seeds() -> Iterator[bytes]:
    """Give archives of every kind, right and cut short."""
    small, large = json_alert(record()), bytes(20_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.json", small)
        packed.writestr("b/", b"")
        packed.writestr("README", large)
    yield stream.getvalue()
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
            for name, data in (("a.json", small), ("é" * 120 + ".json", small), ("README", large)):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        data = stream.getvalue()
        yield from (data, data[:3000], gzip.compress(data, mtime=0), bz2.compress(data))
        yield from (lzma.compress(data, preset=0), zstd.compress(data))


def products_seeds() -> Iterator[bytes]:
    """Give decisions, few and many."""
    yield from (b"", b"\0", b"\xff" * 200)
    yield from (_random(seed, 100 + 10 * seed) for seed in range(60))


TARGETS: dict[str, tuple[Callable[[bytes], object], Callable[[], Iterator[bytes]]]] = {
    "parse": (parse, parse_seeds),
    "skymap": (skymap, skymap_seeds),
    "archive": (archive, archive_seeds),
    "products": (products, products_seeds),
}

"""The same alert in Avro and in JSON has one content hash; two different alerts never have."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from builders import SYNC, avro_alert, json_alert, record, schema_with, with_map
from hypothesis import given
from hypothesis import strategies as st
from paths import SAMPLE_ALERTS

from sirenflow.alerts.alert import parse_alert

AVRO_SAMPLES = [path for path in SAMPLE_ALERTS if path.suffix == ".avro"]
PUBLISHED = fastavro.parse_schema(
    json.loads((files("igwn_gwalert_schema") / "igwn.alerts.Alert.avsc").read_text())
)
MAPS = (("event", "skymap"), ("external_coinc", "combined_skymap"))


def content(data: bytes) -> str:
    return parse_alert(data).content_sha256


@cache
def sent(path: Path) -> dict[str, Any]:
    """Give the record of a sample, its maps as bytes."""
    if path.suffix == ".avro":
        with path.open("rb") as stream:
            (alert,) = fastavro.reader(stream)
        return dict(alert)
    alert = json.loads(path.read_text())
    for place, key in MAPS:
        if alert[place] and alert[place].get(key):
            alert[place][key] = base64.b64decode(alert[place][key])
    return dict(alert)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def with_integers(value: Any) -> Any:
    """Write numbers as JavaScript does: 1, where Python and Avro have 1.0."""
    if isinstance(value, dict):
        return {key: with_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def backwards(value: Any) -> Any:
    """Turn the order of the keys round."""
    if isinstance(value, dict):
        return {key: backwards(item) for key, item in reversed(value.items())}
    return value


def as_is(value: Any) -> Any:
    return value


# ----------------------------------------------------------------------------------- the same


@pytest.mark.parametrize("write", [as_is, without_nulls, with_integers, backwards])
@pytest.mark.parametrize("path", AVRO_SAMPLES, ids=lambda path: path.stem)
def test_avro_sample_written_as_json_is_the_same_alert(path: Path, write: Any) -> None:
    data = json_alert(write(sent(path)))
    assert content(data) == content(path.read_bytes())
    assert parse_alert(data).sha256 != parse_alert(path.read_bytes()).sha256


@pytest.mark.parametrize(
    "path", [path for path in SAMPLE_ALERTS if path.suffix == ".json"], ids=lambda path: path.stem
)
def test_json_sample_written_by_the_published_schema_is_the_same_alert(path: Path) -> None:
    stream = BytesIO()
    fastavro.writer(stream, PUBLISHED, [sent(path)], codec="deflate")
    assert content(stream.getvalue()) == content(path.read_bytes())


def test_containers_of_one_record_are_the_same_alert() -> None:
    alert = with_map(b"map")
    plain, packed = avro_alert(alert), avro_alert(alert, codec="deflate")
    other_marker = plain.replace(SYNC, b"fedcba9876543210")
    assert len({plain, packed, other_marker}) == 3
    assert len({content(data) for data in (plain, packed, other_marker)}) == 1


def test_samples_are_all_different_alerts() -> None:
    assert len({content(path.read_bytes()) for path in SAMPLE_ALERTS}) == len(SAMPLE_ALERTS)


def test_both_spellings_of_early_warning_are_the_same() -> None:
    old, new = (record(alert_type=spelling) for spelling in ("EARLY_WARNING", "EARLYWARNING"))
    assert content(avro_alert(old)) == content(json_alert(new))


@pytest.mark.parametrize(
    ("double", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (1e300, "1e300"),
        (1e22, "10000000000000000000000"),
        (0.1, "0.1000000000000000055"),
        (5e-324, "4.9e-324"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (float("inf"), "1e999"),
    ],
)
def test_number_is_the_same_however_json_writes_it(double: float, text: str) -> None:
    alert = record(event={"time": "", "far": double, "skymap": None})
    data = json_alert(record(event={"time": "", "far": 0.125, "skymap": None}))
    assert content(data.replace(b"0.125", text.encode())) == content(avro_alert(alert))


@given(st.dictionaries(st.text(), st.floats(), max_size=3))
def test_any_doubles_are_the_same(probabilities: dict[str, float]) -> None:
    schema = schema_with(properties={"type": "map", "values": "double"})
    alert = record(properties=probabilities)
    assert content(avro_alert(alert, schema=schema)) == content(json_alert(alert))


# -------------------------------------------------------------------------------- different


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give where each value of a record is that holds no other."""
    if isinstance(value, dict | list) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*place, key))
    else:
        yield place


def other(value: Any, key: object) -> Any:
    """Give another value of the same type, and one that the alert may have in its place."""
    match value:
        case None:
            return 0.5
        case bool():
            return not value
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case int() | float():
            return value + 1e-9 * max(abs(value), 1e-9)
        case str() if key == "superevent_id":
            return value + "z"
        case str() if key == "alert_type":
            return "UPDATE" if value != "UPDATE" else "INITIAL"
        case str() if key == "time_created":
            return value.removesuffix("Z") + ".5Z"
        case str():
            return value + "?"
        case _:
            return type(value)() if value else ["new"]


# All kinds of record; the maps of the others are as these.
LEAFY = [
    next(path for path in SAMPLE_ALERTS if part in path.name)
    for part in ("06-update-fermi", "ssm", "TS260902f-03-retraction", "neutrinos", "MS260607d-01")
]


@pytest.mark.parametrize("path", LEAFY, ids=lambda path: path.stem)
def test_another_leaf_is_another_alert(path: Path) -> None:
    # A long map would be encoded at each leaf.
    alert = copy.deepcopy(sent(path))
    for place, key in MAPS:
        if alert[place] and alert[place].get(key):
            alert[place][key] = alert[place][key][:5000]
    seen = {content(json_alert(alert))}
    places = list(leaves(alert))
    for place in places:
        changed = copy.deepcopy(alert)
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = other(holder[place[-1]], place[-1])
        seen.add(content(json_alert(changed)))
    assert len(seen) == len(places) + 1


def test_values_that_are_alike_are_told_apart() -> None:
    values = ["", "0", "1", False, True, 0, 1, 1.5, 2**53, 2**53 + 1, 10**400, 10**400 + 1]
    values += [[], [None], [0], [False], {}, {"0": 0}, {"a": {}}]
    alerts = [record(), record(urls={}), *(record(note=value) for value in values)]
    assert len({content(json_alert(alert)) for alert in alerts}) == len(alerts)


@pytest.mark.parametrize("bad", [(1, 2), ("a", "b"), ("!!!!", "!???"), ([1], [2])])
def test_maps_that_cannot_be_recovered_make_no_alerts_the_same(bad: tuple[Any, Any]) -> None:
    """The record holds the same reason for both."""
    first, second = (json_alert(with_map(skymap)) for skymap in bad)
    assert parse_alert(first).record == parse_alert(second).record
    assert content(first) != content(second)
    assert content(first) == parse_alert(first).sha256

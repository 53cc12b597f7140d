"""Any bytes, any mutation of an alert, any record with wild values: an alert, or a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import avro_alert, json_alert, with_map
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import ROOT

from fuzz.mutations import Choices, full_record, mutated_bytes, valid_map, wild_alert, wild_map
from fuzz.targets import (
    TARGETS,
    archive,
    archive_seeds,
    parse,
    parse_seeds,
    products,
    skymap,
    skymap_seeds,
)

ALERTS = (
    json_alert(full_record()),
    json_alert(with_map(valid_map())),
    avro_alert(with_map(valid_map())),
    avro_alert(with_map(valid_map()), codec="deflate"),
)
DECISIONS = st.binary(min_size=100, max_size=600)

TESTS = ROOT / "tests"


@given(st.binary(), st.sampled_from([b"", b"Obj\x01", b"{", b'{"superevent_id":']))
def test_any_bytes_are_an_alert_or_there_is_a_reason(data: bytes, start: bytes) -> None:
    parse(start + data)


@given(st.sampled_from(ALERTS), DECISIONS)
@settings(max_examples=300)
def test_any_mutation_of_a_valid_alert_is_an_alert_or_there_is_a_reason(
    valid: bytes, decisions: bytes
) -> None:
    alert = parse(mutated_bytes(valid, Choices(decisions)))
    for attached in alert.maps if alert else ():
        skymap(attached.data)


@given(DECISIONS)
@settings(max_examples=300)
def test_any_record_with_wild_values_is_an_alert_or_there_is_a_reason(decisions: bytes) -> None:
    parse(wild_alert(Choices(decisions)))


@given(st.binary(), st.sampled_from([b"", b"SIMPLE  =", b"\x1f\x8b\x08", valid_map()]))
def test_any_bytes_are_a_map_or_there_is_a_reason(data: bytes, start: bytes) -> None:
    skymap(start + data)


@given(DECISIONS)
@settings(max_examples=300)
def test_any_map_with_wild_values_has_sane_numbers_or_there_is_a_reason(decisions: bytes) -> None:
    skymap(wild_map(Choices(decisions)))


@given(st.sampled_from([*archive_seeds()]), DECISIONS)
@settings(max_examples=300)
def test_any_mutation_of_an_archive_gives_alerts_or_a_reason(
    valid: bytes, decisions: bytes
) -> None:
    archive(mutated_bytes(valid, Choices(decisions)))


@given(DECISIONS)
@settings(max_examples=25)
def test_products_of_wild_alerts_are_safe(decisions: bytes) -> None:
    products(decisions)


def test_the_fuzzer_begins_with_alerts_and_maps_of_which_many_are_read() -> None:
    assert sum(parse(data) is not None for data in parse_seeds()) > 30
    assert sum(skymap(data) is not None for data in skymap_seeds()) > 30
    assert sum(archive(data) > 0 for data in archive_seeds()) > 8


@pytest.mark.parametrize("target", TARGETS)
def test_a_find_is_repeated_by_its_file(target: str, tmp_path: Path) -> None:
    file = tmp_path / "crash-1"
    file.write_bytes(next(TARGETS[target][1]()))
    command = [sys.executable, "-m", "fuzz", target, str(file)]
    path = os.pathsep.join([str(TESTS), str(TESTS / "support")])
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)

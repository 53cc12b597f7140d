"""The words of the user guide's sample code, for every kind of alert."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from builders import (
    avro_alert,
    fits_map,
    flat_columns,
    flat_map,
    json_alert,
    record,
    same_distance_columns,
    with_map,
)
from paths import SAMPLES

from sirenflow.alerts.alert import parse_alert
from sirenflow.superevent.alert_text import describe

MAP = fits_map(
    same_distance_columns(40.0, 8.0), {"DISTMEAN": 39.76999609489013, "DISTSTD": 8.308435058808886}
)


def described(content: dict[str, object]) -> list[str]:
    return describe(parse_alert(json_alert(content))).splitlines()


def test_position_and_distance_are_printed_in_full() -> None:
    first, second, third, *_ = described(with_map(MAP))
    sentence = r"Most probable sky location \(RA, Dec\) = \((\S+), (\S+)\)"
    found = re.fullmatch(sentence, first)
    assert found is not None
    centre = (45, math.degrees(math.asin(2 / 3)))
    assert tuple(map(float, found.groups())) == pytest.approx(centre, rel=1e-14)
    assert second == "Distance = 39.76999609489013 +/- 8.308435058808886"
    assert third == "Record:"


def test_record_is_printed_without_its_maps() -> None:
    text = describe(parse_alert(avro_alert(with_map(MAP))))
    assert "'superevent_id': 'MS260101a'" in text
    assert "skymap" not in text.split("Record:")[1]
    assert "sha256" not in text


def test_combined_map_is_told_apart() -> None:
    lines = described(with_map(MAP, external_coinc={"combined_skymap": flat_map()}))
    assert lines[2].startswith("Most probable sky location of the combined sky map")
    assert lines[3] == "Distance of the combined sky map: not provided"


def test_map_without_distance_says_so() -> None:
    assert described(with_map(flat_map()))[1] == "Distance: not provided"


def test_alert_without_map_says_so() -> None:
    assert described(record())[0] == "No sky map"


def test_retraction_says_so() -> None:
    lines = described(record(alert_type="RETRACTION", event=None))
    assert lines[:2] == ["MS260101a was retracted", "Record:"]


@pytest.mark.parametrize(
    ("skymap", "reason"),
    [
        (b"<VOTABLE>", "expected a FITS file"),
        (5, "the sky map is a number; expected the bytes of a FITS file"),
        (
            fits_map({**flat_columns(), "PROBDENSITY": np.full(12, np.nan)}),
            "is not a number in 12 of 12 rows",
        ),
    ],
)
def test_broken_map_gives_the_reason_and_the_record(skymap: object, reason: str) -> None:
    lines = described(with_map(skymap))
    assert lines[0].startswith("No position or distance")
    assert reason in lines[0]
    assert "Record:" in lines


def test_hostile_text_does_not_reach_the_terminal() -> None:
    hostile = "\x1b[2J\r\n\u202e\ud800\0"
    text = describe(parse_alert(json_alert(record(urls={hostile: hostile}, pipeline=hostile))))
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("text", ["40 Mpc", "x" * 60, True])
def test_distance_that_is_no_number_does_not_crash(text: object) -> None:
    described(with_map(fits_map(same_distance_columns(40.0, 8.0), {"DISTMEAN": text})))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*-0*.*")), ids=lambda path: path.name)
def test_every_sample_is_described(path: Path) -> None:
    alert = parse_alert(path.read_bytes())
    text = describe(alert)
    assert alert.superevent_id in text
    assert text.count("Most probable sky location") == len(alert.maps)

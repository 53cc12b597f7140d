"""What a message that cannot be read says of itself."""

from __future__ import annotations

import base64
import json

import pytest
from builders import avro_alert, json_alert, record
from paths import SAMPLE_ALERTS

from sirenflow.alerts.alert_type import ALERT_TYPES, read_type
from sirenflow.alerts.claimed_identity import (
    ClaimedIdentity,
    read_claimed_identity,
    search_claimed_identity,
)

RETRACTION = ClaimedIdentity("S240422ed", "RETRACTION", "2024-04-22T22:00:00+02:00")
SENT = record(**vars(RETRACTION), event=None)


@pytest.mark.parametrize(
    "data",
    [
        json_alert(SENT),
        json_alert(SENT)[:-20],
        json.dumps(SENT, indent=4).encode(),
        b"\xef\xbb\xbf" + json_alert(SENT),
        b"\x00\xff" + json_alert(SENT) + b"\xff" * 1000,
        json.dumps({"format": "json", "content": json.dumps(SENT)}).encode(),
        json.dumps([SENT, SENT]).encode(),
    ],
    ids=["whole", "cut", "indented", "byte-order mark", "garbage around", "in a text", "list"],
)
def test_json_says_which_superevent_type_and_time(data: bytes) -> None:
    assert search_claimed_identity(data) == RETRACTION


def test_the_first_of_each_counts() -> None:
    data = json_alert(SENT) + json_alert(record(superevent_id="S999999zz"))
    assert search_claimed_identity(data) == RETRACTION


def test_avro_says_which_superevent_and_when_whole_or_cut() -> None:
    for kind in (*ALERT_TYPES, "retraction", "Early_Warning", "RETRACTION "):
        sent = {"alert_type": kind, "time_created": "2024-04-22 22:00:00"}
        data = avro_alert(record(superevent_id="S240422ed", **sent))
        said = ClaimedIdentity("S240422ed", read_type(kind.strip()), "2024-04-22 22:00:00")
        assert search_claimed_identity(data) == search_claimed_identity(data[:-40]) == said


@pytest.mark.parametrize("sent", ["RETRACTION ", "\tRetraction\r\n", "retrac_tion"])
def test_known_type_is_a_claim_in_any_spelling(sent: str) -> None:
    assert read_claimed_identity({"alert_type": sent}).alert_type == "RETRACTION"
    assert read_claimed_identity({"alert_type": "Pre_Merger "}).alert_type == "Pre_Merger"


def test_type_without_its_length_before_it_is_not_a_claim() -> None:
    data = b"no RETRACTION of S240422ed, \x12RETRACTION"
    assert search_claimed_identity(data) == ClaimedIdentity("S240422ed")


def test_samples_cut_short_say_which_superevent() -> None:
    assert SAMPLE_ALERTS
    for file in SAMPLE_ALERTS:
        found = search_claimed_identity(file.read_bytes()[:4096])
        assert found.superevent_id == file.name.split("-")[0], file.name


def test_text_with_its_length_before_it_comes_before_any_other() -> None:
    data = b"see https://example.org/S230101a \x12S240422ed S230101b"
    assert search_claimed_identity(data).superevent_id == "S240422ed"
    assert search_claimed_identity(data[:33]).superevent_id == "S230101a"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc",
        "S1/..",
        "",
        "S" * 65,
        "1S",
        "S1\n",
        "S1 ",
        "S\u0661",
        "{S1}",
        "-S1",
        ".S1",
        "S.1",
    ],
)
def test_what_is_unsafe_as_a_name_is_not_a_claim(name: str) -> None:
    sent = record(superevent_id=name, alert_type=f"{name}/", time_created=f"{name}/", urls=...)
    assert read_claimed_identity(sent) == ClaimedIdentity()
    assert search_claimed_identity(json_alert(sent)) == ClaimedIdentity()


def test_unusual_names_are_claims() -> None:
    for name in ("S1234", "s240422ed", "GW170817", "X" * 64, "a-b_c"):
        assert search_claimed_identity(json_alert(record(superevent_id=name))).superevent_id == name


@pytest.mark.parametrize("value", [None, 3, [], {}, b"S240422ed", float("nan"), "\ud800"])
def test_values_of_any_type_are_no_claims(value: object) -> None:
    assert read_claimed_identity(dict.fromkeys(vars(RETRACTION), value)) == ClaimedIdentity()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(range(256)),
        b"no alert",
        base64.b64encode(b"S240422e" * 99),
        b'"' * 10_000,
        b"\\" * 10_000,
    ],
)
def test_bytes_without_any_have_none(data: bytes) -> None:
    assert search_claimed_identity(data) == ClaimedIdentity()


def test_search_takes_a_time_proportional_to_the_length() -> None:
    """Each of these has a hundred thousand places where a match begins and fails late."""
    for part in (
        b'"superevent_id\\\\\\\\"  :  \\\\"',
        b"S240422",
        b"2024-04-22T10:00:0",
        b"   EARLY_WARNIN",
        b"\\\\\\",
    ):
        assert search_claimed_identity(part * 100_000) == ClaimedIdentity()

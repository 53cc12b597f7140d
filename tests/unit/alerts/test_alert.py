"""An alert is decoded as it was sent, or refused with a reason; never anything else."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import fastavro
import pytest
from builders import avro_alert, flat_map, json_alert, record, schema_with, with_map
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.alerts.alert import Alert, parse_alert
from sirenflow.errors import AlertError

SKYMAP = flat_map()
AVRO = avro_alert(with_map(b"not a map"))
JSON = json_alert(with_map(b"not a map"))


def alert_or_reason(data: bytes) -> Alert | str:
    """Decode; whatever is neither an alert nor an AlertError fails the test."""
    try:
        alert = parse_alert(data)
    except AlertError as error:
        return str(error)
    json.dumps(alert.record, allow_nan=False, indent=1).encode("ascii")
    return alert


# ---------------------------------------------------------------------------- what was sent


@pytest.mark.parametrize("write", [avro_alert, json_alert])
def test_record_and_maps_are_as_sent(write: Any) -> None:
    data = write(with_map(SKYMAP, external_coinc={"combined_skymap": b"other"}))
    alert = parse_alert(data)
    description = {"sha256": hashlib.sha256(SKYMAP).hexdigest(), "size_bytes": len(SKYMAP)}
    other = {"sha256": hashlib.sha256(b"other").hexdigest(), "size_bytes": 5}
    assert alert.record == with_map(description, external_coinc={"combined_skymap": other})
    assert [(m.kind, m.data, m.error) for m in alert.maps] == [
        ("gw", SKYMAP, None),
        ("combined", b"other", None),
    ]
    assert (alert.sha256, alert.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert alert.encoding == write.__name__.removesuffix("_alert")


def test_early_warning_of_2022_is_an_early_warning() -> None:
    alert = parse_alert(avro_alert(record(alert_type="EARLY_WARNING")))
    assert alert.alert_type == "EARLYWARNING"
    assert alert.record["alert_type"] == "EARLY_WARNING"


def test_absent_stays_absent_and_null_stays_null() -> None:
    sent = record(external_coinc=..., urls=None)
    assert parse_alert(json_alert(sent)).record == sent


def test_unknown_keys_are_kept_and_their_bytes_are_base64() -> None:
    schema = schema_with(blob="bytes", more={"type": "array", "items": "bytes"})
    sent = record(blob=b"\xff\x00", more=[b"a"])
    kept = parse_alert(avro_alert(sent, schema=schema)).record
    assert base64.b64decode(kept["blob"]["base64"]) == b"\xff\x00"
    assert [base64.b64decode(item["base64"]) for item in kept["more"]] == [b"a"]


@pytest.mark.parametrize(
    ("far", "text"),
    [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")],
)
@pytest.mark.parametrize("write", [avro_alert, json_alert])
def test_non_finite_far_is_told_in_words(write: Any, far: float, text: str) -> None:
    sent = record(event={"time": "", "far": far, "skymap": None})
    assert parse_alert(write(sent)).record["event"]["far"] == text


def test_number_beyond_a_double_is_infinite() -> None:
    data = JSON.replace(b"1e-09", b"1e999")
    assert parse_alert(data).record["event"]["far"] == "Infinity"


def test_logical_types_become_text() -> None:
    schema = schema_with(
        when={"type": "long", "logicalType": "timestamp-millis"},
        day={"type": "int", "logicalType": "date"},
        cost={"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
        key={"type": "string", "logicalType": "uuid"},
    )
    sent = record(
        when=datetime(2026, 1, 1, tzinfo=UTC),
        day=date(2026, 1, 1),
        cost=b"\x04\xd2",
        key=UUID(int=1),
    )
    kept = parse_alert(avro_alert(sent, schema=schema)).record
    assert (kept["day"], kept["key"]) == ("2026-01-01", str(UUID(int=1)))
    assert kept["cost"] == {"base64": "BNI="}  # a decimal, but the time of a long one is too long
    assert kept["when"].startswith("2026-01-01")


def test_lone_surrogate_is_kept_and_can_be_written() -> None:
    alert = alert_or_reason(JSON.replace(b"https://example.org", b"\\ud800"))
    assert isinstance(alert, Alert)
    assert alert.record["urls"]["gracedb"].startswith("\ud800")


@pytest.mark.parametrize("event", [None, "text", [1], 5, {}, {"skymap": None}])
@pytest.mark.parametrize("alert_type", ["INITIAL", "RETRACTION"])
def test_alert_without_a_usable_event_is_an_alert_without_maps(
    event: object, alert_type: str
) -> None:
    sent = record(event=event, alert_type=alert_type)
    alert = parse_alert(json_alert(sent))
    assert alert.maps == ()
    assert alert.record == sent


def test_event_may_be_null_in_avro_outside_a_retraction() -> None:
    assert parse_alert(avro_alert(record(event=None))).record["event"] is None


@pytest.mark.parametrize(
    ("skymap", "reason"),
    [
        (5, "the sky map is a number; expected the bytes of a FITS file"),
        (True, "is true or false; expected"),
        ([1], "is a list; expected"),
        ({"a": 1}, "is an object; expected"),
        ("not base64!", "base64 text has '!' as character 10; expected letters, digits"),
        ("ümlaut", r"has '\xfc' as character 1; expected"),
        ("QUJ", "the sky map's base64 text is cut short: 3 characters; expected a multiple of 4"),
        ("QQ==QQ==", "is damaged: '=' comes before its end"),
    ],
)
def test_map_of_the_wrong_type_costs_the_map_and_not_the_alert(skymap: object, reason: str) -> None:
    alert = parse_alert(json_alert(with_map(skymap)))
    (attached,) = alert.maps
    assert attached.error is not None
    assert reason in attached.error
    assert (attached.data, attached.sha256) == (b"", None)
    assert alert.record["event"]["skymap"] == {"error": attached.error}


def test_text_where_avro_has_bytes_costs_the_map_only() -> None:
    schema = schema_with(event={"type": "map", "values": "string"})
    alert = parse_alert(avro_alert(record(event={"skymap": "a text"}), schema=schema))
    assert "base64" in (alert.maps[0].error or "")


# ------------------------------------------------------------------------------------- order


def test_alerts_sort_by_time_then_life_cycle_then_hash() -> None:
    def alert(kind: str, time: str, note: str = "") -> Alert:
        return parse_alert(json_alert(record(alert_type=kind, time_created=time, note=note)))

    early = alert("UPDATE", "2026-01-01T00:00:00Z")
    same_time = [
        alert(kind, "2026-01-01T00:00:01Z")
        for kind in ("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION")
    ]
    twins = [alert("INITIAL", "2026-01-01T00:00:02Z", note) for note in "abcd"]
    twins.sort(key=lambda twin: hashlib.sha256(json_alert(twin.record)).hexdigest())
    ordered = [early, *same_time, *twins]
    backwards = ordered[::-1]
    assert sorted(backwards, key=lambda a: a.order) == ordered


@pytest.mark.parametrize("note", "abcd")
def test_update_with_a_coincidence_is_the_later_of_its_second(note: str) -> None:
    """The official update and ext-update share their second; a hash would choose by chance."""
    plain = parse_alert(json_alert(record(note=note, external_coinc=None)))
    coincident = parse_alert(json_alert(record(external_coinc={"observatory": "Fermi"})))
    assert plain.order < coincident.order


def test_fraction_of_a_second_sorts_after_the_whole_second() -> None:
    times = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:01Z"]
    alerts = [parse_alert(json_alert(record(time_created=time))) for time in times]
    assert [a.time_created for a in sorted(alerts, key=lambda a: a.order)] == times


def test_time_in_any_spelling_is_read_in_utc_and_kept_as_sent() -> None:
    for sent, read in {
        "2018-11-01 22:36:25": "2018-11-01T22:36:25Z",
        "2018-11-01t23:36:25.25+01:00": "2018-11-01T22:36:25.25Z",
        "2016-12-31T23:59:60Z": "2016-12-31T23:59:60Z",
    }.items():
        alert = parse_alert(json_alert(record(time_created=sent)))
        assert alert.time_created == read
        assert alert.record["time_created"] == sent


def test_alerts_sort_by_instant_whatever_the_spelling() -> None:
    times = [
        "2026-01-01T00:59:59.9999999999+01:00",
        "2026-01-01 00:00:00",
        "2026-01-01T02:00:00.0000000001+02:00",
        "2025-12-31T19:00:01-05:00",
    ]
    alerts = [parse_alert(json_alert(record(time_created=time))) for time in times]
    backwards = alerts[::-1]
    assert sorted(backwards, key=lambda alert: alert.order) == alerts


def test_same_instants_and_type_in_other_spellings_are_the_same_content() -> None:
    plain = {"time": "2026-01-01T00:05:00.123Z", "far": 1e-9}
    same = {**plain, "time": "2026-01-01 01:05:00.1230+01"}
    one = parse_alert(json_alert(record(event=plain)))
    other = parse_alert(
        json_alert(record(alert_type="Preliminary", time_created="2026-01-01T01:10+01", event=same))
    )
    later = parse_alert(json_alert(record(event={**plain, "time": "2026-01-01T00:05:00.124Z"})))
    assert one.content_sha256 == other.content_sha256
    assert one.content_sha256 != later.content_sha256


def test_event_time_that_cannot_be_read_is_kept_and_compared_as_sent() -> None:
    one, other = (
        parse_alert(json_alert(record(event={"time": time}))) for time in ("yesterday", "today")
    )
    assert one.record["event"]["time"] == "yesterday"
    assert one.content_sha256 != other.content_sha256


# ---------------------------------------------------------------------------------- refusal


@pytest.mark.parametrize(
    "superevent_id",
    [
        *("", "S230518h ", "-S230518h", "_S230518h", "1S230518h", "S230518.h", "S230518h~"),
        *("quarantine", "Quarantine", "logs", "LOGS", "con", "Nul", "COM1", "lpt9"),
        *("../../x", "/etc/passwd", "S230518h/..", "S230518h\n", "S230518h\0", "{superevent}"),
        *("S２３０５１８h", "Ѕ230518h", "\u202eS230518h", "S230518" + "h" * 58, "\ud800"),
        *(";$(reboot)", "<script>", None, 5, ["S230518h"], ...),
    ],
)
def test_superevent_id_that_is_none_is_refused(superevent_id: object) -> None:
    with pytest.raises(AlertError, match="superevent_id") as caught:
        parse_alert(json_alert(record(superevent_id=superevent_id)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "superevent_id",
    [
        *("S230518h", "MS230518abc", "TS230518z", "S1234", "S2468", "MS181101ab2", "M1234567"),
        *("s230518h", "S230518H", "GW250101_123456", "S1234-a", "X", "S" + "9" * 63, "log", "MAB"),
    ],
)
def test_superevent_ids_that_are_safe_as_names_are_accepted(superevent_id: str) -> None:
    alert = parse_alert(json_alert(record(superevent_id=superevent_id)))
    assert alert.superevent_id == superevent_id


@pytest.mark.parametrize(
    "alert_type",
    [
        *("", "..", "a b", "a/b", "UPDATE\n", "-UPDATE", "1ST", "_", "X" * 65, "_" * 64 + "X"),
        *("RETRACTıON", "ﬁ", "ＵＰＤＡＴＥ", None, 1, ["UPDATE"], ...),
    ],
)
def test_alert_type_that_is_not_a_plain_word_is_rejected(alert_type: object) -> None:
    with pytest.raises(AlertError, match="alert_type") as caught:
        parse_alert(json_alert(record(alert_type=alert_type)))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        *(
            ("preliminary", "PRELIMINARY"),
            ("Initial", "INITIAL"),
            ("early_warning", "EARLYWARNING"),
        ),
        *(("EarlyWarning", "EARLYWARNING"), ("_update_", "UPDATE"), ("retraction", "RETRACTION")),
        *(("PREMERGER", "PREMERGER"), ("Pre_Merger", "Pre_Merger"), ("retracted", "retracted")),
        *(("EARLY-WARNING", "EARLY-WARNING"), ("UPDATE2", "UPDATE2")),
    ],
)
def test_known_type_is_found_in_any_spelling_and_an_unknown_one_is_as_sent(
    sent: str, read: str
) -> None:
    alert = parse_alert(json_alert(record(alert_type=sent)))
    assert alert.alert_type == read
    assert alert.record["alert_type"] == sent


def test_unknown_type_sorts_by_time_and_before_the_known_ones_of_its_instant() -> None:
    times = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]
    sent = [
        (times[0], "UPDATE"),
        (times[1], "PREMERGER"),
        (times[1], "EARLYWARNING"),
        (times[1], "RETRACTION"),
        (times[2], "PREMERGER"),
    ]
    alerts = [parse_alert(json_alert(record(time_created=t, alert_type=k))) for t, k in sent]
    backwards = alerts[::-1]
    ordered = sorted(backwards, key=lambda alert: alert.order)
    assert [(a.time_created, a.alert_type) for a in ordered] == sent


@pytest.mark.parametrize(
    "time",
    [
        *("", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"),
        *("2026-01-01T25:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01 00:00:00 EST", "../x"),
        *("2026-01-01T00:00:00+24:00", "２０26-01-01T00:00:00Z", 1700000000, None, ...),
    ],
)
def test_time_created_without_one_meaning_is_rejected(time: object) -> None:
    with pytest.raises(AlertError, match="time_created"):
        parse_alert(json_alert(record(time_created=time)))


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"\0" * 100, b"[]", b"null", b"SIMPLE  =", b"PK\x03\x04", b"<html>", b"\xff\xfe{"],
)
def test_what_is_neither_avro_nor_json_is_refused(data: bytes) -> None:
    with pytest.raises(AlertError, match="expected"):
        parse_alert(data)


@pytest.mark.parametrize("data", [b"{", b"{}", b'{"a": 1} {', b'{"a": \xff}', b"{'a': 1}"])
def test_json_that_is_no_alert_is_refused(data: bytes) -> None:
    with pytest.raises(AlertError):
        parse_alert(data)


def test_size_is_judged_before_anything_is_decoded() -> None:
    assert parse_alert(JSON, max_bytes=len(JSON)).size_bytes == len(JSON)
    with pytest.raises(AlertError, match=f"larger than {len(JSON) - 1} bytes"):
        parse_alert(JSON, max_bytes=len(JSON) - 1)


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 5_000, 1_000_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_of_any_depth_is_an_alert_or_a_reason(
    depth: int, brackets: tuple[bytes, bytes]
) -> None:
    """Whatever is taken must also be written: the JSON encoder recurses too."""
    nested = brackets[0] * depth + b"1" + brackets[1] * depth
    alert_or_reason(JSON[:-1] + b', "deep": ' + nested + b"}")


def test_message_about_a_missing_key_is_short() -> None:
    with pytest.raises(AlertError) as caught:
        parse_alert(json_alert({"x" * 100_000: 1}))
    assert len(str(caught.value)) < 2_000


# ------------------------------------------------------------------------- truncated, corrupt


@pytest.mark.parametrize("data", [AVRO, JSON])
def test_every_truncation_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(AlertError):
            parse_alert(data[:length])


def test_every_bit_flip_is_an_alert_or_a_reason() -> None:
    """JSON is tested by mutation below: almost every flip of it is a plain syntax error."""
    for position in range(len(AVRO)):
        for bit in range(8):
            flipped = bytearray(AVRO)
            flipped[position] ^= 1 << bit
            alert_or_reason(bytes(flipped))


@given(st.binary(max_size=2_000))
def test_any_bytes_are_an_alert_or_a_reason(data: bytes) -> None:
    alert_or_reason(data)
    alert_or_reason(b"Obj\x01" + data)
    alert_or_reason(b"{" + data)


@given(
    st.sampled_from([AVRO, JSON, avro_alert(with_map(b"map"), codec="deflate")]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), max_size=4),
)
def test_any_mutation_is_an_alert_or_a_reason(
    data: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for place, removed, inserted in changes:
        start = int(place * len(data))
        data = data[:start] + inserted + data[start + removed :]
    alert_or_reason(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.slow
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("superevent_id", "alert_type", "time_created", "event", "external_coinc", "more"),
            json_values,
        ),
    )
)
def test_any_json_in_any_field_is_an_alert_or_a_reason(changes: dict[str, Any]) -> None:
    alert_or_reason(json.dumps(record(**changes)).encode())


def test_json_of_very_many_values_is_not_decoded() -> None:
    """A megabyte of empty lists takes fifty times as much memory."""
    data = b'{"a": [' + b"[]," * 300_000 + b"[]]}"
    with pytest.raises(AlertError, match="JSON of more than 100000 values"):
        parse_alert(data)


def test_want_of_memory_is_no_verdict_on_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has limits says so; elsewhere it is the machine's."""

    def want(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(fastavro, "schemaless_reader", want)
    with pytest.raises(MemoryError):
        parse_alert(avro_alert(record()))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *((3, "a number"), (0.5, "a number"), (None, "null"), (True, "a truth value")),
        *(({}, "an object"), ([], "a list")),
    ],
)
@pytest.mark.parametrize("key", ["superevent_id", "alert_type", "time_created"])
def test_value_of_a_wrong_type_is_named_in_words_of_json(
    key: str, value: object, said: str
) -> None:
    with pytest.raises(AlertError, match=f"^{key} is {said}; expected text$"):
        parse_alert(json_alert(record(**{key: value})))

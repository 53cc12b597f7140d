"""What is wrapped around an alert changes its bytes and not the alert."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from builders import SCHEMA, avro_alert, flat_map, json_alert, record, record_type, with_map
from hop.models import AvroBlob, Blob, JSONBlob

from sirenflow.alerts.alert import parse_alert
from sirenflow.errors import AlertError

BOM = b"\xef\xbb\xbf"
SKYMAP = flat_map()
PLAIN = json_alert(with_map(SKYMAP))
AVRO = avro_alert(with_map(SKYMAP))
RECORD = json.loads(PLAIN)


def envelope(content: Any, label: str = "json") -> bytes:
    return json.dumps({"format": label, "content": content}).encode()


def avro_envelope(content: Any, kind: Any) -> bytes:
    schema = record_type("Envelope", format="string", content=kind)
    return avro_alert({"format": "avro", "content": content}, schema=schema)


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def as_json_text(data: bytes) -> bytes:
    return json.dumps(data.decode()).encode()


def in_lines(text: str) -> str:
    return "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))


WRAPPED = {
    "a byte-order mark": BOM + PLAIN,
    "JSON text": as_json_text(PLAIN),
    "JSON text after a byte-order mark and blanks": BOM + b" \n" + as_json_text(PLAIN),
    "JSON text of a list of one": as_json_text(b"[" + PLAIN + b"]"),
    "JSON text of an envelope": as_json_text(envelope(RECORD)),
    "hop's serialized JSON text": JSONBlob(PLAIN.decode()).serialize()["content"],
    "a byte-order mark and blanks": BOM + b" \n" + PLAIN,
    "base64 in lines": json_alert(with_map(in_lines(base64_text(SKYMAP)))),
    "a list of one": b"[" + PLAIN + b"]",
    "a list of one in Avro": avro_alert(
        [with_map(SKYMAP)],  # type: ignore[arg-type]
        schema={"type": "array", "items": SCHEMA},
    ),
    "an envelope around an object": envelope(RECORD),
    "an old envelope, labelled blob": envelope(RECORD, "blob"),
    "an envelope around text": envelope(PLAIN.decode()),
    "an envelope around text with a byte-order mark": envelope("\ufeff" + PLAIN.decode()),
    "an envelope around base64 of JSON": envelope(base64_text(PLAIN), "blob"),
    "an envelope around base64 of Avro, in lines": envelope(in_lines(base64_text(AVRO)), "avro"),
    "an envelope around a list of one": envelope([RECORD]),
    "a list of one envelope": b"[" + envelope(RECORD) + b"]",
    "an envelope in Avro around a record": avro_envelope(with_map(SKYMAP), SCHEMA),
    "an envelope in Avro around Avro": avro_envelope(AVRO, "bytes"),
    "an envelope in Avro around JSON": avro_envelope(PLAIN.decode(), "string"),
    # Its content is what goes over the wire; an archive of ours may keep the whole.
    "hop's serialized JSON": envelope(JSONBlob(RECORD).serialize()["content"].decode()),
    "hop's serialized Avro": envelope(
        base64_text(AvroBlob(with_map(SKYMAP)).serialize()["content"]), "avro"
    ),
    "hop's serialized blob": envelope(base64_text(Blob(AVRO).serialize()["content"]), "blob"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_alert_is_the_same_alert_in_other_bytes(name: str) -> None:
    alert, plain = parse_alert(WRAPPED[name]), parse_alert(PLAIN)
    assert alert.maps[0].data == SKYMAP
    assert alert.content_sha256 == plain.content_sha256
    assert alert.sha256 != plain.sha256
    assert alert.size_bytes == len(WRAPPED[name])


REJECTED = {
    "two alerts in a list": (b"[" + PLAIN + b"," + PLAIN + b"]", "a list of 2 items"),
    "two alerts in an envelope": (envelope([RECORD, RECORD]), "a list of 2 items"),
    "an empty list": (b"[]", "a list of 0 items"),
    "a list in a list": (b"[[" + PLAIN + b"]]", "the record is a list"),
    "an envelope in an envelope": (envelope(json.loads(envelope(RECORD))), "within an envelope"),
    "an envelope as text in one": (envelope(envelope(RECORD).decode()), "within an envelope"),
    "an envelope without alert": (envelope({"a": 1}), "no superevent_id"),
    "an envelope around nothing": (envelope(None), "the record is null"),
    "an envelope around a text": (envelope("hello, world"), "neither JSON nor base64"),
    "an envelope around broken JSON": (envelope("{'a': 1}"), "in the content of the envelope"),
    "an envelope around base64 of no alert": (envelope(base64_text(b"GIF89a")), "begins with"),
    "JSON text of JSON text": (as_json_text(as_json_text(PLAIN)), "JSON text that begins with '\""),
    "JSON text in an envelope": (envelope(as_json_text(PLAIN).decode()), "neither JSON nor base64"),
    "JSON text of Avro": (as_json_text(b"Obj\x01"), "JSON text that begins with 'Obj"),
    "JSON text of a number": (b'"3"', "JSON text that begins with '3'"),
    "JSON text without end": (as_json_text(PLAIN)[:-1], "JSON cannot be decoded"),
    "two JSON texts": (2 * as_json_text(PLAIN), "JSON cannot be decoded"),
    "a lone surrogate in JSON text": (b'"{\\ud800"', "JSON cannot be decoded"),
    "two byte-order marks": (BOM + BOM + PLAIN, "begins with"),
    "a byte-order mark before Avro": (BOM + AVRO, "begins with"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_does_not_hold_exactly_one_alert_is_rejected(name: str) -> None:
    data, reason = REJECTED[name]
    with pytest.raises(AlertError, match=reason):
        parse_alert(data)


def test_alert_with_fields_named_as_an_envelope_is_an_alert() -> None:
    sent = record(format="json", content={"superevent_id": "S260101b"})
    assert parse_alert(json_alert(sent)).superevent_id == "MS260101a"

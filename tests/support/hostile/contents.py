"""Alerts that are alerts, with texts, numbers and fields that nobody would expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from builders import json_alert
from hostile.case import Case, Outcome, update

from fuzz.mutations import MARKUP, as_avro

_TEXTS = {
    "an element": f"{MARKUP}>",
    "an element in an attribute": f'"{MARKUP} onload=alert(1)>',
    "the end of a script": f"</script>{MARKUP}>",
    "the end of a style": f"</style>{MARKUP}>",
    "the end of a title": f"</title></svg>{MARKUP}>",
    "a comment of HTML": f"<!--{MARKUP}>",
    "the end of character data": f"]]>{MARKUP}>",
    "an entity": f"&lt;{MARKUP}&gt;&#0;&x;",
    "javascript:": f"javascript:alert('{MARKUP}>')",
    "javascript: in capitals, after a blank": f" JaVaScRiPt:alert('{MARKUP}>')",
    "data:": f"data:text/html,{MARKUP}>",
    "an address without scheme": f"//example.org/{MARKUP}>",
    "an address with quotes": f"https://example.org/'\"{MARKUP}>",
    "an address with a newline": f"https://example.org/\n{MARKUP}>",
    "a template": "{{ 7*7 }}{% raw %}",
    "a format": "{0.__class__}{wildcards.x}%s%n${x}",
    "a shell command": ";$(touch x)`touch x`|touch x&",
    "a formula =": "=HYPERLINK(1)",
    "a formula +": "+1+1",
    "a formula -": "-1+1",
    "a formula @": "@SUM(1)",
    "a formula after a tab": "\t=1+1",
    "separators of a table": "a,b;c|d\te\"f'g",
    "a newline": "a\nb\r\nc\u2028d\u0085e",
    "a line that looks like a log's": "x\n2026-01-01T00:00:00Z INFO all is well",
    "escape sequences": "\x1b[2J\x1b]0;x\x07\x9b31m",
    "a bell, a null and a delete": "\x07\0\x7f\x08",
    "text that runs backwards": "\u202eabc\u2066def\u200f",
    "marks that are not seen": "\u200b\ufeff\u00ad\u2060",
    "letters that look like others": "НLV1",
    "a lone surrogate": "a\udfffb\ud83d",
    "a private letter": "\ue000\U0010ffff\ufffe",
    "a thousand accents": "e" + "\u0301" * 1000,
    "a long word": "W" * 5000,
    "five thousand words": "word " * 5000,
    "nothing": "",
    "a blank": " ",
    "NaN": "NaN",
    "None": "None",
    "a path": "../../../etc/passwd",
}
_NUMBERS = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "-1": -1,
    "0": 0,
    "-0.0": -0.0,
    "5e-324": 5e-324,
    "1e300": 1e300,
    "10^400": 10**400,
    "2^63": 2**63,
    "true": True,
    "a text": "5",
    "a list": [1, 2],
    "an object": {"a": 1},
    "null": None,
}
_SHAPES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an event that is null": lambda sent: sent.update(event=None),
    "an event that is a list": lambda sent: sent.update(event=[]),
    "an event that is a text": lambda sent: sent.update(event="x"),
    "no event": lambda sent: sent.pop("event"),
    "an event without fields": lambda sent: sent.update(event={}),
    "a coincidence that is a list": lambda sent: sent.update(external_coinc=[1]),
    "a coincidence without fields": lambda sent: sent.update(external_coinc={}),
    "addresses that are a list": lambda sent: sent.update(urls=["javascript:x"]),
    "an address that is a number": lambda sent: sent.update(urls={"gracedb": 5}),
    "instruments that are a text": lambda sent: sent["event"].update(instruments="H1"),
    "instruments that are numbers": lambda sent: sent["event"].update(instruments=[1, None, {}]),
    "ten thousand instruments": lambda sent: sent["event"].update(instruments=["H1"] * 10_000),
    "probabilities above 1": lambda sent: sent["event"].update(classification={"BNS": 7.5}),
    "probabilities below 0": lambda sent: sent["event"].update(classification={"BNS": -0.5}),
    "probabilities that are texts": lambda sent: sent["event"].update(classification={"BNS": "1"}),
    "a thousand classes": lambda sent: sent["event"].update(
        classification={f"{MARKUP}{n}>": 0.001 for n in range(1000)}
    ),
    "a histogram without bins": lambda sent: sent["event"].update(mchirp_source={}),
    "a histogram of other lengths": lambda sent: sent["event"].update(
        mchirp_source={"bin_edges": [1, 2], "probabilities": [0.5, 0.5, 0.5]}
    ),
    "a histogram of descending bins": lambda sent: sent["event"].update(
        mchirp_source={"bin_edges": [3, 2, 1], "probabilities": [0.5, 0.5]}
    ),
    "a time that is none": lambda sent: sent["event"].update(time="yesterday"),
    "a time of the year 9999": lambda sent: sent["event"].update(time="9999-12-31T23:59:59Z"),
    "a time of the year 1": lambda sent: sent["event"].update(time="0001-01-01T00:00:00Z"),
    "keys with markup": lambda sent: sent["event"].update({f"{MARKUP}>": {f"{MARKUP}>": 1}}),
    "texts of a megabyte": lambda sent: _put_texts(sent, "W" * 10**6),
    "90,000 numbers": lambda sent: sent["event"].update(more=[0.5] * 90_000),
    "a histogram of 40,000 bins": lambda sent: sent["event"].update(
        mchirp_source={"bin_edges": [*range(40_001)], "probabilities": [1 / 40_000] * 40_000}
    ),
    "a thousand keys": lambda sent: sent["event"].update({f"key{n}": n for n in range(1000)}),
    "values 30 deep": lambda sent: sent["event"].update(deep=_deep(28)),
}

_NO_MAPS = {
    "a map that is a list": [1, 2],
    "a map that is a number": 5,
    "a map that is an object": {"a": 1},
    "a map that is no base64": "U0lNUExF*",
    "a map that is an address": "file:///etc/passwd",
}


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def cases() -> Iterator[Case]:
    """Give them all."""
    for name, text in _TEXTS.items():
        yield _case(f"text: {name}", partial(_put_texts_and_keys, text=text))
    for name, number in _NUMBERS.items():
        yield _case(f"numbers: {name}", partial(_put_numbers, value=number))
    for name, change in _SHAPES.items():
        yield _case(name, change)
    for name, value in _NO_MAPS.items():
        yield _case(name, partial(_put_map, value=value), "no map", "the sky map")


def _case(
    name: str,
    change: Callable[[dict[str, Any]], object],
    outcome: Outcome = "shown",
    reason: str = "",
) -> Case:
    def alerts() -> Iterator[tuple[str, bytes]]:
        for minute, suffix, encode in ((30, "json", json_alert), (31, "avro", as_avro)):
            sent = update(minute)
            change(sent)
            yield suffix, encode(sent)

    return Case(name, "Avro and JSON", alerts, outcome, reason)


def _put_map(sent: dict[str, Any], value: object) -> None:
    sent["event"]["skymap"] = value


def _put_texts(part: dict[str, Any], text: str) -> None:
    """Replace every text but those that say which alert it is."""
    for key, value in part.items():
        if isinstance(value, dict):
            _put_texts(value, text)
        elif isinstance(value, str) and key not in ("superevent_id", "alert_type", "time_created"):
            part[key] = text


def _put_texts_and_keys(sent: dict[str, Any], text: str) -> None:
    """Replace every text, and put it where a key or an item of a list is shown."""
    _put_texts(sent, text)
    sent["urls"][text] = text
    sent["event"] |= {
        "instruments": [text, "H1"],
        "classification": {text: 0.5, "BNS": 0.5},
        "properties": {text: 0.5},
    }


def _put_numbers(part: dict[str, Any], value: object) -> None:
    """Replace every number."""
    for key, old in part.items():
        if isinstance(old, dict):
            _put_numbers(old, value)
        elif isinstance(old, list) and old and isinstance(old[0], float):
            part[key] = [value] * len(old)
        elif isinstance(old, int | float):
            part[key] = value

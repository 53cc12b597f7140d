"""Ids and types of alerts that would be a place on the disk, a command, or somebody else's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from builders import json_alert, record
from fuzz.mutations import MARKUP, as_avro
from hostile.case import Case

NAMES = (
    *("../../x", "..", ".", "/", "/var/x", "~/x", "~root", "a/b", "a\\b", "C:\\x", "//host/x", ""),
    *("a\0b", "S260101a\0", "x" * 256, "x" * 5000, "\ud800", "-rf", "--config=x"),
    *(";touch x", "$(touch x)", "`x`", "a\nb", "a\rb", "{superevent}", "{wildcards.x}", "*", "?"),
    *("[a]", "\u202etxt", "S260101а", "%2e%2e%2f", "a b", "'x", '"x', "S260101a/../../x"),
    *("S260101a\n", "S260101a ", "\ufeffS260101a", "S２60101a", f"{MARKUP}>", "\x1b[2J", "CON"),
    *("quarantine", ".incoming", ".listener", ".sirenflow", "NaN", "０"),
)


def hostile_alerts(count: int) -> Iterator[bytes]:
    """Make so many alerts, or more, of which the id, the type or both are hostile."""
    names = (*NAMES, "S260101a", "UPDATE")
    pairs = [pair for pair in product(names, names) if pair != ("S260101a", "UPDATE")]
    for superevent, kind in islice(pairs, 0, None, len(pairs) // count):
        yield json_alert(record(superevent_id=superevent, alert_type=kind))


def cases() -> Iterator[Case]:
    """Give each as an id, and as a type."""
    for name in NAMES:
        shown = ascii(name) if len(name) < 100 else f"{len(name)} letters"
        yield Case(
            f"id {shown}",
            "Avro and JSON",
            _sent("superevent_id", name),
            "no alert",
            "superevent_id",
        )
        yield Case(
            f"type {shown}", "Avro and JSON", _sent("alert_type", name), "no alert", "alert_type"
        )


def _sent(key: str, name: str) -> Callable[[], list[tuple[str, bytes]]]:
    def alerts() -> list[tuple[str, bytes]]:
        sent = record(**{"superevent_id": "S260101a", "alert_type": "UPDATE", key: name})
        return [("json", json_alert(sent)), ("avro", as_avro(sent))]

    return alerts

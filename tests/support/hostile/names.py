"""Ids and types of alerts that would be a place on the disk, a command, or somebody else's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product

from builders import json_alert, record
from hostile.case import Case, Outcome, update

from fuzz.mutations import MARKUP, as_avro

NAMES = (
    *("../../x", "..", ".", "/", "/var/x", "~/x", "~root", "a/b", "a\\b", "C:\\x", "//host/x", ""),
    *("a\0b", "S260101a\0", "x" * 256, "x" * 5000, "\ud800", "-rf", "--config=x"),
    *(";touch x", "$(touch x)", "`x`", "a\nb", "a\rb", "{superevent}", "{wildcards.x}", "*", "?"),
    *("[a]", "\u202etxt", "S260101а", "%2e%2e%2f", "a b", "'x", '"x', "S260101a/../../x"),
    *("S260101a\n", "S260101a ", "\ufeffS260101a", "S２60101a", f"{MARKUP}>", "\x1b[2J"),
    *(".incoming", ".listener", ".sirenflow", "_", "０"),
)
# As an id each is a directory of somebody else's; as a type, a word like any other.
RESERVED = ("quarantine", "Quarantine", "logs", "LOGS", "CON", "lpt1")


def hostile_alerts(count: int) -> Iterator[bytes]:
    """Make so many alerts, or more, of which the id, the type or both are hostile."""
    names = (*NAMES, "S260101a", "UPDATE")
    pairs = [pair for pair in product(names, names) if pair != ("S260101a", "UPDATE")]
    for superevent, kind in islice(pairs, 0, None, len(pairs) // count):
        yield json_alert(record(superevent_id=superevent, alert_type=kind))


def cases() -> Iterator[Case]:
    """Give each as an id, and as a type."""
    for name in (*NAMES, *RESERVED):
        shown = ascii(name) if len(name) < 100 else f"{len(name)} letters"
        for key, said in (("superevent_id", "id"), ("alert_type", "type")):
            is_word = key == "alert_type" and name in RESERVED
            outcome: Outcome = "shown" if is_word else "no alert"
            reason = "" if is_word else key
            yield Case(f"{said} {shown}", "Avro and JSON", _sent(key, name), outcome, reason)


def _sent(key: str, name: str) -> Callable[[], list[tuple[str, bytes]]]:
    def alerts() -> list[tuple[str, bytes]]:
        sent, later = ({**update(minute), key: name} for minute in (30, 31))
        return [("json", json_alert(sent)), ("avro", as_avro(later))]

    return alerts

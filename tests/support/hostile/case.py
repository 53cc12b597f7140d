"""What a hostile input is, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from builders import fits_map, json_alert, same_distance_columns

from fuzz.mutations import as_avro, full_record

MU_MPC, SIGMA_MPC = 100.0, 10.0

Make = Callable[[], bytes]
Outcome = Literal["no alert", "no map", "numbers withheld", "shown"]


@dataclass(frozen=True)
class Case:
    """A hostile input, in every alert that can bring it.

    Attributes
    ----------
    name
        What is wrong with it.
    sent_as
        The encodings of the alerts, and which map of them it is.
    alerts
        Gives them, each with the suffix of its file.
    outcome
        What comes of it: ``no alert``, and a reason; an alert with ``no map``, or of which the map
        is delivered but its ``numbers withheld``, and a reason; or an alert like any other.
    reason
        Pattern of the reason, if there is one.
    """

    name: str
    sent_as: str
    alerts: Callable[[], Iterable[tuple[str, bytes]]]
    outcome: Outcome
    reason: str = ""

    @property
    def id(self) -> str:
        """Name for a command line."""
        return re.sub(r"\W+", "-", f"{self.sent_as} {self.name}").strip("-")


def good_map() -> bytes:
    """Write a map on which every direction, and the distance along it, are as probable."""
    cards = {"DISTMEAN": MU_MPC, "DISTSTD": SIGMA_MPC}
    return fits_map(same_distance_columns(MU_MPC, SIGMA_MPC, level=1), cards)


def good_alert() -> bytes:
    """Write an alert with such a map, the first of the superevent."""
    first = full_record()
    first["event"]["skymap"] = good_map()
    return json_alert(first)


def update(minute: int) -> dict[str, Any]:
    """Give the record of a later alert of the superevent."""
    return {**full_record(), "alert_type": "UPDATE", "time_created": f"2026-01-01T00:{minute}:00Z"}


def with_map(skymap: bytes) -> Iterator[tuple[str, bytes]]:
    """Write the alerts that bring a map in every way there is."""
    for minute, place, key in (
        (30, "event", "skymap"),
        (40, "external_coinc", "combined_skymap"),
    ):
        for later, encode in ((0, json_alert), (1, as_avro)):
            sent = update(minute + later)
            sent[place][key] = skymap
            yield ("avro" if later else "json"), encode(sent)

"""A superevent in every state that a page can show, taken through the whole workflow.

Made from the samples: a real superevent is a sample's under another id, an early state is its first
alerts alone.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import yaml
from arrivals import put_in_quarantine
from builders import json_alert
from paths import ROOT, SAMPLES
from snakemake_runs import snakemake

from sirenflow.errors import AlertError


@dataclass(frozen=True)
class State:
    """What a superevent's page shows, and the alerts that bring it there.

    Attributes
    ----------
    name
        Of the state; names screenshots too.
    superevent_id
        Whose page shows it.
    sample
        The sample superevent whose alerts these are.
    alerts
        How many of its alerts have come; None for all.
    """

    name: str
    superevent_id: str
    sample: str
    alerts: int | None = None


STATES = (
    State("early-warning", "S260418ba", "MS260418b", 1),
    State("preliminary", "S260418bb", "MS260418b", 2),
    State("initial", "S260418bc", "MS260418b", 4),
    State("update", "S260418bd", "MS260418b", 5),
    State("coincidence", "S260418be", "MS260418b"),
    State("coincidence-without-combined-map", "S261004d", "MS261004d"),
    State("retracted", "S260902f", "TS260902f"),
    State("retracted-then-confirmed", "S260522k", "MS260522k"),
    State("retraction-alone", "S260926m", "MS260926m"),
    State("no-map", "S260902fa", "TS260902f", 1),
    State("burst", "S260607d", "MS260607d"),
    State("no-distance-low-significance", "S260715s", "MS260715s"),
    State("no-classes", "S260803a", "MS260803a"),
    State("mock", "MS260418b", "MS260418b"),
    State("test-of-2022", "TS260211a", "TS260211a"),
    State("retracted-mock", "MS260902f", "TS260902f"),
)
UNREADABLE = State("unreadable-retraction", "S260418bf", "MS260418b", 4)
REJECTED = State("nothing-readable", "S261122ab", "")
ALL = (*STATES, UNREADABLE, REJECTED)
NAMES = [state.name for state in ALL]


def page_of(results: Path, name: str) -> Path:
    """Give the page of a state."""
    (state,) = (state for state in ALL if state.name == name)
    return results / state.superevent_id / "index.html"


@cache
def processed(base: Path) -> Path:
    """Take every state through the workflow, once a session; give the results.

    `base` is the session's own directory, `tmp_path_factory.getbasetemp()`.
    """
    directory = base / "states"
    write_inbox(directory / "inbox")
    return process(directory, **write_tables(directory))


def write_inbox(inbox: Path) -> None:
    """Write the alerts of every state."""
    for state in (*STATES, UNREADABLE):
        for number, record in enumerate(_records(state.sample)[: state.alerts], start=1):
            changed = record | {"superevent_id": state.superevent_id}
            kind = record["alert_type"].replace("_", "")
            write_alert(inbox, state.superevent_id, kind, f"{number:02}.json", json_alert(changed))
    write_alert(inbox, REJECTED.superevent_id, "PRELIMINARY", "01.avro", b"Obj\x01 truncated")
    retraction = {
        "superevent_id": UNREADABLE.superevent_id,
        "alert_type": "RETRACTION",
        "time_created": "2026-04-18T09:12:44.5.5Z",
    }
    garbage = b"Obj\x01 truncated, of S999999zz"
    for data, reason in (
        (json_alert(retraction), "time_created '2026-04-18T09:12:44.5.5Z'; expected ISO 8601"),
        (garbage, "not an Avro container: its header ends after 4 bytes"),
    ):
        put_in_quarantine(inbox, data, AlertError(reason, "invalid_identity"), {"way": "listen"})


def write_tables(
    directory: Path, names: Sequence[str] = (), near: tuple[float, float] = (158.4, -27.0)
) -> dict[str, Any]:
    """Write galaxies all over the sky, and candidates among them; give their configuration.

    Parameters
    ----------
    directory
        Where the tables go.
    names
        Given to the first of them.
    near
        RA and Dec in degrees around which some are, 60 to 140 Mpc away; by default where the
        best-known sample has its source.
    """
    random = np.random.default_rng(4)
    count = 4_000
    ra, dec = random.uniform(0, 360, count), np.degrees(np.arcsin(random.uniform(-1, 1, count)))
    distance, weight = 1_200 * random.random(count) ** (1 / 3), random.random(count)
    ra[:30], dec[:30] = (at + random.normal(0, 2, 30) for at in near)
    distance[:30] = random.uniform(60, 140, 30)
    called = [*names, *(f"Galaxy {number}" for number in range(len(names), count))]
    times = ["2026-04-18T12:00:00Z", "2026-06-08T01:00:00Z", "2026-11-22T05:00:00Z", ""]
    galaxies, candidates = directory / "galaxies.csv", directory / "candidates.csv"
    with galaxies.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "ra", "dec", "distance", "weight"])
        writer.writerows(zip(called, ra, dec, distance, weight, strict=True))
    with candidates.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "ra", "dec", "distance", "time"])
        # Some there, and some anywhere.
        writer.writerows(
            zip(called[28:], ra[28:52], dec[28:], distance[28:], 6 * times, strict=False)
        )
        writer.writerows(zip(called[:2], ra, dec, distance, times, strict=False))
    columns = {name: name for name in ("name", "ra", "dec", "distance")}
    return {
        "galaxies": {
            "table": str(galaxies),
            "name": "Galaxies of nowhere",
            "columns": {**columns, "weight": "weight"},
            "completeness": "complete, as there are no others",
            "max_listed": 20,
        },
        "candidates": {"table": str(candidates), "columns": {**columns, "time": "time"}},
    }


def write_alert(inbox: Path, superevent_id: str, kind: str, name: str, data: bytes) -> None:
    """Write an alert where the workflow looks for it."""
    file = inbox / superevent_id / kind / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


@cache
def _records(superevent_id: str) -> list[dict[str, Any]]:
    return [_record(file) for file in sorted(SAMPLES.glob(f"{superevent_id}-*"))]


def _record(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    found = json.loads(data) if file.suffix == ".json" else next(fastavro.reader(BytesIO(data)))
    assert isinstance(found, dict)
    return found


def process(directory: Path, **config: Any) -> Path:
    """Run the workflow, as shipped but for some keys, on a directory; give its results."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    (directory / "config").mkdir()
    (directory / "config/config.yaml").write_text(yaml.safe_dump(shipped | config))
    run = snakemake(directory, "--quiet", "rules", "host", "progress", cores=2)
    logs = [path.read_text() for path in (directory / "results/logs").rglob("*.log")]
    assert run.returncode == 0, "\n".join([run.stdout, *logs])
    return directory / "results"

"""Time and memory of every rule on sky maps far larger than any that was ever sent.

python benchmarks/big_maps.py --nside 512

Makes a superevent of one alert with one map whose cells are all of one level (nside 512: 3.1
million rows), a catalogue of 100,000 galaxies and 1,000 candidates, and runs each stage on it in a
process of its own. Prints a table in Markdown. The map's values repeat, so that, gzipped, it fits
into an alert: maps of random values could not be sent.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the workers

import argparse
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fastavro
import numpy as np
import yaml

from sirenflow.config.configuration import CONFIG_FILE
from sirenflow.config.validation import validate
from sirenflow.formats.fits_file import fits_file, table_cards
from sirenflow.skymap.distance.line_of_sight import conditional_moments
from sirenflow.skymap.healpix import cell_directions
from sirenflow.skymap.skymap import MAX_LEVEL, SPHERE_SR

ROOT = Path(__file__).resolve().parent.parent
GALAXIES, CANDIDATES = 100_000, 1_000
FLAT_NSIDES = (64, 1024)
CONCENTRATION = 20.0
EVENT = [{"name": "time", "type": "string"}, {"name": "skymap", "type": "bytes"}]
SCHEMA = {
    "type": "record",
    "name": "Alert",
    "fields": [
        *({"name": name, "type": "string"} for name in ("superevent_id", "alert_type")),
        {"name": "time_created", "type": "string"},
        {"name": "event", "type": {"type": "record", "name": "Event", "fields": EVENT}},
    ],
}


def big_map(level: int, has_distance: bool) -> bytes:
    """Make a map of all cells of a level: a broad spot, whose distance grows away from its middle.

    Densities are in steps of 2 %, distances of 1 Mpc.
    """
    cells = 12 * 4**level
    uniq = (4 << 2 * level) + np.arange(cells)
    first = np.arange(cells) << 2 * (MAX_LEVEL - level)
    _, y, z = cell_directions(first, np.full(cells, level))
    towards = 0.6 * y + 0.8 * z
    density = np.exp(np.round(CONCENTRATION * (towards - 1) * 50) / 50)
    columns = {"UNIQ": uniq, "PROBDENSITY": density * cells / (SPHERE_SR * density.sum())}
    if has_distance:
        mu, sigma = np.round(400 - 100 * towards), np.round(60 - 20 * towards)
        norm = 1 / conditional_moments(mu, sigma).norm
        columns |= {"DISTMU": mu, "DISTSIGMA": sigma, "DISTNORM": norm}
    table = np.empty(cells, [(name, ">i8" if name == "UNIQ" else ">f8") for name in columns])
    for name, column in columns.items():
        table[name] = column
    cards = [*table_cards(table.dtype, cells, {}), ("ORDERING", "NUNIQ"), ("COORDSYS", "C")]
    return gzip.compress(fits_file(cards, table.tobytes()), 6, mtime=0)


def prepare(directory: Path, level: int, has_distance: bool) -> None:
    """Write the alert and both tables."""
    inbox = directory / "inbox" / "MS260101a" / "PRELIMINARY"
    inbox.mkdir(parents=True)
    record = {
        "superevent_id": "MS260101a",
        "alert_type": "PRELIMINARY",
        "time_created": "2026-01-01T00:10:00Z",
        "event": {"time": "2026-01-01T00:05:00Z", "skymap": big_map(level, has_distance)},
    }
    with (inbox / "alert.avro").open("wb") as stream:
        fastavro.writer(stream, SCHEMA, [record])
    rng = np.random.default_rng(1)
    for name, rows in (("galaxies", GALAXIES), ("candidates", CANDIDATES)):
        ra, dec = rng.uniform(0, 360, rows), np.rad2deg(np.arcsin(rng.uniform(-1, 1, rows)))
        distance = rng.uniform(10, 800, rows)
        lines = (f"{name}{i},{ra[i]:.5f},{dec[i]:.5f},{distance[i]:.2f}" for i in range(rows))
        text = "\n".join(("name,ra,dec,distance", *lines))
        (directory / f"{name}.csv").write_text(text + "\n", encoding="ascii")


def stages(directory: Path) -> dict[str, Callable[[], None]]:
    """Give each stage with its files, in the order in which they run."""
    settings = validate(yaml.safe_load((ROOT / CONFIG_FILE).read_text(encoding="utf-8")))
    extracted: dict[str, Any] = {
        "alerts": directory / "alerts.json",
        "localization": directory / "localization.json",
        "skymaps": directory / "skymaps",
    }
    columns = {name: name for name in ("name", "ra", "dec", "distance")}
    regions = directory / "regions.json"
    files = directory / "regions"
    made = {"rows": directory / "galaxies.npy", "facts": directory / "galaxy_facts.json"}
    ranked = [directory / "galaxies.json", directory / "galaxies.ecsv"]
    seen, listed, matched = (
        directory / f"{name}.json" for name in ("visibility", "candidate_list", "candidates")
    )

    def stage(name: str, /, *arguments: Any, **options: Any) -> Callable[[], None]:
        def run() -> None:
            getattr(import_module(f"sirenflow.stages.{name}"), name)(*arguments, **options)

        return run

    flat = {
        f"flatten {nside}": stage("flatten", **extracted, flat=directory / "flat", nside=nside)
        for nside in FLAT_NSIDES
    }
    return {
        "extract": stage(
            "extract",
            files=sorted((directory / "inbox").glob("*/*/*")),
            levels_percent=[50, 90],
            **extracted,
        ),
        **flat,
        "galaxy_catalogue": stage(
            "galaxy_catalogue", directory / "galaxies.csv", **made, columns=columns
        ),
        "galaxies": stage(
            "galaxies",
            **extracted,
            **made,
            product=ranked[0],
            table=ranked[1],
            name="random",
            completeness="",
            max_listed=1000,
        ),
        "candidate_list": stage("candidate_list", directory / "candidates.csv", listed, columns),
        "candidates": stage(
            "candidates",
            **extracted,
            listed=listed,
            candidates=matched,
            days_before=1.0,
            days_after=14.0,
        ),
        "report": stage(
            "report",
            **extracted,
            regions=regions,
            region_files=files,
            page=directory / "index.html",
            event=directory / "event.json",
            circular=directory / "circular.txt",
            visibility=seen,
            **settings["visibility"],
            galaxies=ranked,
            candidates=[matched],
        ),
    }


def run(name: str, directory: Path) -> None:
    """Run one stage in this process, and print what it took."""
    start = time.perf_counter()
    stages(directory)[name]()
    wall = time.perf_counter() - start
    # Not ru_maxrss, in which a process begins with what its parent had.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(json.dumps({"wall": wall, "cpu": time.process_time(), "peak": peak}))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nside", type=int, default=512, help="of the map's cells (default: 512)")
    parser.add_argument("--no-distance", action="store_true", help="make a map without distance")
    parser.add_argument("--stage", nargs=2, metavar=("NAME", "DIRECTORY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run(options.stage[0], Path(options.stage[1]))
        return
    with TemporaryDirectory() as temporary:
        directory = Path(temporary)
        subprocess_of = partial(subprocess.run, check=True, capture_output=True, text=True)
        prepare(directory, options.nside.bit_length() - 1, not options.no_distance)
        rows = 12 * options.nside**2
        print(f"{rows} rows; time without imports on the wall, with them in CPU\n")
        print("| stage | wall s | CPU s | peak MiB |\n|---|---|---|---|")
        for name in stages(directory):
            command = [sys.executable, __file__, "--stage", name, temporary]
            took = json.loads(subprocess_of(command).stdout)
            if name == "extract" and not list(directory.glob("skymaps/*")):
                raise SystemExit("the alert was rejected: too large?")
            print(f"| {name} | {took['wall']:.1f} | {took['cpu']:.1f} | {took['peak']:.0f} |")


if __name__ == "__main__":
    main()

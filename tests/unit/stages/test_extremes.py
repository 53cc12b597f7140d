"""Numbers at the ends of what a double can hold go through every stage."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import fits_map, json_alert, record, same_distance_columns, with_map

from sirenflow.stages.catalogue import catalogue
from sirenflow.stages.extract import extract
from sirenflow.stages.report import report

LARGEST, SMALLEST = float(np.finfo(float).max), 5e-324
ENDS = (LARGEST, SMALLEST, 1e300, 1e-300, 2.0**63, 1e17, 0.0, -LARGEST)
SITE = {
    "name": "Somewhere",
    "place": "",
    "latitude_deg": 90.0,
    "longitude_deg": 360.0,
    "elevation_m": 0.0,
}


def products(folder: Path, *alerts: dict[str, Any]) -> Path:
    """Take the alerts of one superevent through every stage; give the directory of results."""
    inbox, results = folder / "inbox/S260101a/UPDATE", folder / "results"
    own = results / "S260101a"
    inbox.mkdir(parents=True)
    own.mkdir(parents=True)
    for number, sent in enumerate(alerts):
        sent |= {"superevent_id": "S260101a", "time_created": f"2026-01-01T00:00:0{number}Z"}
        (inbox / f"{number}.json").write_bytes(json_alert(sent))
    said, maps, numbers = own / "alerts.json", own / "skymaps", own / "localization.json"
    extract(sorted(inbox.iterdir()), said, maps, numbers, (50, 90))
    assert json.loads(said.read_text())["rejected"] == []
    files = (own / name for name in ("index.html", "event.json", "circular.txt"))
    report(
        *(said, numbers, maps, own / "regions.json", own / "regions", *files),
        visibility=own / "visibility.json",
        sites=[SITE],
    )
    tables = (results / f"c.{suffix}" for suffix in ("ecsv", "csv", "json", "vot", "atom"))
    catalogue([own / "event.json"], results / "index.html", *tables)
    return results


def assert_plain(results: Path) -> None:
    """Check that no product shows what is no number."""
    for path in results.rglob("*"):
        if path.suffix in (".html", ".json", ".txt", ".csv", ".ecsv", ".vot", ".atom", ".geojson"):
            text = re.sub("<style>.*?</style>|<script>.*?</script>", "", path.read_text())
            found = re.search(
                r"(?<![\w-])(nan|inf|infinity|-9223372036854775808)(?!\w)", text.lower()
            )
            assert not found, f"{path.name}: {text[max(found.start() - 80, 0) : found.end() + 20]}"


@pytest.mark.parametrize("value", ENDS)
def test_every_number_of_an_event_may_be_at_the_ends(value: float, tmp_path: Path) -> None:
    event = {
        **dict.fromkeys(("far", "duration", "central_frequency"), value),
        "classification": {"BNS": value, "BBH": 0.5},
        "properties": {"HasNS": value},
        "mchirp_source": {"bin_edges": [0.0, value, LARGEST], "probabilities": [0.5, value]},
        "instruments": ["H1"],
        "significant": True,
        "group": "Burst",
    }
    coincidence = dict.fromkeys(("time_difference", "time_coincidence_far"), value)
    before = {**event, "far": 1e-9, "duration": 1.0}
    results = products(
        tmp_path,
        record(event=before, external_coinc=None),
        record(event=event, external_coinc={"observatory": "Fermi", **coincidence}),
    )
    assert_plain(results)


@pytest.mark.parametrize("mean", [*ENDS, 100.0])
@pytest.mark.parametrize("std", [LARGEST, SMALLEST, 10.0])
def test_distances_of_a_header_may_be_at_the_ends(mean: float, std: float, tmp_path: Path) -> None:
    columns = same_distance_columns(100.0, 10.0)
    header = {"DISTMEAN": mean, "DISTSTD": std}
    assert math.isfinite(mean)
    results = products(
        tmp_path,
        with_map(fits_map(columns, {"DISTMEAN": 40.0, "DISTSTD": SMALLEST})),
        with_map(fits_map(columns, header)),
    )
    assert_plain(results)
    event = json.loads((results / "S260101a/event.json").read_text())
    skymap = event["current"]["skymap"]
    if (mean, std) == (100.0, 10.0):
        assert (skymap["distance_mean_mpc"], skymap["distance_std_mpc"]) == (mean, std)
    else:
        assert skymap["distance_mean_mpc"] is None
        assert skymap["distance_absent_because"]


@pytest.mark.parametrize("sigma", [10.0, 1.0, 0.1, 1e-3, 1e-5])
def test_curve_of_a_narrow_distance_is_drawn(sigma: float, tmp_path: Path) -> None:
    header = {"DISTMEAN": 100.0, "DISTSTD": sigma}
    skymap = fits_map(same_distance_columns(100.0, sigma), header)
    results = products(tmp_path, with_map(skymap))
    assert_plain(results)
    page = (results / "S260101a/index.html").read_text()
    drawn = re.search(r'class="curve" d="([^"]+)"', page)
    assert drawn
    heights = [int(y) for y in re.findall(r" (\d+)", drawn[1])]
    assert min(heights) == 0
    assert max(heights) == 120

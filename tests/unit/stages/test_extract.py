"""Files of one superevent to everything they say: what is kept, numbered, refused and why."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builders import (
    avro_alert,
    fits_map,
    flat_columns,
    flat_map,
    json_alert,
    record,
    same_distance_columns,
    schema_with,
    with_map,
)
from disk import run_python
from paths import SAMPLES

from sirenflow.alerts.alert import MAX_ALERT_BYTES, parse_alert
from sirenflow.inbox.store import alert_path, list_alerts
from sirenflow.skymap.localization import measure_skymap
from sirenflow.skymap.skymap import read_skymap
from sirenflow.stages.extract import extract

FLAT = flat_map()
NEAR = fits_map(same_distance_columns(40.0, 8.0), {"DISTMEAN": 40.5, "DISTSTD": 8.1})
NAN = fits_map({**flat_columns(), "PROBDENSITY": np.full(12, np.nan)})


@dataclass(frozen=True)
class Products:
    """What extract wrote."""

    alerts: dict[str, Any]
    localization: dict[str, Any]
    skymaps: dict[str, bytes]

    @property
    def maps(self) -> list[list[dict[str, Any]]]:
        """Of each alert, its maps."""
        return [alert["skymaps"] for alert in self.localization["alerts"]]


def strictly(text: str) -> Any:
    """Read JSON that holds no NaN."""
    return json.loads(text, parse_constant=pytest.fail)


def run(directory: Path, files: dict[str, bytes], superevent_id: str = "MS260101a") -> Products:
    """Put files into an inbox, and extract them."""
    paths = []
    for name, data in files.items():
        path = directory / "inbox" / superevent_id / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    results = directory / "results"
    results.mkdir(exist_ok=True)
    alerts, maps = results / "alerts.json", results / "skymaps"
    extract(paths, alerts, maps, results / "localization.json", [50, 90])
    return Products(
        strictly(alerts.read_text()),
        strictly((results / "localization.json").read_text()),
        {path.name: path.read_bytes() for path in maps.iterdir()},
    )


# ------------------------------------------------------------------------ order and numbering


def test_order_is_time_then_life_cycle_then_hash_whatever_the_files_are_called(
    tmp_path: Path,
) -> None:
    twins = [
        json_alert(record(alert_type="UPDATE", time_created="2026-01-01T02:00:00Z", note=note))
        for note in "ab"
    ]
    twins.sort(key=lambda data: hashlib.sha256(data).digest())
    initial = json_alert(record(alert_type="INITIAL", time_created="2026-01-01T02:00:00Z"))
    retraction = json_alert(record(alert_type="RETRACTION", time_created="2026-01-01T01:00:00Z"))
    products = run(
        tmp_path,
        {
            "A/1.json": twins[1],
            "UPDATE/2.json": twins[0],
            "UPDATE/0.json": initial,
            "Z/z.json": retraction,
        },
    )
    expected = [hashlib.sha256(data).hexdigest() for data in (retraction, initial, *twins)]
    for product in (products.alerts, products.localization):
        assert [alert["sha256"] for alert in product["alerts"]] == expected
        assert [alert["number"] for alert in product["alerts"]] == [1, 2, 3, 4]
    assert products.alerts["alerts"][0]["file"] == "Z/z.json"


def test_maps_are_named_by_number_and_type_and_kept_byte_for_byte(tmp_path: Path) -> None:
    products = run(
        tmp_path,
        {
            "PRELIMINARY/1.avro": avro_alert(with_map(FLAT, alert_type="EARLY_WARNING")),
            "UPDATE/2.json": json_alert(
                with_map(
                    NEAR,
                    alert_type="UPDATE",
                    time_created="2026-01-01T09:00:00Z",
                    external_coinc={"combined_skymap": FLAT},
                )
            ),
        },
    )
    assert products.skymaps == {
        "01-EARLYWARNING.multiorder.fits": FLAT,
        "02-UPDATE.multiorder.fits": NEAR,
        "02-UPDATE-combined.multiorder.fits": FLAT,
    }
    (early,), (gw, combined) = products.maps
    assert [m["kind"] for m in (early, gw, combined)] == ["gw", "gw", "combined"]
    for skymap in (early, gw, combined):
        data = products.skymaps[skymap["file"]]
        assert (skymap["sha256"], skymap["size_bytes"]) == (
            hashlib.sha256(data).hexdigest(),
            len(data),
        )
    assert products.localization["alerts"][0]["alert_type"] == "EARLYWARNING"


def test_products_do_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    files = {
        f"X/{name}.json": json_alert(with_map(FLAT, time_created=f"2026-01-01T0{time}:00:00Z"))
        for name, time in zip("abc", "312", strict=True)
    }
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    assert run(tmp_path / "1", files) == run(tmp_path / "2", dict(reversed(files.items())))
    for name in ("alerts.json", "localization.json"):
        one, two = (tmp_path / place / "results" / name for place in "12")
        assert one.read_bytes() == two.read_bytes()


def test_identical_maps_are_measured_once_and_have_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def counted(*arguments: Any) -> Any:
        measured.append(arguments)
        return measure_skymap(*arguments)

    monkeypatch.setattr("sirenflow.stages.extract.measure_skymap", counted)
    times = ("2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z")
    products = run(
        tmp_path,
        {f"P/{time}.avro": avro_alert(with_map(NEAR, time_created=time)) for time in times},
    )
    (first,), (second,) = products.maps
    assert len(measured) == 1
    assert first.pop("file") != second.pop("file")
    assert first == second
    assert list(products.skymaps.values()) == [NEAR, NEAR]


# -------------------------------------------------------------------- one alert, several files

TWICE = with_map(NEAR, alert_type="INITIAL", time_created="2026-01-01T00:20:00Z")
ONCE = {
    "PRELIMINARY/1.avro": avro_alert(with_map(FLAT)),
    "INITIAL/2.avro": avro_alert(TWICE),
    "UPDATE/3.json": json_alert(
        with_map(NEAR, alert_type="UPDATE", time_created="2026-01-01T00:30:00Z")
    ),
}
JSON_COPY = {"INITIAL/0.json": json_alert(TWICE)}


def listed(name: str, data: bytes, encoding: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"file": name, "format": encoding, "sha256": digest, "size_bytes": len(data)}


@pytest.mark.parametrize("files", [{**ONCE, **JSON_COPY}, {**JSON_COPY, **ONCE}])
def test_alert_in_both_encodings_is_one_alert_and_both_files_are_listed(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
    once, twice = run(tmp_path / "once", ONCE), run(tmp_path / "twice", files)
    assert [alert["also_received_as"] for alert in once.alerts["alerts"]] == [[], [], []]
    initial = twice.alerts["alerts"][1]
    assert initial["also_received_as"] == [
        listed("INITIAL/0.json", JSON_COPY["INITIAL/0.json"], "json")
    ]
    initial["also_received_as"] = []
    # Avro leads, though its name comes after: all else is as without the copy.
    assert twice == once
    assert sorted(twice.skymaps) == [
        "01-PRELIMINARY.multiorder.fits",
        "02-INITIAL.multiorder.fits",
        "03-UPDATE.multiorder.fits",
    ]


def test_copies_in_either_order_of_arrival_give_the_same_bytes(tmp_path: Path) -> None:
    third = {"INITIAL/9.json": json_alert(dict(reversed(TWICE.items())))}
    files = {**ONCE, **JSON_COPY, **third}
    written = []
    for place, order in (("1", files), ("2", dict(reversed(files.items())))):
        (tmp_path / place).mkdir()
        run(tmp_path / place, order)
        results = tmp_path / place / "results"
        written.append(
            {
                path.relative_to(results): path.read_bytes()
                for path in results.rglob("*")
                if path.is_file()
            }
        )
    assert written[0] == written[1]
    initial = json.loads((tmp_path / "1/results/alerts.json").read_text())["alerts"][1]
    assert initial["format"] == "avro"
    copies = [copy["sha256"] for copy in initial["also_received_as"]]
    assert len(copies) == 2
    assert copies == sorted(copies)


def test_json_alone_is_described_until_avro_comes(tmp_path: Path) -> None:
    """And then the Avro file leads, under the same number and with the same values."""
    json_only = {name: data for name, data in ONCE.items() if name != "INITIAL/2.avro"} | JSON_COPY
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    before = run(tmp_path / "before", json_only).alerts["alerts"]
    after = run(tmp_path / "after", {**ONCE, **JSON_COPY}).alerts["alerts"]
    assert [alert["format"] for alert in before] == ["avro", "json", "json"]
    assert [alert["format"] for alert in after] == ["avro", "avro", "json"]
    files = ("file", "format", "sha256", "size_bytes", "also_received_as")
    for one, two in zip(before, after, strict=True):
        same = {key: value for key, value in one.items() if key not in files}
        assert same == {key: value for key, value in two.items() if key not in files}


def test_one_changed_value_makes_two_alerts_of_them(tmp_path: Path) -> None:
    changed = {**TWICE, "event": {**TWICE["event"], "far": 2e-9}}
    products = run(tmp_path, {**ONCE, "INITIAL/0.json": json_alert(changed)})
    assert len(products.alerts["alerts"]) == 4
    assert all(alert["also_received_as"] == [] for alert in products.alerts["alerts"])


# -------------------------------------------------------------------------------- the record


def test_record_is_kept_with_unknown_keys_and_absent_is_not_null(tmp_path: Path) -> None:
    schema = schema_with(blob="bytes", unknown="double")
    sent = record(blob=b"\0\xff", unknown=float("nan"))
    absent = record(external_coinc=..., urls=None, time_created="2026-01-01T00:20:00Z")
    files = {"P/1.avro": avro_alert(sent, schema=schema), "P/2.json": json_alert(absent)}
    first, second = run(tmp_path, files).alerts["alerts"]
    assert first["record"] == {**sent, "blob": {"base64": "AP8="}, "unknown": "NaN"}
    assert first["record"]["external_coinc"] is None
    assert second["record"] == absent
    assert "external_coinc" not in second["record"]
    assert (first["format"], second["format"]) == ("avro", "json")


def test_why_there_is_no_map_is_told(tmp_path: Path) -> None:
    kinds = ("PRELIMINARY", "INITIAL", "RETRACTION")
    events = ({"skymap": None}, None, None)
    alerts = [
        record(alert_type=kind, event=event) for kind, event in zip(kinds, events, strict=True)
    ]
    products = run(tmp_path, {f"P/{a['alert_type']}.json": json_alert(a) for a in alerts})
    told = [alert["no_skymap_reason"] for alert in products.localization["alerts"]]
    assert told == ["not provided", "not provided", "retraction"]
    assert products.maps == [[], [], []]
    assert products.skymaps == {}


# ----------------------------------------------------------------------------------- refused


def test_bad_files_are_told_with_reasons_and_stop_no_good_one(tmp_path: Path) -> None:
    good = json_alert(record())
    files = {
        "P/good.json": good,
        "P/truncated.avro": avro_alert(record())[:-20],
        "P/empty.json": b"",
        "P/other.json": json_alert(record(superevent_id="MS260101b")),
        "P/two.avro": avro_alert(record(), record()),
        "P/zdouble.json": good,
        "P/deep.json": good[:-1] + b', "x": ' + b"[" * 700 + b"]" * 700 + b"}",
    }
    products = run(tmp_path, files)
    assert [alert["file"] for alert in products.alerts["alerts"]] == ["P/good.json"]
    rejected = {entry["file"]: entry for entry in products.alerts["rejected"]}
    reasons = {
        "P/truncated.avro": "truncated or corrupt",
        "P/empty.json": "empty",
        "P/other.json": "is of MS260101b; expected MS260101a",
        "P/two.avro": "expected exactly one",
        "P/zdouble.json": "same bytes as P/good.json",
        "P/deep.json": "deep",
    }
    assert rejected.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in rejected[name]["reason"]
        assert rejected[name]["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert rejected[name]["size_bytes"] == len(files[name])


def test_superevent_of_bad_files_only_has_products_without_alerts(tmp_path: Path) -> None:
    products = run(tmp_path, {"P/a.avro": b"nonsense"})
    assert products.alerts["alerts"] == products.localization["alerts"] == []
    assert len(products.alerts["rejected"]) == 1
    assert products.skymaps == {}


@pytest.mark.parametrize("skymap", [b"", b"<VOTABLE>", b"SIMPLE  =", 5, "not base64!"])
def test_map_that_is_no_fits_is_rejected_and_its_alert_is_not(
    tmp_path: Path, skymap: object
) -> None:
    products = run(tmp_path, {"P/a.json": json_alert(with_map(skymap))})
    ((entry,),) = products.maps
    assert entry["rejection_reason"]
    assert products.skymaps == {}
    null = set(entry) - {"kind", "sha256", "size_bytes", "rejection_reason"}
    assert {entry[key] for key in null} == {None}
    assert products.localization["alerts"][0]["no_skymap_reason"] is None
    assert products.alerts["rejected"] == []


def test_map_without_honest_numbers_is_delivered_as_sent(tmp_path: Path) -> None:
    products = run(tmp_path, {"P/a.avro": avro_alert(with_map(NAN))})
    ((entry,),) = products.maps
    assert products.skymaps == {entry["file"]: NAN}
    assert "is not a number in 12 of 12 rows" in entry["not_measured_reason"]
    assert entry["rejection_reason"] is None
    assert {value for key, value in entry.items() if key.endswith(("_deg2", "_mpc"))} == {None}


def test_one_bad_map_leaves_the_other_map_its_numbers(tmp_path: Path) -> None:
    alert = with_map(b"nonsense", external_coinc={"combined_skymap": FLAT})
    ((bad, good),) = run(tmp_path, {"P/a.avro": avro_alert(alert)}).maps
    assert bad["rejection_reason"]
    assert good["area_90_deg2"] == pytest.approx(0.9 * 4 * 180**2 / np.pi)


@pytest.mark.parametrize("norm", [np.inf, 1e300, 1e-300, -1.0])
@pytest.mark.parametrize("sigma", [1e300, 1e-300, 8.0])
def test_absurd_distances_do_not_lose_the_superevent(
    tmp_path: Path, norm: float, sigma: float
) -> None:
    columns = same_distance_columns(40.0, 8.0)
    columns["DISTNORM"][:] = norm
    columns["DISTSIGMA"][:] = sigma
    alert = with_map(fits_map(columns), time_created="2026-01-01T00:20:00Z")
    products = run(
        tmp_path, {"P/a.avro": avro_alert(with_map(NEAR)), "P/b.avro": avro_alert(alert)}
    )
    assert products.maps[0][0]["distance_mean_mpc"] == 40.5


# ----------------------------------------------------------------------------------- samples


@pytest.mark.parametrize(
    "superevent_id", sorted({path.name.split("-")[0] for path in SAMPLES.glob("[MT]S*")})
)
def test_samples_are_extracted_whole(tmp_path: Path, superevent_id: str) -> None:
    files = {f"X/{path.name}": path.read_bytes() for path in SAMPLES.glob(f"{superevent_id}-*")}
    products = run(tmp_path, files, superevent_id)
    assert products.alerts["rejected"] == []
    # The samples are numbered in the order in which they were sent.
    numbered = [int(alert["file"].split("-")[1]) for alert in products.alerts["alerts"]]
    if superevent_id != "MS260418b":  # whose two updates share their time: their hashes decide
        assert numbered == sorted(numbered)
    for skymaps in products.maps:
        for skymap in skymaps:
            assert skymap["rejection_reason"] is skymap["not_measured_reason"] is None
            assert skymap["area_90_deg2"] > skymap["area_50_deg2"] > 0
            assert skymap["file"] in products.skymaps


# Measured with ligo.skymap 2.5.4: samples/README.md.
LIGO_SKYMAP = {
    "MS260418b-01": (898.1, 3275.1, 132.6, 39.5),
    "MS260418b-02": (61.94, 188.09, 105.2, 24.0),
    "MS260522k-01": (226.5, 784.7, 1585, 429),
    "TS260902f-02": (8061, 24219, 140.1, 46.9),
    "MS260607d-01": (443.9, 1442.7, None, None),
}


@pytest.mark.parametrize("name", LIGO_SKYMAP)
def test_numbers_of_samples_are_those_of_ligo_skymap(tmp_path: Path, name: str) -> None:
    (path,) = SAMPLES.glob(f"{name}-*")
    products = run(tmp_path, {f"X/{path.name}": path.read_bytes()}, name.split("-")[0])
    found = products.maps[0][0]
    keys = ("area_50_deg2", "area_90_deg2", "distance_marginal_mean_mpc")
    keys += ("distance_marginal_std_mpc",)
    for key, expected in zip(keys, LIGO_SKYMAP[name], strict=True):
        assert found[key] == (expected and pytest.approx(expected, rel=3e-3)), key


def test_file_larger_than_any_alert_is_rejected_with_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "inbox/MS260101a/UPDATE/huge.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(b" " * (MAX_ALERT_BYTES + 5))
    outputs = (tmp_path / name for name in ("alerts.json", "skymaps", "localization.json"))
    extract([file], *outputs, [50, 90])
    (rejected,) = json.loads((tmp_path / "alerts.json").read_text())["rejected"]
    assert rejected["reason"] == f"larger than {MAX_ALERT_BYTES} bytes"
    assert rejected["size_bytes"] == MAX_ALERT_BYTES + 5
    assert rejected["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_sparse_file_of_any_size_is_rejected_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "inbox/MS260101a/UPDATE/huge.json"
    file.parent.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    outputs = (tmp_path / name for name in ("alerts.json", "skymaps", "localization.json"))
    extract([file], *outputs, [50, 90])
    (rejected,) = json.loads((tmp_path / "alerts.json").read_text())["rejected"]
    assert rejected["reason"] == f"larger than {MAX_ALERT_BYTES} bytes"
    assert (rejected["size_bytes"], rejected["sha256"]) == (2**40, None)


@pytest.mark.parametrize("right", [parse_alert, read_skymap])
def test_error_of_ours_costs_the_alert_or_the_map_that_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: Callable[[bytes], Any]
) -> None:
    def wrong_on_one(data: bytes) -> Any:
        if b"CREATOR" in data:
            raise TypeError("nobody thought of this")
        return right(data)

    monkeypatch.setattr(f"sirenflow.stages.extract.{right.__name__}", wrong_on_one)
    inbox = tmp_path / "inbox/MS260101a/UPDATE"
    inbox.mkdir(parents=True)
    files = [inbox / "a.avro", inbox / "b.avro"]
    files[0].write_bytes(avro_alert(with_map(flat_map())))
    files[1].write_bytes(avro_alert(with_map(flat_map(1, CREATOR="x"), alert_type="UPDATE")))
    extract(files, *(tmp_path / name for name in ("a.json", "skymaps", "l.json")), [50, 90])
    alerts = json.loads((tmp_path / "a.json").read_text())
    first, *second = json.loads((tmp_path / "l.json").read_text())["alerts"]
    reason = "an error in Sirenflow: TypeError: nobody thought of this; please report it"
    assert first["skymaps"][0]["area_90_deg2"] > 0
    if right is parse_alert:
        assert [entry["reason"] for entry in alerts["rejected"]] == [reason]
        assert second == []
    else:
        assert alerts["rejected"] == []
        (skymap,) = second[0]["skymaps"]
        assert skymap["not_measured_reason"] == reason
        assert (tmp_path / "skymaps" / skymap["file"]).exists()


def test_alert_damaged_in_the_inbox_is_rejected_and_the_good_copy_used(tmp_path: Path) -> None:
    sample = SAMPLES / "MS260926m-01-retraction-alone.json"
    data = sample.read_bytes()
    alert = parse_alert(data)
    good = tmp_path / "inbox" / alert_path(alert.identity, digits=64)
    damaged = tmp_path / "inbox" / alert_path(alert.identity)
    good.parent.mkdir(parents=True)
    good.write_bytes(data)
    damaged.write_bytes(data.replace(b"23:06:05", b"23:59:59"))
    outputs = (tmp_path / name for name in ("alerts.json", "skymaps", "localization.json"))
    extract([good, damaged], *outputs, [50, 90])
    written = json.loads((tmp_path / "alerts.json").read_text())
    assert [a["file"] for a in written["alerts"]] == [f"RETRACTION/{good.name}"]
    assert written["rejected"][0]["file"] == f"RETRACTION/{damaged.name}"
    assert "damaged since it was stored" in written["rejected"][0]["reason"]


def test_file_that_cannot_be_read_is_rejected_with_the_reason(tmp_path: Path) -> None:
    directory = tmp_path / "inbox/MS260926m/RETRACTION"
    (directory / "folder.json").mkdir(parents=True)
    gone = directory / "gone.json"
    outputs = (tmp_path / name for name in ("alerts.json", "skymaps", "localization.json"))
    extract([directory / "folder.json", gone], *outputs, [50, 90])
    rejected = json.loads((tmp_path / "alerts.json").read_text())["rejected"]
    assert [entry["reason"] for entry in rejected] == [
        "cannot be read: Is a directory",
        "cannot be read: No such file or directory",
    ]
    assert {entry["sha256"] for entry in rejected} == {None}


def list_and_extract(directory: Path) -> Any:
    outputs = (directory / name for name in ("alerts.json", "skymaps", "localization.json"))
    files = list_alerts(directory / "inbox/MS260101a")
    extract(files, *outputs, [50, 90], superevent_id="MS260101a")
    return json.loads((directory / "alerts.json").read_text())


def refuse_to_list(monkeypatch: pytest.MonkeyPatch, directory: Path, number: int) -> None:
    """Have one directory fail to be listed."""
    scandir = os.scandir

    def fail(path: Any) -> Any:
        if path == directory:
            raise OSError(number, os.strerror(number), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail)


PASSING = [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM]


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("place", ["MS260101a", "MS260101a/UPDATE"])
def test_error_of_listing_that_may_pass_fails_and_rejects_no_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, place: str
) -> None:
    """Also where it is over before the directory is looked at again."""
    file = tmp_path / "inbox/MS260101a/UPDATE/a.avro"
    file.parent.mkdir(parents=True)
    file.write_bytes(avro_alert(record(alert_type="UPDATE")))
    refuse_to_list(monkeypatch, tmp_path / "inbox" / place, number)
    with pytest.raises(OSError, match=os.strerror(number)):
        list_and_extract(tmp_path)
    listed = list_alerts(tmp_path / "inbox/MS260101a")
    monkeypatch.undo()
    outputs = (tmp_path / name for name in ("alerts.json", "skymaps", "localization.json"))
    with pytest.raises(OSError, match="could not be listed when the run began"):
        extract(listed, *outputs, [50, 90], superevent_id="MS260101a")
    assert not (tmp_path / "alerts.json").exists()
    assert list_and_extract(tmp_path)["rejected"] == []


def test_directory_without_permission_is_rejected_with_the_true_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "inbox/MS260101a"
    directory.mkdir(parents=True)
    refuse_to_list(monkeypatch, directory, errno.EACCES)
    (rejected,) = list_and_extract(tmp_path)["rejected"]
    assert rejected["file"] == "MS260101a"
    assert rejected["reason"] == "directory cannot be read: Permission denied"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM])
def test_error_of_reading_that_may_pass_rejects_no_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("sirenflow.stages.extract.os", SimpleNamespace(fstat=fail))
    with pytest.raises(OSError, match=os.strerror(number)):
        run(tmp_path, {"P/a.avro": avro_alert(record())})
    assert not (tmp_path / "results/alerts.json").exists()


def test_full_disk_rejects_no_alert(tmp_path: Path) -> None:
    """The map of the alert is larger than any file may be."""
    file = tmp_path / "MS260101a/UPDATE/a.avro"
    file.parent.mkdir(parents=True)
    file.write_bytes(avro_alert(with_map(NEAR)))
    limited = (
        "import resource, sys; from pathlib import Path; from sirenflow.stages.extract import "
        "extract\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(NEAR) - 1}, -1))\n"
        "extract([Path(sys.argv[1])], *map(Path, sys.argv[2:]), [50, 90])"
    )
    failed = run_python(limited, file, *(tmp_path / name for name in ("alerts", "maps", "numbers")))
    assert failed.stderr.endswith("OSError: [Errno 27] File too large\n")
    assert not (tmp_path / "alerts").exists()
    assert list((tmp_path / "maps").iterdir()) == []


def test_map_that_cannot_be_put_in_its_place_names_it_only(tmp_path: Path) -> None:
    (tmp_path / "results/skymaps/01-PRELIMINARY.multiorder.fits").mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as failed:
        run(tmp_path, {"P/a.avro": avro_alert(with_map(FLAT))})
    assert str(failed.value).endswith("/skymaps/01-PRELIMINARY.multiorder.fits'")
    assert " -> " not in str(failed.value)


def test_what_killed_a_worker_is_not_touched_again(tmp_path: Path) -> None:
    """Files in `refused` are rejected; of those in `unmeasured` only the maps are."""
    paths = []
    for number, sample in enumerate(sorted(SAMPLES.glob("MS260418b-*.avro"))[::2]):
        path = tmp_path / "MS260418b/UPDATE" / f"{number}.avro"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.read_bytes())
        paths.append(path)
    products = [tmp_path / name for name in ("alerts.json", "skymaps", "localization.json")]
    extract(
        paths,
        *products,
        [50, 90],
        refused={"UPDATE/0.avro": "takes longer than 600 s"},
        unmeasured={"UPDATE/1.avro": "takes more than 4 GiB of memory"},
    )
    alerts = json.loads(products[0].read_bytes())
    (rejected,) = alerts["rejected"]
    assert rejected["reason"] == "takes longer than 600 s"
    assert rejected["sha256"] == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    unmeasured, measured = json.loads(products[2].read_bytes())["alerts"]
    (skymap,) = unmeasured["skymaps"]
    assert skymap["rejection_reason"] == "takes more than 4 GiB of memory"
    assert skymap["file"] is None
    assert skymap["area_90_deg2"] is None
    assert measured["skymaps"][0]["area_90_deg2"] > 0
    assert [file.name for file in products[1].iterdir()] == [measured["skymaps"][0]["file"]]

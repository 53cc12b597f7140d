"""Two runs compared: every value, by what it is of, never by its place in a list."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from builders import avro_alert, json_alert, with_map
from runs import EVENT, a_run, copied, edit, set_area
from superevents import FAR, NEAR, RETRACTION, moved, one_cell_map

from sirenflow import __version__
from sirenflow.comparison.differences import (
    HEADINGS,
    BuiltBy,
    Difference,
    SupereventComparison,
    heading_of,
)
from sirenflow.comparison.superevents import compare_superevent, superevents_of_results
from sirenflow.comparison.values import ALERTS
from sirenflow.errors import SirenflowError
from sirenflow.stages import extract


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return a_run(tmp_path / "old")


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    return copied(old, tmp_path / "new")


def compared(old: Path, new: Path, superevent: str = EVENT) -> SupereventComparison:
    return compare_superevent(old / superevent, new / superevent)


def found(old: Path, new: Path) -> list[Difference]:
    comparison = compared(old, new)
    assert comparison.problems == []
    return sorted(comparison.found, key=lambda difference: difference.order)


def told(old: Path, new: Path) -> set[tuple[str, str, str]]:
    return {(each.file, each.quantity, each.kind) for each in found(old, new)}


def test_same_results_differ_in_nothing_and_all_of_them_is_compared(old: Path, new: Path) -> None:
    comparison = compared(old, new)
    assert comparison.found == []
    # Each alert's numbers, once.
    assert comparison.compared["localization.json", "skymaps.area_90_deg2"] == 3
    assert comparison.compared[ALERTS, "alert"] == 3
    assert comparison.made_old == BuiltBy(__version__, "c0ffee" * 10)


def test_same_values_in_other_bytes_are_the_same(old: Path, new: Path) -> None:
    for file in (new / EVENT).glob("*.json"):
        file.write_text(json.dumps(json.loads(file.read_text()), indent=None))
    assert compared(old, new).found == []
    assert compared(old, new).compared == compared(old, old).compared


@pytest.mark.parametrize("file", ["alerts.json", "localization.json", "regions.json", "event.json"])
def test_every_number_is_seen(old: Path, new: Path, file: str) -> None:
    """Each number of each product, changed alone, is found; but those that another says."""
    content = json.loads((new / EVENT / file).read_text())
    content.pop("schema_version")
    # What localization.json, regions.json and alerts.json say, and a drawing.
    said_elsewhere = {
        *("current", "skymap", "thumbnail", "since_previous", "since_first", "number"),
        *("combined_skymap", "combined_with_gw", "also_received_as"),
        "skymap_alert_number",
    }
    paths = [
        path
        for path in numbers_in(content)
        if (file == "event.json" and said_elsewhere.isdisjoint(path))
        or (file != "event.json" and path[-1] != "number")
    ]
    assert len(paths) > 3
    for path in paths[::5] + paths[-1:]:

        def change(content: Any, path: tuple[Any, ...] = path) -> None:
            for key in path[:-1]:
                content = content[key]
            content[path[-1]] = content[path[-1]] * 2 + 1

        edit(new / EVENT / file, change)
        assert len(found(old, new)) == 1, path
        (new / EVENT / file).write_bytes((old / EVENT / file).read_bytes())


def numbers_in(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return [each for key, value in items for each in numbers_in(value, (*path, key))]
    return [path] if isinstance(node, int | float) and not isinstance(node, bool) else []


def test_one_number_is_one_difference(old: Path, new: Path) -> None:
    set_area(new, 1.25, alert=1)
    (only,) = found(old, new)
    assert (only.file, only.quantity) == ("localization.json", "skymaps.area_90_deg2")
    assert (only.alert_number, only.alert_type, only.part) == (2, "INITIAL", "gw")
    assert only.magnitude.relative == pytest.approx(0.25)
    assert (only.kind, only.heading, only.magnitude.unit) == ("changed", "Area", "deg2")


def test_rounding_is_told_apart_and_comes_last(old: Path, new: Path) -> None:
    set_area(new, 1 + 1e-12)
    edit(new / EVENT / "event.json", lambda content: content.update(summary_line="other"))
    assert [each.kind for each in found(old, new)] == ["changed", "rounding"]


def test_alert_that_comes_between_changes_no_number_of_the_others(
    old: Path, tmp_path: Path
) -> None:
    first, second, third = moved()
    between = with_map(one_cell_map(NEAR, 0.6), alert_type="INITIAL")
    new = a_run(tmp_path / "more", first, between, second, third)
    # `products` gives times by order: the alerts are those of the old run again.
    new_inbox, old_inbox = (tmp_path / name / "inbox" / EVENT for name in ("more", "old"))
    for file in new_inbox.glob("*/*"):
        file.unlink()
    files = sorted(old_inbox.glob("*/*.avro"))
    extra = {**between, "time_created": "2026-01-01T00:10:30Z"}
    added = new_inbox / "INITIAL" / "extra.avro"
    added.write_bytes(avro_alert(extra))
    event = new / EVENT
    paths = (event / "alerts.json", event / "skymaps", event / "localization.json")
    extract.extract([*files, added], *paths, (50, 90))
    for name in ("regions.json", "event.json"):
        (old / EVENT / name).unlink()
        (event / name).unlink()
    differences = found(old, new)
    assert {(each.quantity, each.kind) for each in differences} == {
        ("alert", "only in NEW"),
        ("number", "changed"),
        ("skymaps.file", "changed"),
    }
    first_told = differences[0]
    assert (first_told.new, first_told.alert_number) == ("read", 2)
    assert first_told.heading == HEADINGS[0]


def test_references_are_to_alerts_and_not_to_numbers(old: Path, new: Path) -> None:
    """All alerts get higher numbers: no state, no comparison is said to differ."""
    keys = {"number", "skymap_alert_number", "retracted_by", "reinstated_by"}

    def shift(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, dict | list):
                shift(value)
            elif key in keys and isinstance(value, int):
                node[key] = value + 5

    for file in ("alerts.json", "localization.json", "regions.json", "event.json"):
        edit(new / EVENT / file, shift)
    assert told(old, new) == {("alerts.json", "number", "changed")}


def test_newly_rejected_alert_is_told_first_and_once_with_its_reason(old: Path, new: Path) -> None:
    def reject(content: dict[str, Any]) -> None:
        gone = content["alerts"].pop()
        entry = {key: gone[key] for key in ("file", "sha256", "size_bytes")}
        content["rejected"].append({**entry, "reason": "is cut short"})

    edit(new / EVENT / "alerts.json", reject)
    edit(new / EVENT / "localization.json", lambda content: content["alerts"].pop())
    edit(new / EVENT / "regions.json", lambda content: content["alerts"].pop())
    for results in (old, new):
        (results / EVENT / "event.json").unlink()
    (only,) = found(old, new)
    assert (only.quantity, only.old, only.new) == ("alert", "read", "rejected: is cut short")
    (back,) = found(new, old)
    assert (back.old, back.new) == ("rejected: is cut short", "read")


def test_withheld_map_tells_its_reason_before_its_numbers(old: Path, new: Path) -> None:
    def withhold(content: dict[str, Any]) -> None:
        skymap = content["alerts"][0]["skymaps"][0]
        skymap |= {"area_90_deg2": None, "not_measured_reason": "cells overlap"}

    edit(new / EVENT / "localization.json", withhold)
    differences = found(old, new)
    assert [each.quantity for each in differences] == [
        "skymaps.not_measured_reason",
        "skymaps.area_90_deg2",
    ]
    assert (differences[0].old, differences[0].new) == (None, "cells overlap")
    assert differences[1].new is None


def test_map_and_what_is_in_it_is_told_once_where_one_run_lacks_it(old: Path, new: Path) -> None:
    edit(new / EVENT / "regions.json", lambda content: content["alerts"][0]["maps"].clear())
    (only,) = found(old, new)
    assert (only.quantity, only.part, only.kind) == ("maps", "gw", "only in OLD")


def test_retraction_is_a_change_of_state(tmp_path: Path) -> None:
    old = a_run(tmp_path / "old")
    new = a_run(tmp_path / "new", *moved(), RETRACTION)
    differences = found(old, new)
    headings = [each.heading for each in differences]
    assert headings == sorted(headings, key=HEADINGS.index)
    assert differences[0].quantity == "alert"
    state = {each.quantity: (each.old, each.new) for each in differences if each.heading == "State"}
    assert state["state"] == ("update", "retracted")
    assert state["retracted"] == (False, True)
    assert state["retracted_by"][0] is None
    assert "current" not in state


def test_moved_peak_tells_how_far(tmp_path: Path) -> None:
    old = a_run(tmp_path / "old", with_map(one_cell_map(NEAR)))
    new = copied(old, tmp_path / "new")
    far = a_run(tmp_path / "far", with_map(one_cell_map(FAR)))
    skymap = json.loads((far / EVENT / "localization.json").read_text())["alerts"][0]["skymaps"][0]
    peak = {key: skymap[key] for key in ("peak_ra_deg", "peak_dec_deg")}
    edit(
        new / EVENT / "localization.json",
        lambda content: content["alerts"][0]["skymaps"][0].update(peak),
    )
    differences = found(old, new)
    assert {each.quantity for each in differences} <= {
        "skymaps.peak_ra_deg",
        "skymaps.peak_dec_deg",
    }
    # Both on RA 45, at sin(dec) = 1/12 and 1 - 1/192, by the definition of HEALPix at nside 8.
    apart = math.degrees(math.asin(1 - 1 / 192) - math.asin(1 / 12))
    assert differences[0].magnitude.separation_deg == pytest.approx(apart, abs=1e-6)
    assert differences[0].heading == "Position"


def test_alert_in_another_encoding_is_the_same_alert(tmp_path: Path) -> None:
    """One run had the JSON file alone, the other had the Avro file too, and describes that."""
    alert = {**moved()[0], "time_created": "2026-01-01T00:10:00Z"}
    inbox = tmp_path / EVENT / "PRELIMINARY"
    inbox.mkdir(parents=True)
    files = [inbox / "1.avro", inbox / "2.json"]
    files[0].write_bytes(avro_alert(alert))
    files[1].write_bytes(json_alert(alert))
    for name, given in (("old", files[1:]), ("new", files)):
        event = tmp_path / name / EVENT
        event.mkdir(parents=True)
        paths = (event / "alerts.json", event / "skymaps", event / "localization.json")
        extract.extract(given, *paths, (50, 90))
    differences = found(tmp_path / "old", tmp_path / "new")
    assert "alert" not in {each.quantity for each in differences}
    assert "localization.json" not in {each.file for each in differences}
    assert ("also_received_as", "only in NEW") in {(e.quantity, e.kind) for e in differences}


def test_sites_galaxies_and_candidates_are_known_by_name(old: Path, new: Path) -> None:
    head = {"schema_version": 1, "superevent_id": EVENT}
    site = {"name": "Here", "reachable_probability": 0.5, "probability_above": [0.1, 0.2]}
    other = {**site, "name": "There", "reachable_probability": 0.25}
    galaxy = {"name": None, "ra_deg": 1.0, "dec_deg": 2.0, "rank": 1, "score": 0.5}
    later = {**galaxy, "name": "NGC 1", "rank": 2, "score": 0.25}
    candidate = {"row": 1, "name": "AT1", "ra_deg": 1.0, "dec_deg": 2.0}
    twin = {**candidate, "row": 2}
    matches = [{"row": 1, "credible_level": 0.5}, {"row": 2, "credible_level": 0.75}]
    files = {
        "visibility.json": {"sites": [site, other]},
        "galaxies.json": {"galaxies": [galaxy, later]},
        "candidates.json": {
            "candidates": [candidate, twin],
            "maps": [{"sha256": "a" * 64, "matches": matches}],
            "alerts": [{"number": 1, "map": 0, "standing": True}],
        },
    }
    for results in (old, new):
        for name, content in files.items():
            (results / EVENT / name).write_text(json.dumps({**head, **content}))
    assert told(old, new) == set()
    edit(new / EVENT / "visibility.json", lambda content: content["sites"].reverse())
    assert told(old, new) == set()

    def another_order(content: dict[str, Any]) -> None:
        content["galaxies"].reverse()
        for rank, entry in enumerate(content["galaxies"], start=1):
            entry["rank"] = rank

    edit(new / EVENT / "galaxies.json", another_order)
    assert told(old, new) == {("galaxies.json", "galaxies.rank", "changed")}
    edit(
        new / EVENT / "candidates.json",
        lambda content: content["maps"][0]["matches"][1].update(credible_level=0.8),
    )
    (match,) = (each for each in found(old, new) if each.file == "candidates.json")
    assert (match.quantity, match.part) == ("maps.matches.credible_level", f"{'a' * 64}, AT1 #2")


def test_file_and_superevent_that_one_run_lacks_are_named(old: Path, new: Path) -> None:
    (new / EVENT / "regions.json").unlink()
    assert told(old, new) == {("regions.json", "file", "only in OLD")}
    (new / EVENT / ALERTS).unlink()
    assert told(old, new) == {(ALERTS, "superevent", "only in OLD")}
    assert told(new, old) == {(ALERTS, "superevent", "only in NEW")}


def test_what_only_one_version_of_a_schema_has_is_not_said_to_differ(old: Path, new: Path) -> None:
    def older(content: dict[str, Any]) -> None:
        content["schema_version"] = 1
        del content["summary_line"]
        content["state"] = "initial"

    edit(old / EVENT / "event.json", older)
    assert told(old, new) == {("event.json", "state", "changed")}
    assert compared(old, new).one_version_only == {("event.json", "summary_line")}


def test_key_that_only_one_run_has_differs_within_a_version(old: Path, new: Path) -> None:
    edit(
        new / EVENT / "event.json",
        lambda content: content["history"][0]["values"]["classification"].update(BNS=0.5),
    )
    (only,) = found(old, new)
    assert (only.old, only.new, only.heading) == (None, 0.5, "Source")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"", "is damaged: found Expecting value"),
        (b"\xff\xfe{}", "is damaged: found "),
        (b"[1]", "found '[1]'; expected superevent_id"),
        (b'{"superevent_id": "S1"}', "found 'S1'; expected superevent_id 'MS260101a'"),
        (b'{"superevent_id": NaN}', "found the number NaN; expected JSON"),
        (b"[" * 100_000, "is damaged: found maximum recursion"),
        (
            b'{"superevent_id": "MS260101a", "schema_version": 7}',
            "found schema_version 7; expected 1",
        ),
        (
            b'{"superevent_id": "MS260101a", "schema_version": 1, "alerts": [{"number": 9}]}',
            "found alert 9; expected one that alerts.json has",
        ),
        (
            b'{"superevent_id": "MS260101a", "schema_version": 1, "alerts": [{}]}',
            "found KeyError('number'); expected what its schema describes",
        ),
    ],
)
def test_damaged_file_is_named_and_the_rest_is_compared(
    old: Path, new: Path, damage: bytes, said: str
) -> None:
    (new / EVENT / "regions.json").write_bytes(damage)
    set_area(new, 2.0)
    comparison = compared(old, new)
    (problem,) = comparison.problems
    assert str(new / EVENT / "regions.json") in problem
    assert said in problem
    kinds = {each.kind for each in comparison.found}
    assert kinds == {"changed", "not comparable"}


@pytest.mark.parametrize("content", ["{", '{"alerts": 1}', '{"alerts": [{"number": "x"}]}'])
def test_without_alerts_nothing_is_compared(old: Path, new: Path, content: str) -> None:
    text = content.replace("{", f'{{"superevent_id": "{EVENT}", "schema_version": 1, ', 1)
    (new / EVENT / ALERTS).write_text(text if content != "{" else content)
    comparison = compared(old, new)
    assert len(comparison.problems) == 1
    assert [each.kind for each in comparison.found] == ["not comparable"]


def test_directory_without_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SirenflowError, match="does not exist; expected a directory of results"):
        superevents_of_results(tmp_path / "typo")
    (tmp_path / EVENT).mkdir()
    with pytest.raises(SirenflowError, match=r"expected a superevent's alerts.json.*found none"):
        superevents_of_results(tmp_path)


def test_every_quantity_has_a_heading() -> None:
    assert heading_of(("localization.json", "skymaps.area_90_deg2")) == "Area"
    assert heading_of(("localization.json", "skymaps.volume_90_mpc3")) == "Distance and volume"
    assert heading_of(("localization.json", "skymaps.distance_absent_because")) == "Maps used"
    assert heading_of(("new.json", "anything")) == HEADINGS[-1]

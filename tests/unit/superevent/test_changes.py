"""Each alert with values is compared with the one before it, and with the first."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from summaries import summarize

from sirenflow.products.event import AlertSummary, Comparison
from sirenflow.products.regions import AlertRegions, MapComparison, Regions
from sirenflow.superevent.changes import changes, with_comparisons

EVENT = {
    "time": "2026-11-22T03:08:04.741Z",
    "far": 1e-9,
    "significant": True,
    "instruments": ["H1", "L1"],
    "group": "CBC",
    "pipeline": "gstlal",
    "search": "AllSky",
    "properties": {"HasNS": 1.0, "HasRemnant": 0.88},
    "classification": {"BNS": 0.95, "BBH": 0.05},
}
MAP = {
    "kind": "gw",
    "file": "x.fits",
    "area_50_deg2": 180.0,
    "area_90_deg2": 796.0,
    "peak_ra_deg": 84.9,
    "peak_dec_deg": -17.3,
    "distance_mean_mpc": 186.0,
    "distance_std_mpc": 37.0,
}


def history(
    *events: dict[str, Any] | None, maps: dict[int, dict[str, Any]] | None = None
) -> tuple[AlertSummary, ...]:
    """Give alerts with these events, None for a retraction."""
    alerts = [
        {"number": n, "alert_type": "UPDATE" if event else "RETRACTION", "record": {"event": event}}
        for n, event in enumerate(events, start=1)
    ]
    located = [{"number": n, "skymaps": [skymap]} for n, skymap in (maps or {}).items()]
    return summarize({"alerts": alerts}, {"alerts": located}).history


def found(before: dict[str, Any], after: dict[str, Any], **maps: Any) -> dict[str, Any]:
    return {c.name: (c.before, c.after) for c in changes(*history(before, after, **maps))}


def test_same_values_have_no_changes() -> None:
    assert found(EVENT, copy.deepcopy(EVENT), maps={1: MAP, 2: MAP}) == {}


def test_changes_hold_both_values_exactly() -> None:
    after = EVENT | {"far": 2e-9, "properties": {"HasNS": 1.0, "HasRemnant": 0.9100001}}
    assert found(EVENT, after) == {"properties.HasRemnant": (0.88, 0.9100001), "far": (1e-9, 2e-9)}


def test_what_only_one_alert_gives_is_none_in_the_other() -> None:
    after = EVENT | {"properties": {"HasNS": 1.0, "HasSSM": 0.0}, "pipeline": None}
    assert found(EVENT, after) == {
        "properties.HasSSM": (None, 0.0),
        "properties.HasRemnant": (0.88, None),
        "pipeline": ("gstlal", None),
    }


def test_most_probable_class_is_a_change_of_its_own() -> None:
    after = EVENT | {"classification": {"BNS": 0.4, "BBH": 0.6}}
    assert found(EVENT, after)["source_class"] == ("BNS", "BBH")


def test_detectors_in_another_order_are_the_same() -> None:
    assert found(EVENT, EVENT | {"instruments": ["L1", "H1"]}) == {}
    after = found(EVENT, EVENT | {"instruments": ["V1", "L1", "H1"]})
    assert after == {"instruments": ("H1 L1", "H1 L1 V1")}


def test_map_that_cannot_be_trusted_gives_no_number() -> None:
    withheld = MAP | {"not_measured_reason": "sums to 2"}
    after = found(EVENT, EVENT, maps={1: MAP, 2: withheld})
    assert after["area_90_deg2"] == (796.0, None)
    assert after["distance_mean_mpc"] == (186.0, None)


def numbers(comparison: Comparison | None) -> tuple[int, int | None] | None:
    return comparison and (comparison.number, comparison.skymap and comparison.skymap.number)


def test_retraction_is_compared_with_nothing_and_nothing_with_it() -> None:
    alerts = history(EVENT, None, EVENT, EVENT)
    assert [numbers(a.since_previous) for a in alerts] == [None, None, (1, None), (3, None)]
    assert [numbers(a.since_first) for a in alerts] == [None, None, None, (1, None)]


def test_comparisons_of_maps_go_to_the_alert_that_carries_the_newer_one() -> None:
    alerts = history(EVENT, EVENT, EVENT)
    ratios = (0.5,) * 9
    first, second = (MapComparison(number, True, *ratios) for number in (1, 2))
    entries = (
        AlertRegions(number=2, since_previous=first),
        AlertRegions(number=3, since_previous=second, since_first=first),
    )
    compared = with_comparisons(alerts, Regions(superevent_id="S1a", alerts=entries))
    assert [numbers(a.since_previous) for a in compared] == [None, (1, 1), (2, 2)]
    assert [numbers(a.since_first) for a in compared] == [None, None, (1, 1)]


SHARES = st.dictionaries(st.sampled_from(["BNS", "NSBH", "HasNS", "HasRemnant"]), st.floats(0, 1))
EVENTS = st.fixed_dictionaries(
    {"group": st.sampled_from(["CBC", "Burst"])},
    optional={"far": st.floats(0, 1), "classification": SHARES, "properties": SHARES},
)


@given(before=EVENTS, after=EVENTS)
def test_changes_backwards_are_the_same_turned_round(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    there, back = found(before, after), found(after, before)
    assert there == {name: (new, old) for name, (old, new) in back.items()}
    assert all(old != new for old, new in there.values())

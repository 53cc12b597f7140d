"""A product's values are read whatever it holds, or it is said why they are not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import EVENT, a_run

from sirenflow.comparison.differences import SupereventComparison
from sirenflow.comparison.text import both_texts, magnitude_text, where_text
from sirenflow.comparison.values import ValuePath, alert_outcomes, read_alerts, read_product
from sirenflow.errors import SirenflowError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FILES = ("alerts.json", "localization.json", "regions.json", "event.json")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    event: Path = a_run(tmp_path_factory.mktemp("run")) / EVENT
    return {file: json.loads((event / file).read_text()) for file in FILES}


def replaced(node: Any, value: object, random: Any) -> None:
    """Put a value somewhere into a product."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key = random.choice(keys)
    inner = node[key]
    if isinstance(inner, dict | list) and inner and random.random() < 0.8:
        replaced(inner, value, random)
    else:
        node[key] = value


@pytest.mark.slow
@given(st.sampled_from(FILES), JSON, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_any_content_is_read_and_compared_or_told(
    contents: dict[str, dict[str, Any]], file: str, value: object, random: Any
) -> None:
    alerts = read_alerts(contents["alerts.json"])
    names = {alert.sha256: alert.sha256 for alert in alerts}
    known = {alert.sha256: alert for alert in alerts}
    before = read_product(file, contents[file], alerts, names)
    changed = copy.deepcopy(contents[file])
    replaced(changed, value, random)
    changed["schema_version"] = contents[file]["schema_version"]
    comparison = SupereventComparison(EVENT, known, known)
    try:
        after = read_product(file, changed, alerts, names)
        if file == "alerts.json":
            read_alerts(changed)
            alert_outcomes(changed, names)
    except SirenflowError:
        return
    comparison.compare_readings(file, before, after)
    for found in sorted(comparison.found, key=lambda each: each.order):
        for text in (*both_texts(found), magnitude_text(found), where_text(found)):
            assert len(text) < 400
            assert "\n" not in text


def test_deep_content_is_told(contents: dict[str, dict[str, Any]]) -> None:
    deep: dict[str, Any] = {}
    content = {**contents["event.json"], "summary_line": deep}
    for _ in range(5_000):
        deep["x"] = {}
        deep = deep["x"]
    alerts = read_alerts(contents["alerts.json"])
    names = {alert.sha256: alert.sha256 for alert in alerts}
    with pytest.raises(SirenflowError, match="expected what its schema describes"):
        read_product("event.json", content, alerts, names)


def test_values_are_of_an_alert_a_part_and_a_path(contents: dict[str, dict[str, Any]]) -> None:
    alerts = read_alerts(contents["alerts.json"])
    names = {alert.sha256: alert.sha256[::-1] for alert in alerts}
    reading = read_product("regions.json", contents["regions.json"], alerts, names)
    place = ValuePath(alerts[0].sha256[::-1], ("gw", "lobes_90 1"), "alerts.maps.lobes_90")
    lobe = contents["regions.json"]["alerts"][0]["maps"][0]["lobes_90"][0]
    assert reading.values[place] == lobe
    assert reading.values[ValuePath(alerts[2].sha256[::-1], (), "alerts")][
        "since_previous.number"
    ] == (f"INITIAL of 2026-01-01T00:11:00Z, {alerts[1].sha256[::-1][:12]}")

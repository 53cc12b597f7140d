"""Where a combined map lies beside the gravitational-wave map, that is said before its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import all_cells, fits_map, json_alert, record
from every_stage import call_stage, make_products
from pages import assert_safe
from summaries import summarize

from sirenflow.superevent.circular import circular_text
from sirenflow.superevent.combined_map_text import LEAST_SHARE, combined_phrases
from sirenflow.superevent.number_text import NARROW_SPACE
from sirenflow.superevent.sentence import sentence_text

WARNING = (
    "The combined map disagrees with the gravitational-wave map: "
    "the GW 90 % region holds {} of the combined probability."
)
COMPARISON = {
    "number": 1,
    "identical": False,
    "peak_shift_deg": 111.24,
    "area_50_ratio": 0.1,
    "area_90_ratio": 0.07,
    "overlap_90_deg2": 0.0,
    "overlap_90_of_new": 0.0,
    "overlap_90_of_old": 0.0,
    "probability_in_old_50": 0.0,
    "probability_in_old_90": 0.04,
    "distance_shift_sigma": None,
}


def summary(**compared: Any) -> Any:
    """Summarize an alert with two maps; regions.json says how they compare."""
    alert = {"number": 1, "alert_type": "UPDATE", "time_created": "2026-11-22T03:10:33Z"}
    alert["record"] = {"event": {"far": 1e-9}, "external_coinc": {"observatory": "Fermi"}}
    maps = [
        {"kind": "gw", "file": "1.fits", "area_90_deg2": 1.8},
        {"kind": "combined", "file": "2.fits", "area_90_deg2": 0.128},
    ]
    parts = {"number": 1, "combined_with_gw": {**COMPARISON, **compared}}
    return summarize(
        {"superevent_id": "S261122ab", "alerts": [alert]},
        {"alerts": [{"number": 1, "skymaps": maps}]},
        {"alerts": [parts]},
    )


def said(**compared: Any) -> str:
    return sentence_text(combined_phrases(summary(**compared))).replace(NARROW_SPACE, " ")


def test_maps_that_hardly_overlap_are_a_warning_before_anything_else() -> None:
    assert said() == (
        WARNING.format("only 4 %") + " If they do share one source: "
        "90 % area 14 times smaller, 1.8 → 0.13 deg²; the peak moves 111.2°."
    )
    assert combined_phrases(summary())[0].strong


def test_maps_that_agree_are_compared_without_one() -> None:
    assert said(probability_in_old_90=0.98, peak_shift_deg=0.031) == (
        "If both have one source: 90 % area 14 times smaller, 1.8 → 0.13 deg²; "
        "the peak moves 0.031°, and the GW region holds 98 % of the combined probability."
    )


@pytest.mark.parametrize(
    ("share", "held"),
    [(0.0, "less than 1 %"), (0.004, "less than 1 %"), (0.49, "only 49 %"), (LEAST_SHARE, None)],
)
def test_warning_begins_below_half_of_the_probability(share: float, held: str | None) -> None:
    begins = "If both have one source: " if held is None else WARNING.format(held)
    assert said(probability_in_old_90=share).startswith(begins)


def test_text_for_e_mail_warns_too() -> None:
    text = " ".join(circular_text(summary()).split())
    assert "COMBINED SKY MAP Warning The combined map disagrees with the" in text
    assert "holds only 4% of the combined probability. 50 % area" in text
    assert "Against GW alone 90 % area 14 times smaller" in text
    assert "Warning" not in circular_text(summary(probability_in_old_90=0.98))


def test_nothing_is_compared_without_two_areas() -> None:
    content = {"number": 1, "alert_type": "UPDATE", "record": {"event": {"far": 1e-9}}}
    assert combined_phrases(summarize({"alerts": [content]}, {})) == ()


def test_page_of_maps_on_opposite_sides_warns(tmp_path: Path) -> None:
    """From the bytes of two maps, each of which has its probability in one cell of 12."""
    north, south = (
        fits_map({"UNIQ": all_cells(0), "PROBDENSITY": np.eye(12)[i] * 12 / (4 * np.pi)})
        for i in (0, 10)
    )
    event = {"time": "2026-01-01T00:05:00Z", "far": 1e-9, "group": "CBC", "skymap": north}
    coincidence = {"observatory": "Fermi", "combined_skymap": south}
    file = tmp_path / "inbox/MS260101a/UPDATE/1.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(json_alert(record(event=event, external_coinc=coincidence)))
    made = make_products(call_stage, [file], tmp_path / "results")
    text = " ".join(assert_safe((made / "index.html").read_text(encoding="utf-8")).text.split())
    assert "Possible coincidence with Fermi " + WARNING.format("less than 1 %") in text

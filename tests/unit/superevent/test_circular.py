"""The draft is plain text that no value can break, and is never taken for a GCN Circular."""

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from summaries import summarize

from sirenflow.superevent.circular import circular_text

EVENT = {
    "time": "2026-11-22T03:08:04.741Z",
    "far": 1 / (3.2 * 31557600),
    "significant": True,
    "instruments": ["H1", "L1", "V1"],
    "group": "CBC",
    "pipeline": "gstlal",
    "search": "AllSky",
    "properties": {"HasNS": 1.0, "HasRemnant": 0.91},
    "classification": {"BNS": 0.95, "NSBH": 0.03, "BBH": 0.0, "Terrestrial": 0.02},
    "mchirp_source": {"bin_edges": [0.9, 1.1, 1.3], "probabilities": [0.2, 0.8]},
}
MAP = {
    "kind": "gw",
    "file": "01-UPDATE.multiorder.fits",
    "sha256": "5" * 64,
    "peak_ra_deg": 84.9011,
    "peak_dec_deg": -17.3,
    "area_50_deg2": 61.2,
    "area_90_deg2": 270.4,
    "probability_with_distance": 1.0,
    "distance_mean_mpc": 186.2,
    "distance_std_mpc": 37.1,
    "distance_p05_mpc": 124.0,
    "distance_p50_mpc": 185.0,
    "distance_p95_mpc": 247.4,
}
COMBINED = MAP | {"kind": "combined", "file": "01-UPDATE-combined.fits", "area_90_deg2": 12.2}
COINCIDENCE = {
    "observatory": "Fermi",
    "search": "GRB",
    "gcn_notice_id": 798174766,
    "time_difference": -1.7,
    "time_coincidence_far": 2.4e-13,
}
PARTS = {
    "kind": "gw",
    "sha256": "0" * 64,
    "files": dict.fromkeys(("moc_50", "moc_90", "contours", "ds9"), "01-UPDATE.90.moc.fits"),
    "lobes_90": [
        {"probability": 0.87, "area_deg2": 242.1, "ra_deg": 84.9, "dec_deg": -0.01}
        | {"radius_deg": 12.1, "constellation": "Boötes"},
    ],
    "lobes_90_count": 3,
}


def draft(
    *events: dict[str, Any] | None,
    superevent_id: str = "S261122ab",
    skymaps: tuple[dict[str, Any], ...] = (MAP,),
    coincidence: dict[str, Any] | None = None,
    **changed: Any,
) -> str:
    """Write the draft after alerts with these events, None for a retraction; all carry the maps."""
    alerts = [
        {
            "number": number,
            "alert_type": "UPDATE" if event else "RETRACTION",
            "sha256": str(number) * 32,
            "time_created": f"2026-11-22T03:{number:02}:33Z",
            "record": {"event": event, "external_coinc": coincidence}
            | {"urls": {"gracedb": "https://example.org/S261122ab"}},
        }
        for number, event in enumerate(events or (EVENT | changed,), start=10)
    ]
    numbers = [alert["number"] for alert in alerts]
    text = circular_text(
        summarize(
            {"superevent_id": superevent_id, "alerts": alerts},
            {"alerts": [{"number": number, "skymaps": list(skymaps)} for number in numbers]},
            {"alerts": [{"number": number, "maps": [PARTS]} for number in numbers]},
            "c" * 64,
        )
    )
    check(text)
    return text


def check(text: str) -> None:
    """Check what holds for every draft."""
    assert text.endswith("\n")
    assert set(text) <= set(string.printable) - set("\t\r\x0b\x0c")
    assert max(map(len, text.splitlines())) <= 78
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert text.count("This is not a GCN Circular. It is an automatic draft that nobody") == 2
    assert not re.search(r"\b(None|nan|inf)\b|not provided (Mpc|deg2)", text)


def rows(text: str) -> str:
    """Join the lines, with single spaces."""
    return " ".join(text.split())


def test_draft_has_everything_that_a_reader_asks_for() -> None:
    text = draft()
    assert text.splitlines()[0] == "CBC (HasRemnant=91%), 186 Mpc, 270 deg2, FAR ~1 per 3.2 yr"
    told = rows(text)
    for part in (
        "SUPEREVENT S261122ab State update, alert 10, sent 2026-11-22 03:10:33 UTC",
        "Delay 2 min after T0",
        "GraceDB https://example.org/S261122ab",
        "T0 2026-11-22 03:08:04.741 UTC",
        "Detectors H1 L1 V1",
        "Group CBC Pipeline gstlal Search AllSky Significance significant",
        "False-alarm rate 1 per 3.2 yr (9.9e-9 Hz)",
        "Classes BNS 95%, NSBH 3%, BBH <1%, Terrestrial 2%",
        "If astrophysical HasNS >99%, HasRemnant 91%",
        "Chirp mass most probably 1.1 to 1.3 solar masses (80%)",
        "Distance 186 +/- 37 Mpc (mean and standard deviation)",
        "Distance, 5-95 % 124-247 Mpc",
        "50 % area 61 deg2 90 % area 270 deg2",
        "90 % region 3 parts; the 1 most probable: 87% in Bootes, RA 84.9 Dec 0.0 deg, 242 deg2",
        "Peak RA 84.901 deg, Dec -17.300 deg (ICRS); the centre of a cell of "
        "the map, not a measured position",
        f"Alert 10 UPDATE, sent 2026-11-22 03:10:33 UTC sha256 {'10' * 32}",
        f"Sky map skymaps/01-UPDATE.multiorder.fits sha256 {'5' * 64}",
        "Its 90 % region regions/01-UPDATE.90.moc.fits",
        f"sha256 {'c' * 64}",
        "sirenflow ",
    ):
        assert part in told


def test_what_changed_is_told_against_the_alert_before_and_the_first() -> None:
    better = EVENT | {"properties": {"HasNS": 1.0, "HasRemnant": 0.98}}
    text = draft(EVENT, EVENT, better)
    before, first = (f"ALERT 12 AGAINST ALERT {n}\n  - HasRemnant 91 -> 98%\n" for n in (11, 10))
    assert before in text
    assert first in text
    assert "AGAINST" not in draft(EVENT)


def test_retraction_is_said_first_and_values_are_for_the_record() -> None:
    text = draft(EVENT, None)
    assert text.startswith("RETRACTED: CBC")
    assert "RETRACTED BY ALERT 11. What follows is for the record only." in text
    assert "Stop follow-up." in text
    assert "State retracted, alert 11" in rows(text)
    assert "Values of alert 10, UPDATE" in rows(text)
    assert "sha256 " + "11" * 32 in text


def test_retraction_alone_has_no_values() -> None:
    text = draft(None)
    assert text.startswith("RETRACTED: no alert with values\n")
    assert "T0" not in text
    assert "WHERE" not in text


def test_retracted_then_confirmed_stands() -> None:
    text = draft(EVENT, None, EVENT)
    assert "Retracted by alert 11, then confirmed by alert 12: the candidate stands." in text
    assert "RETRACTED" not in text


@pytest.mark.parametrize("superevent_id", ["MS261122ab", "TS261122ab"])
def test_test_alert_says_do_not_observe(superevent_id: str) -> None:
    assert "\nTEST ALERT, DO NOT OBSERVE\n" in draft(superevent_id=superevent_id)
    assert "TEST" not in draft()


def test_burst_has_duration_and_frequency() -> None:
    flat = MAP | dict.fromkeys(key for key in MAP if key.startswith("distance_"))
    flat |= {"probability_with_distance": 0.0, "distance_absent_because": "no distance columns"}
    burst = {"group": "Burst", "duration": 0.0111, "central_frequency": 153.2}
    told = rows(draft(**burst, classification={}, properties={}, skymaps=(flat,)))
    assert "SOURCE Duration 11 ms Central frequency 153 Hz Classes not provided" in told
    assert "Distance not provided: no distance columns 50 % area" in told


@pytest.mark.parametrize(
    ("skymaps", "said"),
    [
        ((), "HOW FAR Sky map not provided"),
        (
            ({"kind": "gw", "rejection_reason": "no FITS"},),
            "Sky map not used, because the sky map of alert 10 cannot be used: no FITS",
        ),
        (
            (MAP | {"not_measured_reason": "sums to 2"},),
            "Sky map not used, because the numbers of the sky map of alert 10 are withheld: sums",
        ),
        (
            (MAP | {"probability_with_distance": 0.66},),
            "Distance, 5-95 % withheld: only 66% of the probability has a distance",
        ),
    ],
)
def test_what_the_map_does_not_give_has_its_reason(
    skymaps: tuple[dict[str, Any], ...], said: str
) -> None:
    assert said in rows(draft(skymaps=skymaps))


def test_coincidence_has_its_rates_and_what_the_combined_map_gains() -> None:
    told = rows(draft(coincidence=COINCIDENCE, skymaps=(MAP, COMBINED)))
    assert "POSSIBLE COINCIDENCE WITH Fermi Search GRB GCN notice 798174766" in told
    assert "Time difference -1.700 s, sign as sent" in told
    assert "Joint FAR, time 1 per 1.3e5 yr (2.4e-13 Hz) Joint FAR, with sky not provided" in told
    assert "Against GW alone 90 % area 22 times smaller" in told
    assert "COMBINED SKY MAP Sky map not provided" in rows(draft(coincidence=COINCIDENCE))
    assert "COINCIDENCE" not in draft()


def test_nothing_readable_is_said() -> None:
    content = {"superevent_id": "S261122ab", "rejected": [{"reason": "truncated"}]}
    text = circular_text(summarize(content, {}))
    check(text)
    assert text.startswith("no readable alert\n")
    assert "Not readable 1 more, see alerts.json" in rows(text)


HOSTILE = st.text(st.characters(codec=None, categories=["L", "N", "P", "S", "Z", "C"]), max_size=90)
ODD = HOSTILE | st.none() | st.floats() | st.integers() | st.booleans()


@given(
    event=st.fixed_dictionaries({}, optional=dict.fromkeys(EVENT, ODD | st.lists(ODD, max_size=3))),
    shares=st.dictionaries(HOSTILE, st.floats(0, 1), max_size=12),
    coincidence=st.fixed_dictionaries({}, optional=dict.fromkeys(COINCIDENCE, ODD)),
    texts=st.tuples(HOSTILE, HOSTILE),
    numbers=st.lists(st.none() | st.floats(-1e308, 1e308), min_size=10, max_size=10),
)
def test_hostile_values_break_no_line_and_leave_ascii(
    event: dict[str, Any],
    shares: dict[str, float],
    coincidence: dict[str, Any],
    texts: tuple[str, str],
    numbers: list[float | None],
) -> None:
    keys = [key for key in MAP if key not in ("kind", "file", "sha256")]
    skymap = MAP | {"file": texts[0], "sha256": texts[1]} | dict(zip(keys, numbers, strict=True))
    sent = EVENT | event | {"classification": shares, "properties": shares}
    alert = {"number": 1, "alert_type": "UPDATE", "sha256": texts[0], "time_created": texts[1]}
    alert["record"] = {"event": sent, "external_coinc": coincidence}
    located = {"number": 1, "skymaps": [skymap, skymap | {"kind": "combined"}]}
    content = {"superevent_id": texts[0], "alerts": [alert]}
    text = circular_text(summarize(content, {"alerts": [located]}))
    assert set(text) <= set(string.printable) - set("\t\r\x0b\x0c")
    assert max(map(len, text.splitlines())) <= 78

"""Rounding is that of the documented rules; the sentence says what an observer must do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.superevent import number_text


def plain(text: str) -> str:
    return text.replace(number_text.NARROW_SPACE, " ").replace(number_text.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "<1 %"),
        (1e-94, "<1 %"),
        (0.00999, "<1 %"),
        (0.01, "1 %"),
        (0.945, "94 %"),
        (0.99, "99 %"),
        (0.9901, ">99 %"),
        (1.0, ">99 %"),
        (None, "not provided"),
    ],
)
def test_probability_is_an_integer_per_cent_without_false_certainty(
    probability: float | None, text: str
) -> None:
    assert plain(number_text.probability_text(probability)) == text


@pytest.mark.parametrize(
    ("far_hz", "text"),
    [
        (1 / (3.2 * 31557600), "1 per 3.2 yr"),
        (1 / 31557600, "1 per 1.0 yr"),
        (3.80314e-06, "1 per 3.0 d"),
        (1.57826e-05, "1 per 18 h"),
        (9.110699364861297e-14, "1 per 3.5 × 10⁵ yr"),
        (1.14177774199959e-41, "1 per 2.8 × 10³³ yr"),
        (1 / (5200 * 31557600), "1 per 5 200 yr"),
        (2.0, "1 per 0.50 s"),
        (1e5, "1 per 1.0 × 10⁻⁵ s"),
        (0.0, "0 as sent"),
        (1e-300, "1 per 3.2 × 10²⁹² yr"),
        (5e-324, "4.9 × 10⁻³²⁴ Hz"),
        (None, "not provided"),
    ],
)
def test_false_alarm_rate_is_an_interval_of_two_digits(far_hz: float | None, text: str) -> None:
    assert plain(number_text.false_alarm_text(far_hz)) == text


@pytest.mark.parametrize(
    ("area", "text"),
    [
        (0.0, "0"),
        (5e-324, "<0.0001"),
        (0.00009, "<0.0001"),
        (0.0042, "0.0042"),
        (0.128, "0.13"),  # the 90 % area of a combined map
        (0.4, "0.40"),
        (0.999, "1.0"),
        (1.0, "1.0"),
        (9.94, "9.9"),
        (9.96, "10"),
        (269.6, "270"),
        (24219.1, "24 219"),
    ],
)
def test_area_has_two_digits_under_one_and_one_decimal_under_ten(area: float, text: str) -> None:
    assert plain(number_text.area_text(area)) == text


@given(value=st.floats(0, 1.7e308))
def test_numbers_have_no_exponent_no_sign_and_are_close(value: float) -> None:
    """Areas, distances under a million Mpc, and the edges of histograms."""
    texts = [number_text.area_text(value), number_text.digits_text(value)]
    texts += [number_text.distance_text(value)] if value < 1e6 else []
    for text in texts:
        written = text.replace(number_text.NARROW_SPACE, "").removeprefix("<")
        assert re.fullmatch(r"\d+(\.\d+)?", written)
        assert float(written) == pytest.approx(value, rel=0.06, abs=1e-4)
        assert float(written) > 0 or value == 0


@given(value=st.floats(-1e6, 1e6), tiny=st.floats(-1e-3, 1e-3))
def test_what_rounds_to_zero_has_no_sign(value: float, tiny: float) -> None:
    for number in (value, tiny, 0.0, -0.0):
        texts = [
            *(number_text.signed_delay_text(number), number_text.latency_text(number)),
            *(number_text.seconds_text(number), number_text.degrees_text(number)),
            *(number_text.whole_degrees_text(number), number_text.signed_text(number, 1)),
        ]
        for text in texts:
            assert "nan" not in text
            assert not re.match(r"[-+−]0(\.0*)?(?!\.?\d)", text)
            assert "-" not in text  # the sign is U+2212


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.1, "0.1"), (0.126, "0.126"), (1.2, "1.2"), (46.4, "46.4"), (1000.0, "1 000")),
        *((99999.0, "100 000"), (0.0, "0"), (1e-9, "<0.0001")),
    ],
)
def test_three_digits_are_never_a_power_of_ten(value: float, text: str) -> None:
    assert plain(number_text.digits_text(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (28.0, "28 s after T₀"),
        (0.0, "at T₀"),
        (-0.0004, "at T₀"),
        (0.0005, "at T₀"),
        (-0.0005, "at T₀"),
        (-0.00051, "1 ms before T₀"),
        (-0.3, "300 ms before T₀"),
        (0.9996, "1 s after T₀"),
        (-14.2, "14 s before T₀"),
        (780.0, "13 min after T₀"),
        (13320.0, "3.7 h after T₀"),
        (233280.0, "2.7 d after T₀"),
    ],
)
def test_delay_says_before_or_after(seconds: float, text: str) -> None:
    assert number_text.latency_text(seconds) == text


def test_frequency_is_zero_only_where_it_was_sent_so() -> None:
    assert plain(number_text.frequency_text(1e-300)) == "1.0 × 10⁻³⁰⁰ Hz"
    assert number_text.frequency_text(0.0) == "0 Hz"


def test_duration_is_in_milliseconds_below_a_second() -> None:
    assert number_text.duration_text(0.05823) == "58 ms"
    assert number_text.duration_text(2.34) == "2.3 s"
    assert number_text.duration_text(0.9996) == "1.0 s"
    assert number_text.duration_text(0.00042) == "0.42 ms"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.0, "0 s"),
        (-0.0004, "0 s"),
        (-0.0005, "0 s"),
        (0.0005, "0 s"),
        (-0.3, "−300 ms"),
        (28.4, "+28 s"),
    ],
)
def test_signed_delay_of_nothing_has_no_sign(seconds: float, text: str) -> None:
    assert number_text.signed_delay_text(seconds) == text


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        (2.41, 0.38, "2.4 ± 0.4"),
        (9.94, None, "9.9"),
        (9.96, 3.2, "10 ± 3"),
        (0.4, 0.1, "0.40 ± 0.10"),
        (0.02, 0.01, "0.020 ± 0.010"),
        (0.0079, None, "0.0079"),  # 8 kpc: the middle of the Galaxy
        (0.00002, 0.1, "<0.0001"),
        (40.2, 0.03, "40.20 ± 0.03"),
        (40.2, 1e-9, "40 ± <0.0001"),
        (40.2, 0.3, "40.2 ± 0.3"),
        (588.2, 163.4, "588 ± 163"),
        (12345.6, 2000.4, "12 346 ± 2 000"),
        (None, 3.0, "not provided"),
    ],
)
def test_distance_has_one_decimal_only_under_ten(
    mean: float | None, std: float | None, text: str
) -> None:
    assert plain(number_text.distance_text(mean, std)) == text


def test_gain_names_its_direction() -> None:
    assert number_text.gain_text(300, 100) == "90 % area 3.0 times smaller"
    assert number_text.gain_text(100, 300) == "90 % area 3.0 times larger"
    assert number_text.gain_text(100, 99) == "about the same 90 % area"

"""How numbers are rounded and written for readers. The exact numbers are in event.json."""

import math

JULIAN_YEAR_S = 365.25 * 86400
ABSENT = "not provided"
UTC_ASSUMED = "zone not given, UTC assumed"
NARROW_SPACE = "\u202f"
NO_BREAK = "\u00a0"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


# No source is so far, but a map may say so.
_BEYOND_ALL_MPC = 1e6
# Areas and distances below this are of no telescope's field, nor of any source: "<0.0001".
_LEAST_DECIMAL = 1e-4
# What rounds to 1000 ms is written in seconds.
_ONE_SECOND = 0.9995
_PERIODS = ((JULIAN_YEAR_S, "yr"), (86400.0, "d"), (3600.0, "h"), (60.0, "min"), (0.0, "s"))


def probability_text(probability: float | None) -> str:
    """Write a probability as an integer per cent, "<1 %" below 1 and ">99 %" above 99."""
    if probability is None:
        return ABSENT
    if probability < 0.01:
        return f"<1{NARROW_SPACE}%"
    if probability > 0.99:
        return f">99{NARROW_SPACE}%"
    return f"{round(100 * probability)}{NARROW_SPACE}%"


def integer_text(value: float) -> str:
    """Write an integer with its thousands apart."""
    return f"{round(value):,}".replace(",", NARROW_SPACE)


def scientific_text(value: float) -> str:
    """Write a number with two significant digits as a power of ten."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}{NO_BREAK}×{NO_BREAK}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def signed_text(value: float, decimals: int) -> str:
    """Write a number with its sign; one that rounds to 0 has none."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}".replace("-", "−") if rounded else f"{0:.{decimals}f}"


def small_text(value: float) -> str:
    """Write a number from 0 to 1 with two significant digits: "0.13", "0.0042".

    Without an exponent: one below 0.0001 is "<0.0001". One that rounds to 1 is "1.0".
    """
    if value <= 0:
        return "0"
    if value < _LEAST_DECIMAL:
        return f"<{_LEAST_DECIMAL}"
    return f"{value:.{_decimals(value, 2)}f}"


def _decimals(value: float, digits: int) -> int:
    """Count the decimals that a positive number needs for so many significant digits."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(digits - 1 - exponent, 0)


def digits_text(value: float, digits: int = 3) -> str:
    """Write a number of at least 0 with some significant digits, and without an exponent.

    Zeros after the last decimal are left out: "0.1", "1.2", "1 000". Below 0.0001 as `small_text`.
    """
    if value < _LEAST_DECIMAL:
        return small_text(value)
    decimals = _decimals(value, digits)
    text = f"{float(f'{value:.{digits - 1}e}'):,.{decimals}f}".replace(",", NARROW_SPACE)
    return text.rstrip("0").rstrip(".") if decimals else text


def two_digit_text(value: float) -> str:
    """Write a positive number with two significant digits, as a power of ten below 0.001."""
    rounded = float(f"{value:.1e}")
    if 1e-3 <= rounded < 1:
        return small_text(value)
    if 1 <= rounded < 10:
        return f"{rounded:.1f}"
    if 10 <= rounded < 1e5:
        return integer_text(rounded)
    return scientific_text(value)


def false_alarm_text(far_hz: float | None) -> str:
    """Write a false-alarm rate as its mean interval: "1 per 3.2 yr" (Julian years).

    A rate so low that its interval is not a float is written in Hz.
    """
    if far_hz is None:
        return ABSENT
    if far_hz <= 0:
        return "0 as sent"
    interval_s = 1 / far_hz
    if math.isinf(interval_s):
        return frequency_text(far_hz)
    scale, unit = next(period for period in _PERIODS if interval_s >= period[0])
    return f"1 per {two_digit_text(interval_s / (scale or 1))}{NO_BREAK}{unit}"


def frequency_text(hertz: float | None) -> str:
    """Write a rate or frequency in Hz with two significant digits, 155 Hz as an integer."""
    if hertz is None:
        return ABSENT
    if hertz <= 0:
        return "0 Hz"
    return f"{integer_text(hertz) if 10 <= hertz < 1e5 else two_digit_text(hertz)} Hz"


def area_text(area_deg2: float | None) -> str:
    """Write an area in deg2: an integer, one decimal under 10, two significant digits under 1."""
    if area_deg2 is None:
        return ABSENT
    if area_deg2 < 1:
        return small_text(area_deg2)
    return f"{area_deg2:.1f}" if round(area_deg2, 1) < 10 else integer_text(area_deg2)


def distance_text(mean_mpc: float | None, std_mpc: float | None = None) -> str:
    """Write a distance in Mpc, with its standard deviation where there is one.

    An integer, one decimal under 10, two significant digits under 1; the deviation with as many
    decimals, with more where it would round to 0.
    """
    if mean_mpc is None:
        return ABSENT
    if mean_mpc < _LEAST_DECIMAL:
        return small_text(mean_mpc)
    if max(mean_mpc, std_mpc or 0) >= _BEYOND_ALL_MPC:
        values = (mean_mpc,) if std_mpc is None else (mean_mpc, std_mpc)
        return f" ±{NO_BREAK}".join(map(scientific_text, values))
    decimals = _distance_decimals(mean_mpc, std_mpc)
    mean, std = (
        f"{value:,.{decimals}f}".replace(",", NARROW_SPACE) for value in (mean_mpc, std_mpc or 0)
    )
    if std_mpc is None:
        return mean
    too_little = 0 < std_mpc < _LEAST_DECIMAL
    return f"{mean} ±{NO_BREAK}{small_text(std_mpc) if too_little else std}"


def _distance_decimals(mean_mpc: float, std_mpc: float | None) -> int:
    wanted = _decimals(mean_mpc, 2) if mean_mpc < 1 else int(round(mean_mpc, 1) < 10)
    if std_mpc is None or std_mpc < _LEAST_DECIMAL:
        return wanted
    return max(wanted, int(std_mpc <= 0.5), _decimals(std_mpc, 1))


def distance_range_text(low_mpc: float, high_mpc: float) -> str:
    """Write an interval of distances with its unit: "74–124 Mpc"."""
    return f"{distance_text(low_mpc)}–{distance_text(high_mpc)}{NO_BREAK}Mpc"


def shift_text(degrees: float) -> str:
    """Write an angle in degrees with one decimal, two significant digits under 1: "111.2°"."""
    return f"{small_text(degrees) if degrees < 1 else f'{degrees:.1f}'}°"


def duration_text(seconds: float | None) -> str:
    """Write the length of a signal, in ms below one second."""
    if seconds is None:
        return ABSENT
    if seconds >= _ONE_SECOND:
        return f"{two_digit_text(seconds)} s"
    milliseconds = 1000 * seconds
    return f"{small_text(milliseconds) if milliseconds < 1 else round(milliseconds)} ms"


def interval_text(seconds: float) -> str:
    """Write a length of time without its sign: 300 ms, 28 s, 13 min, 3.7 h, 2.7 d."""
    length = abs(seconds)
    if _is_now(length):
        return "0 s"
    if length < _ONE_SECOND:
        return f"{round(1000 * length)} ms"
    if length < 99.5:
        return f"{round(length)} s"
    if length < 99.5 * 60:
        return f"{round(length / 60)} min"
    if length < 48 * 3600:
        return f"{length / 3600:.1f} h"
    days = length / 86400
    return f"{days:.1f} d" if days < 100 else f"{integer_text(days)} d"


def _is_now(seconds: float) -> bool:
    """Return whether a time difference rounds to 0 ms: it has no sign then."""
    return round(1000 * abs(seconds)) == 0


def latency_text(seconds: float | None) -> str:
    """Write when something came, against T0: "28 s after T₀", "14 s before T₀", "at T₀"."""
    if seconds is None:
        return ABSENT
    if _is_now(seconds):
        return "at T₀"
    return f"{interval_text(seconds)} {'before' if seconds < 0 else 'after'} T₀"


def signed_delay_text(seconds: float | None) -> str:
    """Write a delay against T0 for a table cell: "+28 s", "−14 s", "0 s"."""
    if seconds is None:
        return ABSENT
    sign = "" if _is_now(seconds) else "−" if seconds < 0 else "+"
    return f"{sign}{interval_text(seconds)}"


def degrees_text(degrees: float | None) -> str:
    """Write a coordinate in degrees with three decimals."""
    return ABSENT if degrees is None else f"{signed_text(degrees, 3).removeprefix('+')}°"


def whole_degrees_text(degrees: float) -> str:
    """Write a declination in whole degrees, with its sign: "−17°"."""
    return f"{signed_text(degrees, 0)}°"


def hours_text(ra_deg: float) -> str:
    """Write a right ascension in hours and minutes: "05h39m"."""
    minutes = round(ra_deg * 4) % (24 * 60)
    return f"{minutes // 60:02d}h{minutes % 60:02d}m"


def seconds_text(seconds: float | None) -> str:
    """Write a signed time difference in s, to the millisecond."""
    return ABSENT if seconds is None else f"{signed_text(seconds, 3)} s"


def total_text(probability: float) -> str:
    """Write a sum of probabilities in per cent, one decimal only where it is not an integer."""
    return f"{round(100 * probability, 1):g}{NARROW_SPACE}%"


def megabytes_text(size_bytes: int) -> str:
    """Write a file's size in MB, or in kB below a tenth of one."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.0f} kB"


def gain_text(gw_area_deg2: float, combined_area_deg2: float) -> str:
    """Say how much smaller the 90 % area of the combined map is."""
    ratio = gw_area_deg2 / combined_area_deg2
    if 0.95 < ratio < 1.05:
        return "about the same 90 % area"
    factor, word = (ratio, "smaller") if ratio > 1 else (1 / ratio, "larger")
    return f"90 % area {two_digit_text(factor)} times {word}"

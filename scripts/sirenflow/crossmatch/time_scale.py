"""Time columns that state their time scale, converted to UTC: astropy's in ECSV, and FITS columns.

FITS: Rots et al. 2015, A&A 574, A36. Nothing is downloaded: leap seconds are those of the installed
astropy-iers-data.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sirenflow.crossmatch.source_time import TimeTextError, time_from
from sirenflow.errors import TableError

if TYPE_CHECKING:
    from astropy.time import Time

_SCALES = ("utc", "tt", "tai", "tdb", "tcg", "tcb", "ut1")
_OTHER_NAMES = {"tdt": "tt", "et": "tt", "gmt": "utc", "ut": "utc", "iat": "tai"}
_DAYS = {"d": 1.0, "day": 1.0, "h": 1 / 24, "min": 1 / 1440, "s": 1 / 86400}
_COLUMN_KEYS = ("TTYPE", "TUNIT", "TCTYP", "TCUNI", "TRPOS")
_AT_EARTH = ("TOPOCENT", "GEOCENT")
_FIRST_JD, _LAST_JD = 2415020.5, 2488069.5
"""1900 to 2100."""


@contextmanager
def offline_astropy() -> Iterator[None]:
    """Prevent astropy from downloading tables, and from warning of years without leap seconds."""
    from astropy.utils import iers

    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def times_to_utc(times: "Time") -> list[str | None]:
    """Convert astropy times to UTC, for `time_from`.

    Return n texts: ISO 8601 with microseconds; the Julian date where it is not between 1900 and
    2100; None where there is no time. Raise TableError if the scale cannot be converted to UTC.

    Parameters
    ----------
    times : (n,)
        Of any scale; masked or NaN where there is no time.
    """
    if times.scale not in _SCALES:
        raise TableError(f"a time column is in {times.scale!r}; expected {_listed_scales()}")
    jd = np.asarray(times.unmasked.jd1 + times.unmasked.jd2)
    known = np.isfinite(jd) & ~np.broadcast_to(np.asarray(times.mask), jd.shape)
    inside = known & (jd >= _FIRST_JD) & (jd <= _LAST_JD)
    texts = [repr(day) if there else None for day, there in zip(jd.tolist(), known, strict=True)]
    if inside.any():
        with offline_astropy():
            utc = times.unmasked[inside].utc
            utc.precision = 6
            converted = utc.isot.tolist()
        for row, text in zip(np.flatnonzero(inside).tolist(), converted, strict=True):
            texts[row] = text
    return texts


def _listed_scales() -> str:
    return f"one of the time scales {', '.join(map(str.upper, _SCALES))}"


@dataclass(frozen=True)
class FitsTimeFrame:
    """What a FITS header says of the times in one column.

    Attributes
    ----------
    scale
        Time scale as written: TCTYPn, else TIMESYS, else UTC.
    position
        Reference position: TRPOSn, else TREFPOS.
    reference
        Time from which numbers count, as astropy's format and value, or two values to add.
    offset_days
        TIMEOFFS, added to the reference time.
    problem
        Why numbers cannot be converted; texts can.
    """

    scale: str
    position: str
    reference: tuple[str, Any, float]
    unit: str
    offset_days: float = 0.0
    problem: str | None = None

    @classmethod
    def of_column(cls, header: Mapping[str, Any], number: int) -> "FitsTimeFrame":
        """Read what the header of a binary table says of the times in a column."""
        said = {key: str(header.get(f"{key}{number}", "")).strip() for key in _COLUMN_KEYS}
        scale = said["TCTYP"] if said["TCTYP"].upper() != "TIME" else ""
        reference, offset_days, problem = _MJD, 0.0, None
        try:
            _refuse_timezero(header)
            if _is_counted(said, header):
                reference, offset_days = _reference_time(header), _offset_days(header)
        except TableError as error:
            problem = str(error)
        counted = "d" if _is_zero(reference) else _time_unit(header)
        return cls(
            scale=scale or str(header.get("TIMESYS", "UTC")).strip(),
            position=said["TRPOS"] or str(header.get("TREFPOS", "")).strip(),
            reference=reference,
            unit=said["TCUNI"] or said["TUNIT"] or counted,
            offset_days=offset_days,
            problem=problem,
        )

    def to_utc(self, values: Any) -> Sequence[Any]:
        """Convert a block of the column to UTC, for `time_from`.

        Raise TableError if scale, unit, reference time or position do not give a time at the Earth.

        Parameters
        ----------
        values : (n,) or (n, 2)
            Texts, numbers, or pairs of numbers whose sum counts.
        """
        scale = self._known_scale()
        self._check_position()
        if values.dtype.kind in "SU":
            texts: list[str | bytes] = values.tolist()
            return texts if scale == "utc" else _texts_to_utc(texts, scale)
        if self.problem is not None:
            raise TableError(self.problem)
        if values.ndim > 2 or values.shape[1:] not in ((), (1,), (2,)):
            raise TableError("a time column has more than two numbers per row")
        is_mjd = (scale, self.reference, self.offset_days) == ("utc", _MJD, 0.0)
        if values.ndim == 1 and is_mjd:
            self._days_per_unit()
            return values  # type: ignore[no-any-return]
        return times_to_utc(self._to_times(np.ma.masked_invalid(values.astype(np.float64)), scale))

    def _to_times(self, numbers: Any, scale: str) -> "Time":
        from astropy.time import Time, TimeDelta

        pair = numbers.reshape(len(numbers), -1)
        unknown = np.ma.getmaskarray(pair).any(axis=1)
        first = np.ma.array(pair[:, 0].filled(0.0), mask=unknown)
        second = pair[:, 1:].filled(0.0).sum(axis=1)
        days = self._days_per_unit()
        with offline_astropy():
            if _is_zero(self.reference):
                second = second + self.offset_days
                return Time(first, second, format=self.reference[0], scale=scale)
            format_, value, more = self.reference
            start = Time(value, more or None, format=format_, scale=scale)
            return start + TimeDelta(first * days, second * days + self.offset_days, format="jd")

    def _known_scale(self) -> str:
        scale = self.scale.partition("(")[0].lower()
        scale = _OTHER_NAMES.get(scale, scale)
        if scale not in _SCALES:
            raise TableError(f"a time column is in {self.scale!r}; expected {_listed_scales()}")
        return scale

    def _check_position(self) -> None:
        if self.position and not self.position.upper().startswith(_AT_EARTH):
            raise TableError(
                f"a time column has the reference position {self.position!r}; expected times at "
                "the Earth (TOPOCENTER or GEOCENTER)"
            )

    def _days_per_unit(self) -> float:
        days = _DAYS.get(self.unit)
        if days is None or (days != 1 and _is_zero(self.reference)):
            raise TableError(
                f"a time column is in {self.unit!r}; expected days (MJD), or a header with "
                "MJDREF, JDREF or DATEREF"
            )
        return days


_MJD = ("mjd", 0.0, 0.0)


def _is_time_coordinate(said: Mapping[str, str]) -> bool:
    is_named = said["TTYPE"].upper() == "TIME" and bool(said["TUNIT"])
    return is_named or any(said[key] for key in ("TCTYP", "TCUNI", "TRPOS"))


def _is_zero(reference: tuple[str, Any, float]) -> bool:
    return reference[1:] == (0.0, 0.0)


def _is_counted(said: Mapping[str, str], header: Mapping[str, Any]) -> bool:
    """Return whether numbers count from the header's reference time; MJD otherwise."""
    if said["TUNIT"] == "" and "TIMEUNIT" in header and not _is_zero(_reference_time(header)):
        return True
    return _is_time_coordinate(said) or said["TUNIT"] not in ("", "d", "day")


def _reference_time(header: Mapping[str, Any]) -> tuple[str, Any, float]:
    """Read from which time the columns of a table count, in the standard's order of precedence."""
    for key, format_ in (("MJDREF", "mjd"), ("JDREF", "jd")):
        if key in header:
            return format_, _header_number(header, key), 0.0
        if f"{key}I" in header:
            return format_, _header_number(header, f"{key}I"), _header_number(header, f"{key}F")
    return ("fits", _header_date(header, "DATEREF"), 0.0) if "DATEREF" in header else _MJD


def _time_unit(header: Mapping[str, Any]) -> str:
    return str(header.get("TIMEUNIT", "s")).strip()


def _offset_days(header: Mapping[str, Any]) -> float:
    offset, unit = _header_number(header, "TIMEOFFS"), _time_unit(header)
    if offset and unit not in _DAYS:
        raise TableError(f"TIMEOFFS is in TIMEUNIT {unit!r}; expected {', '.join(_DAYS)}")
    return offset * _DAYS[unit] if offset else 0.0


def _refuse_timezero(header: Mapping[str, Any]) -> None:
    """Refuse a shift of some missions, which is not of the standard; one of 0 has no effect."""
    for key in ("TIMEZERO", "TIMEZERI", "TIMEZERF"):
        if _header_number(header, key):
            raise TableError(
                f"a time column is shifted by {key} = {header[key]!r}, which is not of the FITS "
                "standard; expected it to be added to the times, or given as TIMEOFFS"
            )


def _header_number(header: Mapping[str, Any], key: str) -> float:
    """Read a number from a card; 0 where there is none."""
    value = header.get(key, 0.0)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise TableError(f"the FITS card {key} is {value!r}; expected a number")
    return number


def _header_date(header: Mapping[str, Any], key: str) -> str:
    from astropy.time import Time

    try:
        with offline_astropy():
            Time(header[key], format="fits")
    except ValueError as error:
        raise TableError(
            f"the FITS card {key} is {header[key]!r}; expected a date such as 2001-01-01T00:00:00"
        ) from error
    return str(header[key])


def _texts_to_utc(texts: Sequence[str | bytes], scale: str) -> list[Any]:
    from astropy.time import Time

    converted: list[Any] = list(texts)
    times = {}
    for row, text in enumerate(texts):
        with suppress(TimeTextError):  # reported where the text is read
            times[row] = time_from(text).replace(tzinfo=None)
    if times:
        in_utc = times_to_utc(Time([*times.values()], format="datetime", scale=scale))
        for row, utc in zip(times, in_utc, strict=True):
            converted[row] = utc
    return converted

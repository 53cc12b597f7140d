"""Alerts gone wrong in every way that a few bytes can decide.

Hypothesis and atheris both make bytes; `Choices` reads them as decisions. So the suite and the
fuzzer share what a mutation is, and whatever one finds the other can repeat.
"""

from __future__ import annotations

import copy
import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from builders import (
    avro_alert,
    distance_columns,
    fits_map,
    flat_columns,
    json_alert,
    record,
    record_type,
)

T = TypeVar("T")

SUPEREVENT = "S260101a"
MARKUP = "<x-wild"
"""What the element of every wild text begins with: no page may hold it."""

_TEXTS = (
    *("", " ", "NaN", "null", "-", "S260101a", "RETRACTION", "2026-01-01T00:10:00Z", "1e400"),
    *(f"{MARKUP}>", f'"{MARKUP} onload=x>', f"</script>{MARKUP}>", f"]]>{MARKUP}>", "<!--"),
    *("javascript:alert(1)", "https://example.org/'\"><", "data:text/html,x", "//example.org/x.js"),
    *("=1+1", "+1", "-1", "@x", "\t=1", "a,b;c\nd\r\n\"e'"),
    *("../../x", "/etc/passwd", "a\0b", "\x1b[2J\x1b]0;x\x07", "\u202eabc\u2066", "\ufeff\u2028"),
    *("\ud800", "a\udfffb", "\ud83d", "é" * 300, "W" * 5000, "{{ 7*7 }}{% raw %}", "${x}$(x)`x`"),
    *("9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00+23:59", "2026-13-45T99:99:99Z"),
    *("2026-01-01", "20260101T000000Z", "2026-W01-1", "2016-12-31T23:59:60Z", "١٢٣"),
)
_NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 0.5, 0.1, -0.0, 1e-9, 100.0, 5e-324, 2.2e-308, 1e-300, 1e-17, 1e17),
    *(1e300, 1.7976931348623157e308, -1.7976931348623157e308),
    *(float("inf"), float("-inf"), float("nan")),
    *(2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400),
)
_PLAIN_NUMBERS = tuple(float(number) for number in _NUMBERS if abs(number) < 1e300)
_KEYS = (
    *("skymap", "combined_skymap", "event", "external_coinc", "urls", "gracedb", "far", "time"),
    *("significant", "instruments", "group", "pipeline", "search", "classification", "properties"),
    *("mchirp_source", "bin_edges", "probabilities", "duration", "central_frequency"),
    *("observatory", "time_difference", "time_coincidence_far", "ivorn", "", "a.b", "__x__"),
    *(f"{MARKUP}>", "\ud800", "error", "sha256", "size_bytes", "type", "Alert", "x" * 300),
)


class Choices:
    """Decisions read from bytes; where they have ended, the first of everything."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Tell whether anything is left to decide."""
        return self._at < len(self._data)

    def below(self, end: int) -> int:
        """Choose a number from 0 up to, and without, `end`."""
        width = (max(end - 1, 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(width), "big") % end

    def one_in(self, number: int) -> bool:
        """Choose yes once in so many."""
        return self.below(number) == number - 1

    def pick(self, options: Sequence[T]) -> T:
        """Choose one of some."""
        return options[self.below(len(options))]

    def take(self, length: int) -> bytes:
        """Give bytes as they come."""
        part = self._data[self._at : self._at + length]
        self._at += length
        return part

    def rest(self) -> bytes:
        """Give all that are left."""
        return self.take(len(self._data))


# ------------------------------------------------------------------------------------- bytes


def mutated_bytes(data: bytes, choices: Choices) -> bytes:
    """Flip, splice, repeat, cut out and truncate, some times."""
    result = bytearray(data)
    for _ in range(1 + choices.below(4)):
        at = choices.below(len(result) + 1)
        length = 1 + choices.below(choices.pick((4, 64, 4096)))
        match choices.below(6):
            case 0:
                result[at : at + 1] = choices.take(1)
            case 1:
                result[at : at + length] = choices.take(length % 16)
            case 2:
                result[at:at] = choices.take(length % 16)
            case 3:
                result[at:at] = result[at : at + length]
            case 4:
                del result[at : at + length]
            case _:
                del result[at:]
    return bytes(result)


# ----------------------------------------------------------------------------------- records


def wild_value(choices: Choices, depth: int = 0) -> Any:
    """Give a value of any type, as JSON may hold it."""
    match choices.below(12 if depth < 4 else 6):
        case 0 | 1:
            return choices.pick(_TEXTS)
        case 2 | 3:
            return choices.pick(_NUMBERS)
        case 4:
            return choices.pick((None, True, False, [], {}))
        case 5:
            return choices.take(choices.below(40)).decode("utf-8", "surrogateescape")
        case 6 | 7:
            return [wild_value(choices, depth + 1) for _ in range(choices.below(5))]
        case 8 | 9:
            return {
                choices.pick(_KEYS): wild_value(choices, depth + 1) for _ in range(choices.below(5))
            }
        case 10:
            value: Any = choices.pick(_NUMBERS)
            for _ in range(choices.pick((2, 3, 5, 10, 30, 58, 60, 61, 62, 63, 64, 100))):
                value = [value] if choices.one_in(2) else {choices.pick(_KEYS): value}
            return value
        case _:
            return [choices.pick(_NUMBERS)] * choices.pick((2, 13, 101, 1000))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every container within a value, with each of its keys or positions."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def full_record() -> dict[str, Any]:
    """Give a record with every field that a product shows."""
    histogram = {"bin_edges": [0.0, 1.0, 2.5], "probabilities": [0.25, 0.75]}
    event = {
        "time": "2026-01-01T00:05:00.123Z",
        "far": 1e-9,
        "significant": True,
        "instruments": ["H1", "L1"],
        "group": "CBC",
        "pipeline": "gstlal",
        "search": "AllSky",
        "properties": {"HasNS": 0.9, "HasRemnant": 0.5, "HasMassGap": 0.0, "HasSSM": 0.0},
        "classification": {"BNS": 0.9, "NSBH": 0.05, "BBH": 0.0, "Terrestrial": 0.05},
        "duration": 0.1,
        "central_frequency": 100.0,
        "mchirp_source": histogram,
        "skymap": None,
    }
    coincidence = {
        "gcn_notice_id": 1,
        "ivorn": "ivo://example.org/x",
        "observatory": "Fermi",
        "search": "GRB",
        "time_difference": 1.5,
        "time_coincidence_far": 1e-7,
        "time_sky_position_coincidence_far": 1e-8,
        "combined_skymap": None,
    }
    return record(superevent_id=SUPEREVENT, event=event, external_coinc=coincidence)


def wild_record(choices: Choices) -> dict[str, Any]:
    """Give a record with its maps, and some of its values replaced, renamed, lost or added."""
    sent = full_record()
    sent["alert_type"] = choices.pick(
        ("PRELIMINARY", "UPDATE", "INITIAL", "EARLY_WARNING", "Pre_Merger", "retracted")
    )
    zone = choices.pick(("Z", "", "+05:30", ".999999Z"))
    sent["time_created"] = f"2026-01-01T00:0{choices.below(10)}:00{zone}"
    if choices.one_in(8):
        sent |= {"alert_type": "RETRACTION", "event": None}
    elif choices.one_in(2):
        sent["event"]["skymap"] = wild_map(choices)
    match choices.below(6):
        case 4:
            sent["external_coinc"]["combined_skymap"] = wild_map(choices)
        case 5:
            sent["external_coinc"] = None
    for _ in range(choices.below(8)):
        container, key = choices.pick(list(_places(sent)))
        change = choices.below(8)
        if change == 7:
            del container[key]
            if not sent:
                break
        elif change == 6 and isinstance(container, dict):
            container[choices.pick(_KEYS)] = copy.deepcopy(container[key])
        else:
            container[key] = wild_value(choices)
    return sent


def wild_alert(choices: Choices) -> bytes:
    """Write a wild record, as JSON or as Avro; now and then the bytes are mutated besides."""
    sent = wild_record(choices)
    data = as_avro(sent) if choices.one_in(3) else json_alert(sent)
    return mutated_bytes(data, choices) if choices.one_in(6) else data


def as_avro(sent: dict[str, Any]) -> bytes:
    """Write a record with a schema that is made for it, as far as Avro can hold its values."""
    names = (f"R{number}" for number in range(10**6))
    schema, value = _typed(sent, lambda: next(names))
    return avro_alert(value, schema=schema)


def _typed(value: Any, new_name: Callable[[], str]) -> tuple[Any, Any]:
    """Give the Avro type of a value, and the value as Avro can hold it."""
    match value:
        case None:
            return ["null"], None
        case bool():
            return "boolean", value
        case int() if -(2**63) <= value < 2**63:
            return "long", value
        case int() | float():
            return "double", float(min(value, 10**300))
        case bytes():
            return "bytes", value
        case str():
            return "string", value.encode("utf-8", "replace").decode()
        case list():
            # An array is of one type: that of its first item.
            first = value[0] if value else None
            kind, plain = _typed(first, new_name)
            items = "long" if kind == ["null"] else kind
            return {"type": "array", "items": ["null", items]}, [plain] * len(value)
    fields = {
        re.sub(r"\W|^(?=\d)", "_", key, flags=re.ASCII) or "_": _typed(item, new_name)
        for key, item in value.items()
    }
    kinds = {key: kind for key, (kind, _) in fields.items()}
    return record_type(new_name(), **kinds), {key: plain for key, (_, plain) in fields.items()}


# -------------------------------------------------------------------------------------- maps


def valid_map(level: int = 0, *, distance: bool = True) -> bytes:
    """Write a map that is right."""
    columns = flat_columns(level)
    n = len(columns["UNIQ"])
    if distance:
        columns |= distance_columns([100.0] * n, [10.0] * n)
    return fits_map(columns, {"DISTMEAN": 100.0, "DISTSTD": 10.0, "CREATOR": "x", "HISTORY": "y"})


@np.errstate(all="ignore")
def wild_map(choices: Choices) -> bytes:
    """Write a map with wild numbers, cards and columns; most keep the rules that matter."""
    columns: dict[str, Any] = dict(flat_columns(choices.below(3)))
    density = columns["PROBDENSITY"]
    n = len(density)
    if not choices.one_in(4):
        columns |= distance_columns([100.0] * n, [10.0] * n)
    for _ in range(choices.below(6)):  # still of the same integral
        density[choices.below(n)] *= choices.pick((0.0, 1e-300, 1e-9, 0.5, 3.0, 1e9, 1e300))
    if density.sum() > 0:
        columns["PROBDENSITY"] = density / density.sum() * n / (4 * np.pi)
    for _ in range(choices.below(8) if len(columns) > 2 else 0):
        name = choices.pick(list(columns)[2:])
        start = choices.below(n)
        end = n if choices.one_in(2) else start + 1
        columns[name][start:end] = choices.pick((*_PLAIN_NUMBERS, np.inf, np.nan, -np.inf))
    cards: dict[str, object] = {"DISTMEAN": 100.0, "DISTSTD": 10.0, "CREATOR": "BAYESTAR"}
    for _ in range(choices.pick((0, 0, 0, 1, 1, 4))):
        cards[choices.pick(_CARDS)] = choices.pick(_CARD_VALUES)
    extra = [("CREATOR", "again")] * choices.below(2)
    if choices.one_in(6):
        name = choices.pick(list(columns))
        columns[name] = columns[name].astype(choices.pick((">i2", ">i4", ">f4", ">f8", ">i8")))
    if choices.one_in(8):
        name = choices.pick(list(columns))
        columns[choices.pick(("x", " ", "UNIQ", "É", "DISTMU"))] = columns.pop(name)
    if choices.one_in(8):
        name = choices.pick(list(columns))
        columns[name] = np.stack([columns[name]] * 2, axis=1)
    if choices.one_in(8):
        order = np.argsort([choices.below(256) for _ in range(n)])
        columns = {name: column[order] for name, column in columns.items()}
    data = fits_map(columns, cards, extra)
    if choices.one_in(6):
        data = mutated_bytes(data, choices)
    return gzip.compress(data, mtime=0) if choices.one_in(6) else data


_CARDS = (
    *("DISTMEAN", "DISTSTD", "CREATOR", "INSTRUME", "ORDERING", "COORDSYS", "NAXIS1", "NAXIS2"),
    *("TFIELDS", "PCOUNT", "TTYPE1", "TTYPE2", "TFORM1", "TFORM2", "TUNIT2", "TUNIT3", "TSCAL2"),
    *("TZERO1", "TNULL1", "TDIM2", "OBJECT", "DATE-OBS", "MJD-OBS", "HISTORY", "INDXSCHM"),
    *("XTENSION", "NAXIS", "BITPIX", "EXTEND", "THEAP", "ORIGIN", "LOGBCI"),
)


class Raw:
    """What a card holds, as it stands there."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


_CARD_VALUES = (
    *map(Raw, ("(32768.0, 0.0)", "(9223372036854775808, 0)", "", "'open", "1.5D+2", "/ x", "T/x")),
    *(None, True, 0, 1, -1, 2, 12, 2**40, 2**63, 2**64, 10**30, 0.0, 1e-300, 1e300, 1e17, -5.5),
    *("", "C", "G", "NUNIQ", "NESTED", "sr-1", "Mpc", "UNIQ", "1D", "2K", "999999999D", "1PD(3)"),
    *(f"{MARKUP}>", "it''s", "&", "=1+1", "x" * 60, "\x1b[2J", "BINTABLE", "NaN", "1E5"),
)

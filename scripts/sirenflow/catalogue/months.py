"""Bars of the catalogue page: how many events each month had."""

import re
from calendar import month_abbr
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sirenflow.catalogue.row import CatalogueRow, in_class_order
from sirenflow.report.figures.bars import class_style

MONTHS = 24
"""Months that the page shows, up to that of the newest event."""
HEIGHT = 96
"""Of the highest bar, px."""


@dataclass(frozen=True)
class Block:
    """Events of one class in a month, as part of its bar; y is of its upper edge, down."""

    name: str
    style: str
    count: int
    y: float
    height: float


@dataclass(frozen=True)
class Month:
    """A month and its bar."""

    year: int
    name: str
    count: int
    height: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Months:
    """The bars, oldest first, their legend, and how many events are older than all of them."""

    bars: tuple[Month, ...]
    legend: tuple[tuple[str, str], ...]
    earlier: int


def months(rows: Sequence[CatalogueRow]) -> Months | None:
    """Count the significant events that are real and not retracted; None where there is none."""
    counted = Counter(
        (month, row.class_name)
        for row in rows
        if row.category == "real" and row.significant and not row.retracted
        if (month := _month_number(row.superevent_id))
    )
    if not counted:
        return None
    totals: Counter[int] = Counter()
    for (month, _), count in counted.items():
        totals[month] += count
    newest = max(totals)
    shown = range(max(min(totals), newest - MONTHS + 1), newest + 1)
    names = in_class_order(name for month, name in counted if month in shown)
    highest = max(totals[month] for month in shown)
    return Months(
        bars=tuple(
            _month(month, {name: counted[month, name] for name in names}, highest)
            for month in shown
        ),
        legend=tuple((name, _style(name)) for name in names),
        earlier=sum(count for month, count in totals.items() if month not in shown),
    )


def _month_number(superevent_id: str) -> int | None:
    """Read the month of the signal: S241102br is of 2024-11. A time may be sent as any."""
    read = re.match(r"S(\d\d)(0[1-9]|1[0-2])", superevent_id)
    return 12 * (2000 + int(read[1])) + int(read[2]) - 1 if read else None


def _month(number: int, counts: dict[str, int], highest: int) -> Month:
    height = round(HEIGHT * sum(counts.values()) / highest, 1)
    blocks, y = [], height
    for name, count in counts.items():
        y -= HEIGHT * count / highest
        if count:
            high = round(HEIGHT * count / highest, 2)
            blocks.append(Block(name, _style(name), count, round(max(y, 0), 2), high))
    return Month(
        number // 12, month_abbr[number % 12 + 1], sum(counts.values()), height, tuple(blocks)
    )


def _style(name: str) -> str:
    """Return the style class of a name in the legend; only the catalogue shows the last two."""
    return {"burst": "burst", "no class": "unclassified"}.get(name) or class_style(name)

"""The page of all candidates: for each, the superevents it may belong to, then and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sirenflow.report.candidates_section import CandidateRow, rows_within, window_text
from sirenflow.report.html import render

MOST_A_CANDIDATE = 20
"""Superevents listed for a candidate; the table has all."""
MOST_NAMES = 100


@dataclass(frozen=True)
class CandidateCard:
    """A candidate, and the superevents in whose 90 % region it lies, what matters most first."""

    first: CandidateRow
    rows: tuple[CandidateRow, ...]
    not_listed: int
    out_of_window: int


@dataclass
class CandidatesPage:
    """What the page tells, gathered a superevent at a time.

    `names` are those of all candidates, by the row of their table; `unusable_reason` says why the
    table cannot be used, None if it can; `compared` counts candidates and
    distinct sky maps, `farther` those of them that the table leaves out.
    """

    names: Mapping[int, str | None]
    problems: Sequence[Mapping[str, Any]]
    unusable_reason: str | None = None
    superevents: int = 0
    without_map: int = 0
    compared: int = 0
    farther: int = 0
    window: str = ""
    links: dict[str, str] = field(default_factory=dict)
    found: dict[int, list[CandidateRow]] = field(default_factory=dict)

    def add(self, product: Mapping[str, Any], link: str) -> None:
        """Take in the content of one candidates.json, and the address of the event's page."""
        self.superevents += 1
        self.without_map += not product["maps"]
        self.window = window_text(product["days_before"], product["days_after"])
        self.compared += product["listed"] * len(product["maps"])
        self.farther += sum(each["farther"] for each in product["maps"])
        for row in rows_within(product):
            self.links[row.superevent_id] = link
            self.found.setdefault(row.row, []).append(row)

    def cards(self) -> list[CandidateCard]:
        """Give the candidates that lie in some 90 % region in their window, best first."""
        cards = [_card(rows) for rows in self.found.values()]
        matched = (card for card in cards if card.rows)
        return sorted(matched, key=lambda card: (card.rows[0].order, card.first.row))

    def unmatched(self) -> list[str | None]:
        """Give the names of the candidates without a card."""
        carded = {card.first.row for card in self.cards()}
        return [name for row, name in self.names.items() if row not in carded]


def _card(rows: list[CandidateRow]) -> CandidateCard:
    inside = sorted((r for r in rows if r.in_window is not False), key=lambda row: row.order)
    return CandidateCard(
        first=rows[0],
        rows=tuple(inside[:MOST_A_CANDIDATE]),
        not_listed=len(inside[MOST_A_CANDIDATE:]),
        out_of_window=len(rows) - len(inside),
    )


def render_candidates(page: CandidatesPage, table: str) -> str:
    """Render the page.

    Parameters
    ----------
    page
        What was gathered.
    table
        Address of candidates.ecsv as seen from the page.
    """
    unmatched = page.unmatched()
    return render(
        "candidates_page.html.j2",
        page=page,
        cards=page.cards(),
        unmatched=unmatched[:MOST_NAMES],
        more_unmatched=len(unmatched[MOST_NAMES:]),
        table=table,
    )

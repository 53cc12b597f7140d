"""Candidates within 90 % in some alert: the event page's section, and the page of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from sirenflow.products.candidates import Candidates, MatchedAlert, MatchedCandidate, SkyMatch
from sirenflow.products.source_tables import RowProblem
from sirenflow.report.html import alert_name, render
from sirenflow.superevent.number_text import probability_text

WITHIN = 0.9
"""Credible level on the sky within which the pages show a candidate."""
MOST_ON_PAGE = 50
MOST_A_CANDIDATE = 20
"""Superevents listed for a candidate; the table has all."""
MOST_NAMES = 100


class EarlierLevel(NamedTuple):
    """The level as text, and the earlier alert, or alerts, in whose sky map it reads so."""

    text: str
    alerts: str


@dataclass(frozen=True)
class CandidateRow:
    """A candidate and a superevent.

    `earlier` are the levels in the alerts before the current one, `match` that in the current sky
    map, None beyond `NEARBY_LEVEL`; `has_skymap` is false without a current sky map.
    """

    superevent_id: str
    category: str
    retracted: bool
    trigger_time: str | None
    candidate: MatchedCandidate
    earlier: tuple[EarlierLevel, ...]
    has_skymap: bool
    match: SkyMatch | None

    @property
    def order(self) -> tuple[bool, bool, bool, float, str, str]:
        """Key that sorts real events, not retracted, in the time window, far inside first."""
        beyond = 1.0 if self.has_skymap else 2.0
        return (
            self.category != "real",
            self.retracted,
            self.candidate.in_window is False,
            self.match.credible_level if self.match else beyond,
            self.superevent_id,
            self.candidate.name or "",
        )


@dataclass(frozen=True)
class CandidatesSection:
    """The candidates of a superevent on its page."""

    rows: tuple[CandidateRow, ...]
    left_out: int
    listed: int
    window: str
    absence_reason: str | None


def candidates_section(product: Candidates | None) -> CandidatesSection | None:
    """Prepare the event page's section from candidates.json."""
    if product is None:
        return None
    rows = sorted(_rows_within(product), key=lambda row: row.order)
    return CandidatesSection(
        rows=tuple(rows[:MOST_ON_PAGE]),
        left_out=len(rows[MOST_ON_PAGE:]),
        listed=product.listed,
        window=_window_text(product),
        absence_reason=product.absence_reason,
    )


def _window_text(product: Candidates) -> str:
    before, after = (
        "1 day" if days == 1 else f"{days:g} days"
        for days in (product.days_before, product.days_after)
    )
    return f"{before} before T₀ to {after} after"


def _rows_within(product: Candidates) -> list[CandidateRow]:
    """Return the candidates that are within 90 % in some alert, in the order of the product."""
    maps = [{match.row: match for match in each.matches} for each in product.maps]
    matches = [match for each in product.maps for match in each.matches]
    within = {match.row for match in matches if match.credible_level <= WITHIN}
    current = next((maps[alert.skymap_index] for alert in product.alerts if alert.is_current), None)
    earlier = [alert for alert in product.alerts if not alert.is_current]
    return [
        CandidateRow(
            superevent_id=product.superevent_id,
            category=product.category,
            retracted=product.retracted,
            trigger_time=product.trigger_time,
            candidate=candidate,
            earlier=_earlier_levels(candidate.row, earlier, maps),
            has_skymap=current is not None,
            match=(current or {}).get(candidate.row),
        )
        for candidate in product.candidates
        if candidate.row in within
    ]


def _earlier_levels(
    row: int, alerts: Sequence[MatchedAlert], maps: Sequence[Mapping[int, SkyMatch]]
) -> tuple[EarlierLevel, ...]:
    """Return the levels of a candidate, one for consecutive alerts in which it reads the same."""

    def level_text(alert: MatchedAlert) -> str:
        match = maps[alert.skymap_index].get(row)
        # Beyond `NEARBY_LEVEL` there is no match: that reads as 1 does, >99 %.
        return probability_text(match.credible_level if match else 1.0)

    levels = []
    for text, group in groupby(alerts, key=level_text):
        first, *others = group
        last = f"to {others[-1].number}" if others else alert_name(first.alert_type)
        levels.append(EarlierLevel(text, f"{first.number} {last}"))
    return tuple(levels)


@dataclass(frozen=True)
class CandidateCard:
    """A candidate, and the superevents in whose 90 % region it lies, the best first."""

    candidate: MatchedCandidate
    rows: tuple[CandidateRow, ...]
    not_listed: int
    out_of_window: int


@dataclass
class CandidatesPage:
    """What the page of all candidates shows, gathered one superevent at a time.

    `names` are those of all candidates, by the row of their table; `unusable_reason` is None if the
    table can be used; `compared` is the number of pairs of a candidate and a distinct sky map,
    `farther` of those that the table leaves out.
    """

    names: Mapping[int, str | None]
    problems: Sequence[RowProblem]
    unusable_reason: str | None = None
    superevents: int = 0
    without_map: int = 0
    compared: int = 0
    farther: int = 0
    window: str = ""
    links: dict[str, str] = field(default_factory=dict)
    found: dict[int, list[CandidateRow]] = field(default_factory=dict)

    def add(self, product: Candidates, link: str) -> None:
        """Add a candidates.json, and the address of the event's page."""
        self.superevents += 1
        self.without_map += not product.maps
        self.window = _window_text(product)
        self.compared += product.listed * len(product.maps)
        self.farther += sum(each.farther for each in product.maps)
        for row in _rows_within(product):
            self.links[row.superevent_id] = link
            self.found.setdefault(row.candidate.row, []).append(row)

    def cards(self) -> list[CandidateCard]:
        """Return the candidates that lie in some 90 % region in their window, best first."""
        cards = [_card(rows) for rows in self.found.values()]
        matched = (card for card in cards if card.rows)
        return sorted(matched, key=lambda card: (card.rows[0].order, card.candidate.row))


def _card(rows: list[CandidateRow]) -> CandidateCard:
    in_window = [row for row in rows if row.candidate.in_window is not False]
    in_window.sort(key=lambda row: row.order)
    return CandidateCard(
        candidate=rows[0].candidate,
        rows=tuple(in_window[:MOST_A_CANDIDATE]),
        not_listed=len(in_window[MOST_A_CANDIDATE:]),
        out_of_window=len(rows) - len(in_window),
    )


def render_candidates(page: CandidatesPage, table: str) -> str:
    """Render the page of all candidates; `table` is the address of candidates.ecsv."""
    cards = page.cards()
    carded = {card.candidate.row for card in cards}
    unmatched = [name for row, name in page.names.items() if row not in carded]
    return render(
        "candidates_page.html.j2",
        page=page,
        cards=cards,
        unmatched=unmatched[:MOST_NAMES],
        more_unmatched=len(unmatched[MOST_NAMES:]),
        table=table,
    )

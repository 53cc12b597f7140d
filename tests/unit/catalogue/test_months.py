"""The bars of the catalogue page: what is counted, and over which months."""

from sirenflow.catalogue.months import HEIGHT, MONTHS, months
from sirenflow.catalogue.row import CatalogueRow


def row(time: str, source: str | None = "BBH", **values: object) -> CatalogueRow:
    known: dict[str, object] = {
        **dict.fromkeys(CatalogueRow.__struct_fields__),
        "superevent_id": f"S{time[2:4]}{time[5:7]}01ab",
        "category": "real",
        "significant": True,
        "retracted": False,
        "is_burst": False,
        "trigger_time": "9999-12-31T00:00:00.000Z",  # as anybody may send
        "source_class": source,
    }
    return CatalogueRow(**known | values)  # type: ignore[arg-type]


def test_only_significant_real_events_that_stand_are_counted() -> None:
    shown = months(
        [
            row("2026-11"),
            row("2026-11", category="mock"),
            row("2026-11", significant=None),
            row("2026-11", significant=False),
            row("2026-11", retracted=True),
        ]
    )
    assert shown
    assert [(bar.year, bar.name, bar.count) for bar in shown.bars] == [(2026, "Nov", 1)]
    assert months([row("2026-11", category="test")]) is None
    assert months([]) is None


def test_months_without_events_are_there_and_years_are_crossed() -> None:
    shown = months([row("2025-11"), row("2026-02")])
    assert shown
    assert [f"{bar.name} {bar.year} {bar.count}" for bar in shown.bars] == [
        *("Nov 2025 1", "Dec 2025 0", "Jan 2026 0", "Feb 2026 1")
    ]


def test_years_of_events_end_with_the_newest_month_and_the_rest_is_counted() -> None:
    shown = months([row(f"{year}-{month:02}") for year in range(2020, 2027) for month in (3, 9)])
    assert shown
    assert len(shown.bars) == MONTHS
    assert (shown.bars[-1].year, shown.bars[-1].name) == (2026, "Sep")
    assert shown.earlier + sum(bar.count for bar in shown.bars) == 14


def test_blocks_fill_their_bar_in_the_order_of_the_legend() -> None:
    counts = {"BNS": 1, "NSBH": 2, "BBH": 4, "burst": 1, "<b>": 1}
    rows = [
        row("2026-11", None if name == "burst" else name, is_burst=name == "burst")
        for name, count in counts.items()
        for _ in range(count)
    ]
    shown = months([*reversed(rows), row("2026-10")])
    assert shown
    assert [name for name, _ in shown.legend] == list(counts)
    october, november = shown.bars
    assert {block.name: block.count for block in november.blocks} == counts
    assert november.height == HEIGHT
    assert abs(october.height - HEIGHT / 9) < 0.1
    top = november.height
    for block in november.blocks:
        assert abs(block.y + block.height - top) < 0.05
        top = block.y
    assert top < 0.05

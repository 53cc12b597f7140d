"""An event of the catalogue as the page shows it."""

from dataclasses import dataclass

from sirenflow.catalogue.row import CatalogueRow
from sirenflow.formats.json_file import rounded
from sirenflow.products.event import Thumbnail
from sirenflow.report.figures.bars import class_segments
from sirenflow.report.html import utc_seconds_text
from sirenflow.superevent import number_text

# A class of the source whose part of the bar is narrower is named, and not drawn.
_NARROWEST = 0.05


@dataclass(frozen=True)
class ShownRow:
    """An event as the page shows it: texts for readers, numbers to sort by.

    Attributes
    ----------
    tags
        Pairs of words and tone.
    source
        For each class of the source, the most probable first, its name, its probability as text and
        its width in the bar; "burst"; or None.
    words
        What the search finds beside what is shown.
    no_map
        What to write where there is no distance or area: not provided, withheld, unusable.
    """

    id: str
    link: str
    category: str
    retracted: bool
    significant: bool | None
    tags: tuple[tuple[str, str], ...]
    class_name: str
    source: tuple[tuple[str, str, float], ...] | str | None
    remnant: str | None
    remnant_number: float | None
    distance: str | None
    distance_number: float | None
    area: str | None
    area_number: float | None
    far: str | None
    far_number: float | None
    detectors: str | None
    time: str | None
    words: str
    no_map: str
    thumbnail: Thumbnail | None

    @property
    def drawn(self) -> list[tuple[str, float, float]]:
        """Name, start and width of each part of the bar that can be seen."""
        parts, start = [], 0.0
        for name, _, width in self.source if isinstance(self.source, tuple) else ():
            if width >= _NARROWEST:
                parts.append((name, round(start, 2), width))
            start += width
        return parts


def shown_row(row: CatalogueRow) -> ShownRow:
    """Write an event for the page."""
    distance = (row.distance_mean_mpc, row.distance_std_mpc)
    texts = (row.pipeline, row.group, row.search, row.state.replace("_", " "))
    return ShownRow(
        id=row.superevent_id,
        link=row.link,
        category=row.category,
        retracted=row.retracted,
        significant=row.significant,
        tags=tuple(_tags(row)),
        class_name=row.class_name,
        source=_source(row),
        remnant=_if_known(row.has_remnant, number_text.probability_text(row.has_remnant)),
        remnant_number=_short(row.has_remnant),
        distance=_if_known(row.distance_mean_mpc, number_text.distance_text(*distance)),
        distance_number=_short(row.distance_mean_mpc),
        area=_if_known(row.area_90_deg2, number_text.area_text(row.area_90_deg2)),
        area_number=_short(row.area_90_deg2),
        far=_if_known(row.far, number_text.false_alarm_text(row.far)),
        far_number=_short(row.far),
        detectors=row.instruments,
        time=_if_known(row.trigger_time, utc_seconds_text(row.trigger_time)),
        words=" ".join(text for text in texts if text),
        no_map=row.no_map if row.skymap_alert_number is None else number_text.ABSENT,
        thumbnail=row.thumbnail,
    )


def _tags(row: CatalogueRow) -> list[tuple[str, str]]:
    tags = [] if row.category == "real" else [(row.category, "test")]
    if row.unusual_identifier:
        tags.append(("unusual identifier", "warn"))
    if row.retracted:
        tags.append(("retracted", "bad"))
    elif row.significant is not None:
        tags.append(("significant", "good") if row.significant else ("low significance", "low"))
    if row.alert_type is None:
        tags.append(("no readable alert", "warn"))
    elif row.is_earlier_map:
        tags.append((f"map of alert {row.skymap_alert_number}", "low"))
    if row.coincidence is not None:
        tags.append((f"{row.coincidence} coincidence", "warn"))
    if row.alert_type is not None and row.rejected_alerts:
        tags.append((f"{row.rejected_alerts} rejected", "warn"))
    return tags


def _source(row: CatalogueRow) -> tuple[tuple[str, str, float], ...] | str | None:
    segments = class_segments(row.classification)
    if segments:
        return tuple(
            (part.name, number_text.probability_text(part.probability), round(part.width, 1))
            for part in segments
        )
    if not row.is_burst:
        return row.sub_solar if row.has_ssm is None else _with_has_ssm(row)
    return "burst" if row.duration is None else f"burst {number_text.duration_text(row.duration)}"


def _with_has_ssm(row: CatalogueRow) -> str | None:
    if row.sub_solar is None:
        return None
    return f"{row.sub_solar}, HasSSM {number_text.probability_text(row.has_ssm)}"


def _if_known(value: object, text: str) -> str | None:
    return None if value is None else text


def _short(value: float | None) -> float | None:
    """Keep the digits that a page needs to sort."""
    return rounded(value, 4)

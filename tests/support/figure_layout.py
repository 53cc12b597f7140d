"""Labels and markers of a page's figures as boxes, and the faults of their layout.

Every figure is checked with the two sets of font sizes of figures.css: those of a phone, where
labels of the class "roomy" are hidden, and the largest of all wider windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pages import TEMPLATES

from sirenflow.report.figures.labels import Box, Place, marker_box, text_box

PHONE, WIDE = "phone", "wide"
HOURS_WIDTHS_PX = (264, 340, 640)
"""Of the strips of hours in windows of 320, 390 and 1280 px, or a little less."""
_HOURS_FONT_PX = 12.5
# Coordinates are rounded to a tenth, and paths to integers.
_ROUNDING = 0.6


@dataclass
class Text:
    """A text of a figure."""

    x: str
    y: float
    anchor: str
    style: list[str]
    content: str = ""


@dataclass
class Figure:
    """An SVG figure: its style classes, its view box, its texts and the boxes of its markers."""

    style: list[str]
    name: str
    view: Box | None
    texts: list[Text] = field(default_factory=list)
    markers: list[Box] = field(default_factory=list)

    @property
    def is_hours(self) -> bool:
        """Return whether this is the axis of the visibility strips, whose units are px."""
        return self.view is None


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.figures: list[Figure] = []
        self._text: Text | None = None
        self._shift = (0.0, 0.0)
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = given.get("class", "").split()
        if tag == "svg":
            view = None
            if "viewbox" in given:
                x, y, width, height = map(float, given["viewbox"].split())
                view = Box(x, y, x + width, y + height)
            self.figures.append(Figure(style, given.get("aria-label", ""), view))
        elif tag == "g":
            found = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", given.get("transform", ""))
            self._shift = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
        elif tag == "text":
            anchor = given.get("text-anchor", "start")
            self._text = Text(given["x"], float(given["y"]), anchor, style)
            self.figures[-1].texts.append(self._text)
        elif self.figures:
            self.figures[-1].markers += _markers(tag, style, given, self._shift)

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.content += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "text":
            self._text = None
        elif tag == "g":
            self._shift = (0.0, 0.0)


def _markers(
    tag: str, style: list[str], given: dict[str, str], shift: tuple[float, float]
) -> Iterator[Box]:
    """Return what no label may cover: symbols, error bars, bars, the reticle and the scale."""
    if tag == "circle":
        yield marker_box(float(given["cx"]), float(given["cy"]), float(given["r"]))
    elif tag == "rect" and "bin" in style and float(given["height"]) > 0:
        x, y, width, height = (float(given[key]) for key in ("x", "y", "width", "height"))
        yield Box(x, y, x + width, y + height)
    elif tag == "path" and set(style) & {"spread", "reticle", "scale"}:
        yield from (_box(points, shift) for points in _segments(given["d"]))


def _segments(path: str) -> Iterator[list[tuple[float, float]]]:
    """Return the two ends of each straight line of a path of the commands M, H, h, V and v."""
    at = (0.0, 0.0)
    for command, numbers in re.findall(r"([MHhVv])([-\d. ]+)", path):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "M":
            at = (values[0], values[1])
            continue
        x, y = at
        moved = {
            "H": (values[0], y),
            "h": (x + values[0], y),
            "V": (x, values[0]),
            "v": (x, y + values[0]),
        }
        yield [at, moved[command]]
        at = moved[command]


def _box(points: list[tuple[float, float]], shift: tuple[float, float]) -> Box:
    """Return the box around points, as wide as a thin line."""
    xs, ys = ([point[axis] + shift[axis] for point in points] for axis in (0, 1))
    return Box(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)


def read_figures(html: str) -> list[Figure]:
    """Return the figures of a page, or of a part of one, that have texts."""
    return [figure for figure in _Reader(html).figures if figure.texts]


def font_sizes(figure: Figure) -> dict[str, float]:
    """Return the font sizes of figures.css, in the units of a figure."""
    kind = next(kind for kind in ("zoom", "sky", "line", "thumb") if kind in figure.style)
    sheet = (TEMPLATES / "figures.css").read_text(encoding="utf-8").partition("@media print")[0]
    before, phone = sheet.split("@media (max-width: 600px)")
    rule = rf"\.{kind} (?:text|\.\w+)(?:, \.sky \.share)? {{ font-size: (\d+)px"
    wide = [float(size) for size in re.findall(rule, before)]
    narrow = [float(size) for size in re.findall(rule, phone)]
    return {WIDE: max(wide), PHONE: max(narrow or wide)}


def layout_faults(html: str) -> list[str]:
    """Describe every label that overlaps another or a marker, or leaves its figure."""
    return [fault for figure in read_figures(html) for fault in _figure_faults(figure)]


def _figure_faults(figure: Figure) -> Iterator[str]:
    if figure.is_hours:
        for width in HOURS_WIDTHS_PX:
            frame = Box(0, 0, width, 20)
            yield from _faults(figure, f"{width} px", _HOURS_FONT_PX, frame, figure.texts)
        return
    assert figure.view is not None
    for layout, size in font_sizes(figure).items():
        shown = [text for text in figure.texts if layout == WIDE or "roomy" not in text.style]
        yield from _faults(figure, layout, size, figure.view, shown)


def _faults(
    figure: Figure, layout: str, size: float, frame: Box, texts: list[Text]
) -> Iterator[str]:
    boxes = [(text.content, _text_box(text, size, frame)) for text in texts]
    where = f"{' '.join(figure.style) or 'hours'} {figure.name[:40]} ({layout})"
    for content, box in boxes:
        if not _grown(frame, _ROUNDING).holds(box):
            yield f"{where}: {content!r} leaves the figure: {box}"
        yield from (
            f"{where}: {content!r} covers the marker at {marker}"
            for marker in figure.markers
            if _grown(marker, -_ROUNDING).overlaps(box)
        )
    for (one, box), (other, other_box) in combinations(boxes, 2):
        if _grown(box, -_ROUNDING).overlaps(other_box):
            yield f"{where}: {one!r} and {other!r} overlap: {box} {other_box}"


def _text_box(text: Text, size: float, frame: Box) -> Box:
    share = float(text.x.removesuffix("%")) / 100
    x = frame.right * share if text.x.endswith("%") else float(text.x)
    return text_box(text.content, Place(x, text.y, text.anchor), size, "share" in text.style)


def _grown(box: Box, by: float) -> Box:
    """Return a larger box, or a smaller one, but of a size."""
    across, down = (
        min(-by, (high - low) / 2.5) for low, high in ((box.left, box.right), (box.top, box.bottom))
    )
    return Box(box.left + across, box.top + down, box.right - across, box.bottom - down)


def points_of(path: str) -> list[NDArray[np.float64]]:
    """Read the data of a path: its rings, as absolute points."""
    rings = []
    for start, steps in re.findall(r"M(-?\d+ -?\d+)l([-\d ]+)z", path):
        numbers = np.array(re.findall(r"-?\d+", start + " " + steps), dtype=float).reshape(-1, 2)
        rings.append(np.cumsum(numbers, axis=0))
    return rings

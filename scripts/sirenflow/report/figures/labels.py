"""Labels and axes of figures: no label on another, on a marker, or beyond the edge.

The size of a text on a reader's screen is not known here. Its width is computed from the advance
widths of DejaVu Sans, the widest font that the style sheets name, at the largest size that they
set. A text drawn smaller or narrower, from the same point of its base line, stays inside of that
box. Labels that fit at a smaller size only are marked `roomy`; the style sheets hide those where
texts are large.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sirenflow.superevent.number_text import integer_text, scientific_text

_WIDTHS_EM = {
    width: characters
    for characters, width in (
        ("\u2060", 0.0),
        ("\u202f", 0.21),
        ("ijlIJ'", 0.3),
        (" \u00a0.,:-f/’", 0.37),
        ("rt¹²³⁰⁴⁵⁶⁷⁸⁹", 0.42),
        ("s–°z⁻?", 0.54),
        ("ckvxyLF", 0.6),
        ("0123456789abdeghnopquEPTY", 0.64),
        ("BCKRSVXZ", 0.7),
        ("ADGHNOQU", 0.79),
        ("+−±×<>w", 0.84),
        ("M%m", 0.98),
    )
}
_WIDTH_EM = {character: width for width, text in _WIDTHS_EM.items() for character in text}
_WIDEST_EM = 1.1
LINE_FONT_SIZES = (15.0, 12.0)
"""Of the texts in figures with an axis, units: on a phone, and elsewhere (figures.css)."""
# How much wider digits, "%", "<" and ">" are in bold.
_BOLD = 1.1
# What letters take above and below their base line, and the least room between two labels.
_ASCENT_EM, _DESCENT_EM, _GAP_EM = 0.8, 0.24, 0.5


@dataclass(frozen=True)
class Box:
    """A rectangle in the units of a figure; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Return whether two boxes share an area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Return whether another box lies inside of this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Place:
    """A point where a label may be anchored: "start", "middle" or "end" of its base line.

    The base line is `drop_em` times the font's size below `y`. A place that `moves` is moved
    sideways as far as the text would cross the edge of the figure.
    """

    x: float
    y: float
    anchor: str = "middle"
    drop_em: float = 0.0
    moves: bool = False


@dataclass(frozen=True)
class LabelRequest:
    """A text and the places where it may be written, the best first."""

    text: str
    places: tuple[Place, ...]
    style: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Label:
    """A text in its place: anchor on the base line, and the style class.

    A `roomy` label has room only where texts are small.
    """

    text: str
    x: float
    y: float
    anchor: str = "middle"
    style: str = ""
    roomy: bool = False


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the greatest width of a text, in the units of `size`.

    In bold, digits and signs of percentages only.
    """
    width = size * sum(_WIDTH_EM.get(character, _WIDEST_EM) for character in text)
    return _BOLD * width if bold else width


def text_box(text: str, place: Place, size: float, bold: bool = False) -> Box:
    """Return the box that a text takes up at a place."""
    width, y = text_width(text, size, bold), place.y + place.drop_em * size
    left = place.x - {"start": 0.0, "middle": width / 2, "end": width}[place.anchor]
    return Box(left, y - _ASCENT_EM * size, left + width, y + _DESCENT_EM * size)


def marker_box(x: float, y: float, radius: float) -> Box:
    """Return the box around a round marker."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def place_labels(
    requests: Sequence[LabelRequest], frame: Box, markers: Sequence[Box], sizes: Sequence[float]
) -> tuple[Label, ...]:
    """Place labels so that none overlaps another or a marker, or leaves the frame.

    The most important request comes first; one for which no place is free is left out. Font sizes
    come largest first; labels that fit only at a later one are `roomy`.
    """
    placed: dict[int, Label] = {}
    for size in sizes:
        rooms = (label_room(label, size, requests[i].bold) for i, label in placed.items())
        taken = [*markers, *rooms]
        for number, request in enumerate(requests):
            if number not in placed and (label := _first_free(request, size, frame, taken)):
                placed[number] = replace(label, roomy=size < sizes[0])
                taken.append(label_room(label, size, request.bold))
    return tuple(placed[number] for number in sorted(placed))


def _first_free(
    request: LabelRequest, size: float, frame: Box, taken: Sequence[Box]
) -> Label | None:
    """Return the label at the first place that is free."""
    # As much larger as the rounding of a place may add.
    edge = Box(frame.left - 0.1, frame.top - 0.1, frame.right + 0.1, frame.bottom + 0.1)
    for place in request.places:
        box = text_box(request.text, place, size, request.bold)
        shift = max(frame.left - box.left, 0.0) or min(frame.right - box.right, 0.0)
        shift *= place.moves
        x, y = _round_to_tenth(place.x + shift), _round_to_tenth(place.y + place.drop_em * size)
        box = text_box(request.text, Place(x, y, place.anchor), size, request.bold)
        if edge.holds(box) and not any(box.overlaps(other) for other in taken):
            return Label(request.text, x, y, place.anchor, request.style)
    return None


def label_room(label: Label, size: float, bold: bool = False) -> Box:
    """Return the box of a label with the room that another label must leave beside it."""
    box = text_box(label.text, Place(label.x, label.y, label.anchor), size, bold)
    return Box(box.left - _GAP_EM * size, box.top, box.right + _GAP_EM * size, box.bottom)


def _round_to_tenth(value: float) -> float:
    """Round a coordinate to a tenth; an integer where it is one, to be written without ".0"."""
    rounded = round(float(value), 1)
    return int(rounded) if rounded.is_integer() else rounded


def axis_labels(
    ticks: Sequence[tuple[float, str]], y: float, frame: Box, size: float
) -> tuple[Label, ...]:
    """Label an axis: both ends, and evenly as many ticks between them as have room.

    Every tick is labelled, else every second, every fourth and so on, counted from the first. The
    last of these is left out where it is too close to the end of the axis.

    `ticks` are places and texts, from left to right; `y` is the base line of the labels; `size` is
    the largest font size.
    """
    stride = 1
    while ticks:
        regular = [*range(0, len(ticks), stride)]
        order = [*dict.fromkeys((len(ticks) - 1, 0, *regular))]
        requests = [LabelRequest(ticks[i][1], (Place(ticks[i][0], y, moves=True),)) for i in order]
        labels = place_labels(requests, frame, (), (size,))
        required = len(order) - (regular[-1] != len(ticks) - 1)
        if len(labels) >= required or stride >= len(ticks):
            return tuple(sorted(labels, key=lambda label: label.x))
        stride *= 2
    return ()


def axis_number_text(value: float) -> str:
    """Write a number on an axis: three significant digits, integers in full below 100,000.

    A power of ten from there, and below 0.0001.
    """
    size = abs(value)
    if size >= 1e5 - 0.5 or 0 < size < 1e-4:
        return scientific_text(value)
    return integer_text(value) if size >= 99.95 else f"{value:.3g}"


def nice_step(rough: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    exponent = int(f"{rough:e}".split("e")[1])
    unit = float(f"1e{exponent}")
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))


def axis_ticks(end: float, width: float) -> list[tuple[float, str]]:
    """Return places and texts of about four round values on an axis from 0 to `end`."""
    step = nice_step(end / 4)
    return [
        (i * step / end * width, axis_number_text(i * step)) for i in range(int(end // step) + 1)
    ]

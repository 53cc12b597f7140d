"""No two labels of a figure overlap, none covers a marker, none leaves its figure."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import WIDTHS, browsing, chromium, keep_screenshot, look, resize
from builders import all_cells
from figure_layout import Figure, font_sizes, layout_faults, read_figures
from hypothesis import example, given
from hypothesis import strategies as st
from paths import REAL_ALERTS
from shaped_maps import CASES, LVK_MCHIRP_EDGES, make_page, page_of_case
from summaries import summarize

from sirenflow.observing.ephemeris import SkyBodies, sun_and_moon
from sirenflow.products.alerts import ChirpMass
from sirenflow.products.event import AlertSummary, SkymapSummary
from sirenflow.products.regions import Lobe
from sirenflow.products.visibility import Visibility
from sirenflow.report.figures import sky_labels, zoom
from sirenflow.report.figures.bars import Histogram, chirp_mass_histogram
from sirenflow.report.figures.distance import distance_figure
from sirenflow.report.figures.history import area_figure, distance_history_figure
from sirenflow.report.figures.labels import LINE_FONT_SIZES, axis_number_text, text_width
from sirenflow.report.figures.sky import HEIGHT, WIDTH, SkyFigure
from sirenflow.report.figures.sky_labels import Marks, sky_marks
from sirenflow.report.figures.visibility import visibility_figure
from sirenflow.report.figures.zoom import circle_window, zoom_figure
from sirenflow.report.html import _environment
from sirenflow.skymap.regions.contours import level_field
from sirenflow.skymap.skymap import Skymap, peak

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium"]

FLAT = Skymap(all_cells(0), np.full(12, 1 / (4 * np.pi)), None, None, None, header={})
"""A map without a shape, for what does not depend on it."""


QUESTIONS: tuple[tuple[Any, ...], ...] = (
    ("overflowing",),
    ("smallFigureTexts", 9),
    ("textsOutsideTheirFigure",),
    ("overlappingFigureTexts",),
    ("coveredMarkers",),
)
"""Of browser.js, with their arguments."""


def rendered(template: str, call: str, **values: object) -> str:
    """Render one macro of a template."""
    text = f'{{% import "{template}" as part with context %}}{{{{ part.{call} }}}}'
    return _environment().from_string(text).render(**values)


def logarithmic(low: float, high: float) -> st.SearchStrategy[float]:
    """Draw numbers that are even on a logarithmic scale."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda exponent: float(10**exponent))


# ------------------------------------------------------------------------------ pages


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that writes the page of a case once."""
    folder = tmp_path_factory.mktemp("shapes")
    return cache(lambda name: page_of_case(CASES[name], folder / name))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_page_of_a_real_kind_has_no_layout_fault(page_of: Callable[[str], Path], name: str) -> None:
    html = page_of(name).read_text(encoding="utf-8")
    assert {kind for figure in read_figures(html) for kind in figure.style} >= {"sky", "line"}
    assert layout_faults(html) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["combined-far-away", "combined-inside", "combined-of-whole-sky"])
def test_small_combined_region_is_visible_in_a_close_up(
    page_of: Callable[[str], Path], name: str
) -> None:
    html = page_of(name).read_text(encoding="utf-8")
    figure = re.search(r'<svg class="sky zoom"[^>]*closeup-title.*?</svg>', html, re.DOTALL)
    assert figure
    outline = re.search(r'class="r90" d="M(-?\d+) (-?\d+)l([-\d ]+)z', figure[0])
    assert outline
    steps = np.array(re.findall(r"-?\d+", outline[3]), dtype=float).reshape(-1, 2)
    # A quarter of the frame across, at least.
    assert np.ptp(np.cumsum(steps, axis=0), axis=0).min() > 150


def test_far_apart_regions_are_shown_on_the_whole_sky(page_of: Callable[[str], Path]) -> None:
    html = page_of("combined-far-away").read_text(encoding="utf-8")
    titles = re.findall(r'<svg class="(sky[a-z ]*)"[^>]*labelledby="([a-z-]+)-title', html)
    assert titles == [
        ("sky", "gw"),
        ("sky", "gw-small"),
        ("sky", "combined"),
        ("sky zoom", "closeup"),
        ("sky zoom", "zoom"),
    ]


@pytest.mark.browser
@pytest.mark.parametrize("name", CASES)
def test_browser_finds_no_layout_fault(
    chromium: Browser, page_of: Callable[[str], Path], name: str
) -> None:
    assert browser_faults(chromium, page_of(name), f"shape-{name}") == []


def browser_faults(chromium: Browser, page_file: Path, name: str) -> list[str]:
    """Describe the layout faults that a browser finds on a page at every width."""
    found = []
    with browsing(chromium) as watched:
        page = watched.open(page_file)
        for width in WIDTHS:
            resize(page, width)
            keep_screenshot(page, f"{name}-{width}")
            for question, *arguments in QUESTIONS:
                faults = look(page, question, *arguments)
                found += [f"{name} at {width} px: {fault}" for fault in faults]
    return found


# ---------------------------------------------------------------------- single figures

ra_degs, dec_degs = st.floats(0, 359.99), st.floats(-90, 90)
times = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001 - UTC
radii_deg = logarithmic(0.01, 180)


@st.composite
def lobes(draw: st.DrawFn) -> list[Lobe]:
    """Draw parts of a region: anywhere, or crowded around one place."""
    centre_ra, centre_dec = draw(ra_degs), draw(dec_degs)
    crowded = draw(st.booleans())
    found = []
    for _ in range(draw(st.integers(0, 20))):
        ra, dec = draw(ra_degs), draw(dec_degs)
        if crowded:
            ra, dec = (centre_ra + ra / 12) % 360, max(min(centre_dec + dec / 6, 90), -90)
        found.append(Lobe(draw(st.floats(0.001, 0.9)), 10.0, ra, dec, draw(radii_deg)))
    return sorted(found, key=lambda lobe: -lobe.probability)


@st.composite
def bodies(draw: st.DrawFn) -> SkyBodies:
    """Draw Sun and Moon at a time, or anywhere and near one another."""
    if draw(st.booleans()):
        return sun_and_moon(f"{draw(times):%Y-%m-%dT%H:%M:%SZ}")
    ra, dec = draw(ra_degs), draw(dec_degs)
    near = draw(st.floats(-3, 3))
    return SkyBodies(ra, dec, (ra + near) % 360, max(min(dec - near, 90), -90), 0.5)


@given(lobes(), bodies(), st.integers(0, WIDTH), st.integers(0, HEIGHT))
def test_sky_has_no_layout_fault(parts: list[Lobe], sky: SkyBodies, x: int, y: int) -> None:
    marks = sky_marks((x, y), sky, None, parts)
    assert layout_faults(drawn_sky(x, y, marks)) == []


def drawn_sky(x: int, y: int, marks: Marks) -> str:
    call = "sky('id', figure, skymap, 'title', marks)"
    figure = SkyFigure("", "", (x, y))
    return rendered("sky.html.j2", call, figure=figure, marks=marks, skymap=summary_of())


def summary_of(**known: float) -> SkymapSummary:
    """Return a map's numbers, most of them unknown."""
    fields = dict.fromkeys(SkymapSummary.__struct_fields__)
    return SkymapSummary(**{**fields, "kind": "gw", "lobes_90": (), **known})  # type: ignore[arg-type]


@pytest.mark.parametrize("away", [0, 5, 20, 40, 60, 90, 150])
def test_names_of_sun_and_moon_are_never_missing_in_an_empty_sky(away: int) -> None:
    """Whatever their distance, one is above, below or beside the other."""
    for ra in range(0, 360, 30):
        sky = SkyBodies(ra, -23.0, ra + 0.5 * away, -23.0 + away / 2, 0.5)
        shown = {label.text for label in sky_marks((700, 700), sky).labels}
        assert {"Sun", "Moon"} <= shown


def test_share_of_the_most_probable_part_is_shown_beside_sun_and_moon() -> None:
    """The shares and the symbols of S230522n and S241004ap lay on one another."""
    sky = SkyBodies(59.0, 20.0, 75.0, 26.0, 0.5)
    parts = [Lobe(0.6, 900.0, 62.0, 28.0, 25.0), Lobe(0.3, 500.0, 80.0, 15.0, 20.0)]
    marks = sky_marks((900, 250), sky, None, parts)
    assert {"60\u202f%", "30\u202f%", "Sun", "Moon"} <= {label.text for label in marks.labels}
    assert layout_faults(drawn_sky(900, 250, marks)) == []


@pytest.mark.slow
@given(logarithmic(0.01, 52), st.floats(-1, 1), st.floats(-1, 1), ra_degs, dec_degs)
def test_zoom_has_no_layout_fault(
    radius: float, east: float, north: float, ra: float, dec: float
) -> None:
    # The first of two windows has the peak, and with it the reticle, anywhere inside.
    top = peak(FLAT)
    near = circle_window(
        (top.ra_deg + east * radius) % 360, max(min(top.dec_deg + north * radius, 90), -90), radius
    )
    for window in (near, circle_window(ra, dec, radius)):
        assert window
        figure = zoom_figure(FLAT, level_field(FLAT), window)
        call = "zoom('id', figure, skymap, 'title')"
        html = rendered("sky.html.j2", call, figure=figure, skymap=summary_of())
        assert layout_faults(html) == []


areas_deg2, distances_mpc = logarithmic(0.01, 41_253), logarithmic(5, 20_000)
rates_hz = logarithmic(1e-60, 1e-4)
kinds = st.sampled_from(["EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION"])
alerts = st.tuples(areas_deg2, distances_mpc, st.floats(0.01, 0.6), kinds, rates_hz, st.booleans())


@given(st.lists(alerts, min_size=1, max_size=40))
@example([(1000.0, 50.0, 0.3, "UPDATE", 1e-9, number in (0, 39)) for number in range(40)])
def test_history_has_no_layout_fault(sent: list[Any]) -> None:
    """The newest value is written, except where points are crowded around its own.

    All six places for it are then taken by points and error bars: in a tenth of random histories of
    40 alerts, one in 500 of 12 or 13, and in none of 22,000 shorter ones.
    """
    history = history_of(sent)
    for figure in (area_figure(history), distance_history_figure(history)):
        html = rendered("history.html.j2", "evolution(figure, 'title')", figure=figure)
        assert layout_faults(html) == []
        if figure:
            numbers = {label.text.split()[0] for label in figure.labels}
            # The first and the newest alert are named.
            assert {"1", str(len(history))} <= numbers
            newest = figure.points[-1]
            near = text_width(newest.text, LINE_FONT_SIZES[0]) + 14
            is_alone = all(newest.x - point.x > near for point in figure.points[:-1])
            if len(history) <= 10 or is_alone:
                assert newest.text in {label.text for label in figure.labels}


def history_of(sent: list[Any]) -> tuple[AlertSummary, ...]:
    """Summarize alerts; only those that are `measured` have a map."""
    said, located = [], []
    for number, (area, mean, share, kind, far, measured) in enumerate(sent, start=1):
        said.append({"number": number, "alert_type": kind, "record": {"event": {"far": far}}})
        numbers = {"distance_mean_mpc": mean, "distance_std_mpc": share * mean}
        maps = [{"kind": "gw", "file": "a.fits", "area_90_deg2": area, **numbers}]
        located.append({"number": number, "skymaps": maps if measured else []})
    return summarize({"superevent_id": "S1a", "alerts": said}, {"alerts": located}).history


edges = st.one_of(
    st.just(list(LVK_MCHIRP_EDGES)),
    st.lists(logarithmic(1e-3, 1e6), min_size=2, max_size=40, unique=True).map(sorted),
)


@given(edges, st.data())
def test_chirp_mass_has_no_layout_fault(bin_edges: list[float], data: st.DataObject) -> None:
    count = len(bin_edges) - 1
    shares = st.lists(st.floats(0, 1), min_size=count, max_size=count)
    mchirp = ChirpMass(tuple(bin_edges), tuple(data.draw(shares)))
    figure = chirp_mass_histogram(mchirp)
    assert layout_faults(rendered_chirp_mass(figure)) == []
    texts = [label.text for label in figure.labels]
    assert {axis_number_text(bin_edges[0]), axis_number_text(bin_edges[-1])} <= set(texts)


def rendered_chirp_mass(figure: Histogram) -> str:
    return rendered("cards.html.j2", "chirp_mass_figure(figure)", figure=figure)


def test_public_chirp_mass_bins_are_named_in_full() -> None:
    shares = [0.0, 0.0, 0.05, 0.5, 0.3, 0.1, 0.05, *[0.0] * 11]
    figure = chirp_mass_histogram(ChirpMass(LVK_MCHIRP_EDGES, tuple(shares)))
    named = [label.text for label in figure.labels if "%" not in label.text]
    expected = ["0.1", "1", "1.2", "1.4", "1.7", "2.1", "3", "11", "44", "1\u202f000"]
    assert named == expected
    assert figure.summary.startswith("1.1 to 1.2: 50")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (0.0001, "0.0001"), (0.87, "0.87"), (99.94, "99.9"), (99.96, "100")),
        *((999.6, "1\u202f000"), (1000, "1\u202f000"), (12_345, "12\u202f345")),
        *((99_999, "99\u202f999"), (100_000, "1.0\u00a0×\u00a010⁵")),
    ],
)
def test_numbers_on_an_axis(value: float, text: str) -> None:
    assert axis_number_text(value) == text


@given(st.floats(1e-4, 99_999))
def test_numbers_on_an_axis_have_no_exponent_below_1e5(value: float) -> None:
    assert "e" not in axis_number_text(value)
    assert "×" not in axis_number_text(value)
    assert float(axis_number_text(value).replace("\u202f", "")) == pytest.approx(value, rel=0.006)


@given(logarithmic(1e-3, 1e9), st.floats(0.001, 2))
def test_distance_has_no_layout_fault(mean: float, share: float) -> None:
    skymap = summary_of(distance_mean_mpc=mean, distance_std_mpc=share * mean)
    figure = distance_figure(skymap, None, None)
    assert figure
    html = rendered("cards.html.j2", "distance_axis(figure, 'title')", figure=figure)
    assert layout_faults(html) == []
    assert len(figure.labels) >= 2


@given(times)
@example(datetime(2037, 5, 9, tzinfo=UTC))
@example(datetime(2037, 5, 9, 1, 55, 58, tzinfo=UTC))
def test_hours_have_no_layout_fault(start: datetime) -> None:
    figure = visibility_figure(
        Visibility(
            superevent_id="S1a",
            start_utc=f"{start:%Y-%m-%dT%H:%M:%SZ}",
            absence_reason=None,
            retracted=False,
            hours=24,
            step_min=10,
            alert_number=1,
            skymap_alert_number=1,
            maximum_sun_altitude_deg=-12,
        )
    )
    assert 4 <= len(figure.ticks) <= 5
    html = rendered("visibility.html.j2", "section(figure)", figure=figure)
    assert layout_faults(html) == []


# ---------------------------------------------------------------- the check, and the fonts


FAULTY = """<svg class="line" viewBox="0 0 100 40"><circle class="mean" cx="50" cy="20" r="5"/>
<text x="48" y="24">on it</text><text x="60" y="24">beside</text><text x="90" y="39">out</text>
</svg>"""


def test_check_finds_every_kind_of_fault() -> None:
    found = "\n".join(layout_faults(FAULTY))
    assert "'on it' and 'beside' overlap" in found
    assert "'on it' covers the marker" in found
    assert "'out' leaves the figure" in found


def test_labels_are_placed_for_the_font_sizes_of_the_style_sheet() -> None:
    figures = {
        kind: Figure(kind.split(), "", None) for kind in ("sky", "sky zoom", "line", "thumb")
    }
    phone, wide = sky_labels.FONT_SIZES
    assert font_sizes(figures["sky"]) == {"phone": phone, "wide": wide}
    assert max(font_sizes(figures["sky zoom"]).values()) == zoom.FONT_SIZE
    phone, wide = LINE_FONT_SIZES
    assert font_sizes(figures["line"]) == {"phone": phone, "wide": wide}


@pytest.mark.browser
def test_no_text_is_wider_in_the_browser_than_computed(
    chromium: Browser, page_of: Callable[[str], Path]
) -> None:
    """Of every label in figures, and of each character that they may have."""
    script = """(characters) => {
      const wrap = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      document.body.append(wrap);
      const width = (text, bold) => {
        const element = document.createElementNS(wrap.namespaceURI, "text");
        element.textContent = text;
        element.style.fontSize = "100px";
        element.style.fontWeight = bold ? 700 : 400;
        wrap.append(element);
        return element.getComputedTextLength() / 100;
      };
      return characters.map(([text, bold]) => width(text.repeat(20), bold) / 20);
    }"""
    signs = ".,:+-−–±×°%<>?/ \u00a0\u202f⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
    plain = signs + string.digits + string.ascii_letters
    asked = [*((c, False) for c in plain), *((c, True) for c in "0123456789<>%\u202f")]
    with browsing(chromium) as watched:
        found = watched.open(page_of("tiny")).evaluate(script, asked)
    wider = [
        (text, bold, width)
        for (text, bold), width in zip(asked, found, strict=True)
        if width > text_width(text, 1, bold) + 1e-3
    ]
    assert wider == []


# ------------------------------------------------------------------------- real alerts


def real_alerts() -> dict[str, list[Path]]:
    """Return the files of each superevent in the directory of real alerts."""
    found: dict[str, list[Path]] = {}
    reference = json.loads((REAL_ALERTS / "reference.json").read_text())
    for name, expected in reference.items():
        if "seed-era" not in name:
            found.setdefault(expected["superevent_id"], []).append(REAL_ALERTS / name)
    return found


needs_real_alerts = pytest.mark.skipif(
    not (REAL_ALERTS / "reference.json").is_file(),
    reason="SIRENFLOW_REAL_ALERTS names no directory with reference.json",
)


@pytest.mark.slow
@needs_real_alerts
def test_pages_of_real_alerts_have_no_layout_fault(tmp_path: Path) -> None:
    for superevent_id, page in real_pages(tmp_path).items():
        assert layout_faults(page.read_text(encoding="utf-8")) == [], superevent_id


@pytest.mark.browser
@needs_real_alerts
def test_browser_finds_no_layout_fault_on_pages_of_real_alerts(
    chromium: Browser, tmp_path: Path
) -> None:
    pages = real_pages(tmp_path).items()
    assert [fault for name, page in pages for fault in browser_faults(chromium, page, name)] == []


def real_pages(folder: Path) -> dict[str, Path]:
    """Write the page of each superevent in the directory of real alerts."""
    sent = real_alerts()
    assert sent
    return {name: make_page(files, name, folder / name) for name, files in sent.items()}

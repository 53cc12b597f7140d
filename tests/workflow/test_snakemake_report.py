"""Snakemake's own report holds our pages and texts, with captions, in menus that stay short."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
import states
from browser import chromium
from builders import json_alert
from snakemake_runs import snakemake

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium"]

SUPEREVENTS = {
    "S260902f": ("Superevents", "2026-09"),
    "S261126dm": ("Superevents", "2026-11"),
    "S1234-a": ("Superevents", "Unusual identifiers"),
    "M1234567": ("Mock superevents", "Unusual identifiers"),
    "MS260926m": ("Mock superevents", "2026-09"),
    "TS260902f": ("Test superevents", "2026-09"),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Process a few small superevents and make the report, where no server can be reached."""
    directory = tmp_path_factory.mktemp("reported")
    for superevent_id in SUPEREVENTS:
        retraction = {
            "alert_type": "RETRACTION",
            "time_created": "2026-09-26T08:49:53Z",
            "superevent_id": superevent_id,
            "event": None,
            "external_coinc": None,
            "urls": {},
        }
        data = json_alert(retraction)
        states.write_alert(directory / "inbox", superevent_id, "RETRACTION", "01.json", data)
    states.process(directory)
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    run = snakemake(directory, "--report", "report.zip", cores=1, environment=proxies)
    assert run.returncode == 0, run.stdout
    assert "downloading" not in run.stdout
    with ZipFile(directory / "report.zip") as report:
        report.extractall(directory)
    return directory


def variable(directory: Path, name: str) -> Any:
    """Read a variable of the report's script."""
    html = (directory / "report/report.html").read_text(encoding="utf-8")
    found = re.search(rf'<script id="[a-z-]+">\s+var {name} = (.*);$', html, re.MULTILINE)
    assert found
    return json.loads(found[1])


def test_real_mock_and_test_superevents_have_menus_of_their_own_by_month(directory: Path) -> None:
    categories = variable(directory, "categories")
    menus: dict[str, dict[str, list[str]]] = {}
    for superevent_id, (category, month) in SUPEREVENTS.items():
        products = [f"results/{superevent_id}/{name}" for name in ("circular.txt", "index.html")]
        menus.setdefault(category, {}).setdefault(month, []).extend(products)
    assert categories.pop("Catalogue") == {"Other": ["results/index.html"]}
    assert categories == menus


@pytest.mark.parametrize(
    ("file", "labels"),
    [
        ("{}/index.html", {"superevent": "{}", "product": "page"}),
        ("{}/circular.txt", {"superevent": "{}", "product": "text"}),
    ],
)
@pytest.mark.parametrize("superevent_id", SUPEREVENTS)
def test_product_is_there_byte_for_byte_with_label_and_caption(
    directory: Path, superevent_id: str, file: str, labels: dict[str, str]
) -> None:
    name = f"results/{file.format(superevent_id)}"
    entry = variable(directory, "results")[name]
    kept = directory / "report" / entry["data_uri"]
    assert kept.read_bytes() == (directory / name).read_bytes()
    assert entry["labels"] == {key: text.format(superevent_id) for key, text in labels.items()}
    assert superevent_id in entry["caption"]
    assert "system-message" not in entry["caption"]


def test_catalogue_and_workflow_are_described(directory: Path) -> None:
    entry = variable(directory, "results")["results/index.html"]
    assert "All superevents of the inbox" in entry["caption"]
    described = variable(directory, "workflow_desc")
    assert "never to be observed" in described
    assert "system-message" not in described


def test_report_holds_no_more_than_pages_and_texts(directory: Path) -> None:
    kept = [path.name for path in (directory / "report/data").rglob("*") if path.is_file()]
    pages, texts = len(SUPEREVENTS) + 1, len(SUPEREVENTS)
    assert sorted(kept) == ["circular.txt"] * texts + ["index.html"] * pages


@pytest.mark.browser
def test_page_shows_itself_within_the_report(chromium: Browser, directory: Path) -> None:
    """The report puts a page in a frame: our policy of what may run must not empty it."""
    context = chromium.new_context()
    context.set_default_timeout(5_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto((directory / "report/report.html").as_uri())
    page.get_by_text("Superevents", exact=True).click()
    page.get_by_text("2026-09", exact=True).click()
    page.get_by_role("row").filter(has_text="S260902f").get_by_role("link").first.click()
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").inner_text().strip() == "S260902f"
    background = "element => getComputedStyle(element).backgroundColor"
    assert frame.locator("header").first.evaluate(background) != "rgba(0, 0, 0, 0)"
    assert errors == []
    context.close()

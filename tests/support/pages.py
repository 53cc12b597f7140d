"""A page as a parser sees it, and what must hold for every one."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from paths import ROOT

from sirenflow.report.html import _environment, _inline

TEMPLATES = ROOT / "scripts/sirenflow/report/templates"


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.raw = ""
        self.sources: dict[str, list[str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.raw = tag if tag in ("style", "script") else ""

    def handle_data(self, data: str) -> None:
        if self.raw:
            self.sources.setdefault(self.raw, []).append(data)
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self.raw = ""

    def links(self) -> Iterator[str]:
        """Give the address of every link."""
        return (attrs["href"] or "" for tag, attrs in self.elements if tag == "a")


def assert_safe(html: str) -> Page:
    """Check what a browser would run or fetch: our own scripts, and nothing."""
    page = Page(html)
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"img", "iframe", "object", "embed", "link", "base", "form"}
    )
    for tag, attrs in page.elements:
        assert not any(
            name.startswith("on") or name in ("style", "srcdoc", "src") for name in attrs
        )
        assert tag != "script" or attrs in ({}, {"type": "application/json", "id": "events"})
    for link in page.links():
        assert re.match(r"https?://|#[a-z]|[\w.%/-]+$", link), link
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    styles = re.findall("'(sha256-[^']+)'", policy[1].split("; ")[1])
    scripts = re.findall("'(sha256-[^']+)'", policy[1].split("; ")[2])
    assert policy[1].split("; ")[3:] == ["base-uri 'none'", "form-action 'none'"]
    run = [text for text in page.sources["script"] if text.startswith("//")]
    assert [csp_hash(text) for text in page.sources["style"]] == styles
    assert [csp_hash(text) for text in run] == scripts
    for text in run:
        assert any(text == file.read_text() for file in TEMPLATES.glob("*.js"))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\r]", html)
    return page


def csp_hash(text: str) -> str:
    """Hash a source as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def render_part(source: str, **values: object) -> str:
    """Render a template's source as the only thing on a page."""
    environment = _environment()
    page = f'{{% extends "base.html.j2" %}}{{% block main %}}{source}{{% endblock %}}'
    style, script = _inline("theme.css"), _inline("page.js")
    return environment.from_string(page).render(style=style, scripts=[script], **values)

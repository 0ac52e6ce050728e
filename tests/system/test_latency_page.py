# SPDX-License-Identifier: Apache-2.0
"""The page of the latency report in a real browser: it opens, nobody complains, all figures are there to be seen."""

import json
from pathlib import Path

import pytest
from understudy.latency.report import write_figures, write_report

from .browser import Browser

SAMPLE = Path(__file__).resolve().parents[1] / "unit" / "data" / "latency_sample.json"

# Boxes of what was drawn: of the picture, and of the marks (not of axes, which are there without data).
PICTURES = """
Array.from(document.querySelectorAll("figure svg")).map(svg => {
  const sizes = Array.from(svg.querySelectorAll(".role-mark :is(path, line, rect)")).map(mark => {
    const box = mark.getBoundingClientRect();
    return mark.tagName === "line" ? box.width + box.height : Math.min(box.width, box.height);
  });
  const box = svg.getBoundingClientRect();
  return { figure: svg.closest("figure").id, width: box.width, height: box.height, drawn: Math.max(0, ...sizes) };
})
"""
FIGURES = 'Array.from(document.querySelectorAll("figure")).map(figure => figure.id)'
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
INK = 'getComputedStyle(document.querySelector("figure svg text")).fill'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "latency.html"
    write_report(SAMPLE, file)
    return file


@pytest.fixture
def browser(tmp_path: Path):
    with Browser(tmp_path) as running:
        yield running


def test_page_opens_without_a_complaint_and_asks_for_nothing_else(browser: Browser, page: Path) -> None:
    seen = browser.open(page)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [page.as_uri()]


def test_every_figure_is_drawn(browser: Browser, page: Path) -> None:
    browser.open(page)
    figures = browser.evaluate(FIGURES)
    pictures = browser.evaluate(PICTURES)
    assert len(figures) >= 15
    assert {picture["figure"] for picture in pictures} == set(figures)
    for picture in pictures:
        assert picture["width"] > 200, picture
        assert picture["height"] > 60, picture
        assert picture["drawn"] > 4, picture


@pytest.mark.parametrize("width", [390, 1200])
def test_only_tables_scroll_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(page)
    assert browser.evaluate(OVERFLOW) <= 0


def test_a_dark_page_has_light_text_in_its_figures(browser: Browser, page: Path) -> None:
    ink = {}
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.open(page)
        ink[scheme] = browser.evaluate(INK)
    assert ink == {"light": "rgb(31, 35, 40)", "dark": "rgb(230, 237, 243)"}


def test_figures_of_the_documentation_open_by_themselves(browser: Browser, tmp_path: Path) -> None:
    for file in write_figures(SAMPLE, tmp_path / "pictures"):
        assert browser.open(file).complaints == []
        assert browser.evaluate('document.querySelectorAll(".role-mark path").length') >= 6


def test_browser_sees_complaints(browser: Browser, tmp_path: Path) -> None:
    """The check itself: a script's error, a message on the console and a missing file are all reported."""
    file = tmp_path / "bad.html"
    script = f"console.error({json.dumps('told')}); throw new Error({json.dumps('thrown')})"
    file.write_text(f"<!DOCTYPE html><p>x<img src='absent.png'><script>{script}</script>", encoding="utf-8")
    seen = browser.open(file)
    assert any("told" in text for text in seen.complaints)
    assert any("thrown" in text for text in seen.complaints)
    assert any(text.startswith("failed") for text in seen.complaints)
    assert len(seen.requests) == 2

"""The HTML post-mortem in a real browser: it asks nobody, its chart is seen, and it fits a phone and paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chromium import DESKTOP, PHONE, Chromium, chromium
from tests.post_mortems import hostile_page
from tests.program import oom

if TYPE_CHECKING:
    from collections.abc import Iterator

INCIDENTS = sorted((Path(__file__).parents[1] / "kubectl_oom" / "incidents").glob("*.json"))
SCREENS = {"desktop": DESKTOP, "phone": PHONE}
SMALLEST_TEXT_PIXELS = 10  # what a chart's labels may shrink to before nobody reads them
# The chart that is on the screen: its size, how far its line reaches, and how large its smallest letters are.
CHARTS = """[...document.querySelectorAll("figure svg")].filter(s => getComputedStyle(s).display !== "none").map(s => ({
  width: s.getBoundingClientRect().width,
  height: s.getBoundingClientRect().height,
  line: Math.max(0, ...[...s.querySelectorAll("polyline")].map(p => p.getBoundingClientRect().width)),
  text: Math.min(...[...s.querySelectorAll("text")].map(t => 12 * s.getBoundingClientRect().width / s.viewBox.baseVal.width)),
}))"""
WIDER_THAN_THE_SCREEN = """[...document.body.querySelectorAll("main *")]
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !e.closest("svg, thead"))
  .map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="module", params=INCIDENTS, ids=lambda file: file.stem)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a bundled incident."""
    incident: Path = request.param
    file = tmp_path_factory.mktemp("page") / f"{incident.stem}.html"
    ran = oom("report", f"deploy/{incident.stem}", "-n", "demo", "--from", str(incident), "-o", "html", "-f", str(file))
    assert ran.code == 0, ran.err
    return file


@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_asks_nobody_and_the_console_is_silent(browser: Chromium, page: Path, screen: str) -> None:
    browser.open(page, SCREENS[screen])

    assert [url for url in browser.requests() if url != page.as_uri() and not url.startswith("data:")] == []
    assert browser.complaints() == []


@pytest.mark.parametrize("screen", SCREENS)
def test_every_chart_is_seen_and_its_words_can_be_read(browser: Chromium, page: Path, screen: str) -> None:
    browser.open(page, SCREENS[screen])
    charts = browser.value(CHARTS)

    assert charts
    assert all(chart["width"] > 300 and chart["height"] > 150 for chart in charts)
    assert all(chart["line"] > 100 for chart in charts)
    assert all(chart["text"] >= SMALLEST_TEXT_PIXELS for chart in charts)


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_wider_than_the_screen(browser: Chromium, page: Path, screen: str) -> None:
    browser.open(page, SCREENS[screen])

    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert browser.value(WIDER_THAN_THE_SCREEN) == []


def test_a_chart_is_told_to_those_who_cannot_see_it(browser: Chromium, page: Path) -> None:
    browser.open(page, DESKTOP)
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in tree if node.get("role", {}).get("value") in ("image", "img")]
    tables = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "table"]

    assert len(images) == browser.value('document.querySelectorAll("figure").length')
    assert all(image["name"]["value"].startswith("Memory") for image in images)
    assert all("highest sampled" in image["description"]["value"] for image in images)
    assert any(name.startswith("In numbers") for name in tables)


def test_the_rows_of_a_table_stay_a_table_on_a_phone(browser: Chromium, page: Path) -> None:
    browser.open(page, PHONE)
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in tree]

    assert "columnheader" in roles
    assert "rowheader" in roles


def test_it_prints_on_paper(browser: Chromium, page: Path) -> None:
    browser.open(page, DESKTOP)
    printed = browser.pdf()
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    browser.ask("Emulation.setEmulatedMedia", media="print")
    charts, colour = browser.value(CHARTS), browser.value("getComputedStyle(document.body).color")
    browser.ask("Emulation.setEmulatedMedia", media="")

    assert printed.startswith(b"%PDF-")
    assert 2 <= pages <= 8
    assert all(chart["line"] > 100 for chart in charts)
    assert colour == "rgb(0, 0, 0)"


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 17, 17)")])
def test_it_is_light_or_dark_as_its_reader_likes(browser: Chromium, page: Path, scheme: str, paper: str) -> None:
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page, DESKTOP)
    colours = browser.value(
        '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("svg .b")).fill]'
    )
    browser.ask("Emulation.setEmulatedMedia", features=[])

    assert colours == [paper, paper]


@pytest.mark.parametrize("screen", SCREENS)
def test_what_a_hostile_cluster_says_stays_text(browser: Chromium, tmp_path: Path, screen: str) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(hostile_page(), encoding="utf-8")
    browser.open(file, SCREENS[screen])

    assert browser.requests() == [file.as_uri()] or all(
        url.startswith(("file:", "data:")) for url in browser.requests()
    )
    assert browser.complaints() == []
    assert browser.value('document.querySelectorAll("script, img, a, iframe, form").length') == 0
    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_page_that_asked_somebody_or_was_too_wide_would_be_caught(browser: Chromium, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        '<!DOCTYPE html><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<img src="http://127.0.0.1:9/x.png"><script>console.error("no")</script><div style="width:900px">wide</div>'
    )
    browser.open(file, PHONE)

    assert "http://127.0.0.1:9/x.png" in browser.requests()
    assert browser.complaints()
    assert browser.value("document.documentElement.scrollWidth > document.documentElement.clientWidth")

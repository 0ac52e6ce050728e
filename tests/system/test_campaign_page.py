# SPDX-License-Identifier: Apache-2.0
"""The report of a campaign in a real browser: 20,000 experiments, every mark leads to its own, from a single file."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_sample import sample
from understudy.image import build
from understudy.injection.experiment import Outcome
from understudy.injection.report import ReportData, write_report
from understudy.vmm_faults.experiment import system

from .browser import Browser

LIMIT = 8_000_000
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Marks behind which there are other experiments than they say.
WRONG = """
(async () => {
  const wrong = [];
  for (const mark of document.querySelectorAll("a[data-n]")) {
    const address = mark.getAttribute("href");
    const found = address.startsWith("#list?") ? (await select(address.slice(6))).length
      : (await load()).filter((one) => address === `#experiment-${one.number}`).length;
    if (found !== Number(mark.dataset.n)) wrong.push([address, mark.dataset.n, found]);
  }
  return wrong.slice(0, 10);
})()
"""
DRAWN = """
Array.from(document.querySelectorAll("figure")).map((figure) => [figure.id, Math.max(0,
  ...Array.from(figure.querySelectorAll("svg :is(rect, path, use)"), (mark) => {
    const box = mark.getBoundingClientRect();
    return Math.min(box.width, box.height);
  }))])
"""
# Texts of pictures that lie over each other, or outside of their picture.
CRAMPED = """
Array.from(document.querySelectorAll("figure .wide > svg")).flatMap((picture) => {
  const whole = picture.getBoundingClientRect();
  const boxes = Array.from(picture.querySelectorAll("text"), (text) =>
    [text.textContent, text.getBoundingClientRect()]);
  const out = boxes.filter(([, box]) => box.left < whole.left - 1 || box.right > whole.right + 1);
  const over = boxes.filter(([, one], place) => boxes.slice(place + 1).some(([, other]) =>
    one.left < other.right - 1 && other.left < one.right - 1
      && one.top < other.bottom - 3 && other.top < one.bottom - 3));
  return [...out, ...over].map(([say]) => say);
})
"""


@pytest.fixture(scope="module")
def data() -> ReportData:
    image = build(system())
    guests = {vm: image.folder / "guests" / f"{known['guest']}.elf" for vm, known in image.manifest["vms"].items()}
    return sample(20_000, elves={"vmm": image.elf, **guests})


@pytest.fixture(scope="module")
def page(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("campaign") / "report.html"
    write_report(data, file)
    return file


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def browser(running: Browser, page: Path) -> Browser:
    running.call("Emulation.clearDeviceMetricsOverride")
    running.call("Emulation.setEmulatedMedia", media="", features=[])
    running.call("Page.navigate", url="about:blank")
    seen = running.open(page)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [page.as_uri()]
    return running


def go(browser: Browser, address: str, wanted: str) -> str:
    """Follow an address inside the page; return the text of the drawer when it shows what is wanted."""
    browser.evaluate(f"location.hash = {address!r}")
    return wait(browser, 'document.getElementById("drawer").innerText', wanted)


def wait(browser: Browser, expression: str, wanted: str) -> str:
    end = time.monotonic() + 30
    while wanted not in (text := str(browser.evaluate(expression))):
        assert time.monotonic() < end, text
        time.sleep(0.05)
    return text


def test_page_is_small(page: Path) -> None:
    assert page.stat().st_size < LIMIT


def test_every_figure_is_drawn(browser: Browser) -> None:
    drawn = dict(browser.evaluate(DRAWN))
    assert {"by-stratum", "by-phase", "registers", "memory", "time", "latency", "cost", "escalations"} <= drawn.keys()
    assert min(drawn.values()) > 4, drawn


def test_every_mark_leads_to_as_many_experiments_as_it_says(browser: Browser) -> None:
    assert browser.evaluate('document.querySelectorAll("a[data-n]").length') > 2_000
    assert browser.evaluate(WRONG) == []


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in {Outcome.MASKED, Outcome.NOT_APPLIED}])
def test_an_experiment_is_shown_with_its_fault_and_how_to_repeat_it(
    browser: Browser, data: ReportData, outcome: Outcome
) -> None:
    result = next(result for result in data.results.values() if result.verdict.outcome is outcome)
    text = go(browser, f"#experiment-{result.number}", f"Experiment {result.number}")
    assert f"understudy campaign replay {data.store} {result.number}" in text
    assert outcome in text
    assert result.verdict.why in text
    assert f"{result.history.applied[0].before:#010x} → {result.history.applied[0].after:#010x}" in text
    for record in result.history.faults:
        assert f"{record['pc']:#010x}" in text
        assert str(record["action"]) in text
    if outcome is Outcome.SDC:
        assert "where it first differs" in text


def test_what_is_masked_is_there_on_demand(browser: Browser, data: ReportData) -> None:
    masked = next(result.number for result in data.results.values() if result.verdict.outcome is Outcome.MASKED)
    text = go(browser, f"#experiment-{masked}", f"Experiment {masked}")
    assert f"understudy campaign show {data.store} {masked}" in text
    browser.evaluate('document.querySelector("#filter [value=masked]").click()')
    assert "20,000 experiments" in wait(browser, 'document.getElementById("found").textContent', "experiments")


def test_an_unknown_experiment_is_said_to_be_unknown(browser: Browser) -> None:
    assert "no result" in go(browser, "#experiment-99999", "99999")


def test_search_finds_words_of_all_columns(browser: Browser, data: ReportData) -> None:
    search = 'document.querySelector("#filter [name=text]")'
    browser.evaluate(f"{search}.value = 'sp guest2'; {search}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    wait(browser, 'document.getElementById("found").textContent', "experiments")
    rows = browser.evaluate('Array.from(document.querySelectorAll("#list tbody tr"), (row) => row.innerText)')
    assert rows
    assert all("sp" in row and "guest2" in row and "masked" not in row for row in rows)


def test_the_keyboard_alone_leads_to_an_experiment_and_back(browser: Browser) -> None:
    browser.evaluate('document.querySelector("#registers svg a[tabindex=\\"0\\"]").focus()')
    before = browser.evaluate("document.activeElement.getAttribute('aria-label')")
    for key in ("ArrowRight", "ArrowDown"):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
    here = "document.activeElement.getAttribute('aria-label')"
    mark = browser.evaluate(here)
    assert mark.startswith("r1 bit 30"), (before, mark)
    for kind in ("rawKeyDown", "char", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13
        )
    assert "flip r1 bit 30" in wait(browser, 'document.getElementById("drawer").innerText', "register, r1, bit 30")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
    assert browser.evaluate('document.getElementById("drawer").hidden')
    assert browser.evaluate(here) == mark


def test_the_button_copies_the_replay_command(browser: Browser, data: ReportData) -> None:
    browser.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    number = browser.evaluate('document.querySelector(".uncaught a").textContent')
    browser.evaluate('document.querySelector(".copy").click()')
    assert browser.evaluate("window.copied") == f"understudy campaign replay {data.store} {number}"


@pytest.mark.parametrize("width", [390, 760, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
    assert browser.evaluate(OVERFLOW) <= 0
    go(browser, "#list?kind=register", "register")
    assert browser.evaluate(OVERFLOW) <= 0


def test_no_text_of_a_picture_lies_over_another_or_outside(browser: Browser) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    assert browser.evaluate(CRAMPED) == []


def test_print_fits_a_sheet_and_hides_what_only_a_screen_can(browser: Browser) -> None:
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    browser.call("Emulation.setDeviceMetricsOverride", width=718, height=1000, deviceScaleFactor=1, mobile=False)
    assert browser.evaluate(OVERFLOW) <= 0
    assert browser.evaluate('getComputedStyle(document.querySelector("#filter")).display') == "none"
    assert browser.evaluate('getComputedStyle(document.querySelector("#origin + dl")).display') == "grid"


def test_a_dark_page_has_light_text(browser: Browser) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert (
        browser.evaluate('getComputedStyle(document.querySelector("figure svg text.label")).fill')
        == "rgb(230, 237, 243)"
    )

# SPDX-License-Identifier: Apache-2.0
"""The latency report: every figure drawn, numbers as in the file, gaps and mistakes, nothing from elsewhere."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from understudy.errors import ToolError, UnderstudyError
from understudy.latency import report
from understudy.latency.report import (
    cost,
    data,
    listing,
    page,
    paper,
    recovery,
    rivals,
    scaling,
    summary,
    write_figures,
    write_report,
)
from understudy.page.figure import Figure

SAMPLE = Path(__file__).parent / "data" / "latency_sample.json"
OPTIONAL = [key for key in json.loads(SAMPLE.read_text()) if key not in {"schema", "paths"}]
NONE = "\N{EN DASH}"
SVG = "{http://www.w3.org/2000/svg}"


class Reader(HTMLParser):
    """The figures of a page with their number of marks, and the rows of all tables under their captions."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, int] = {}
        self.tables: dict[tuple[str, str], list[list[str]]] = {}
        self.ids: list[str] = []
        self._figure = self._caption = ""
        self._into: list[str] = []
        self._roles: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if "id" in named:
            self.ids.append(str(named["id"]))
        if tag == "figure":
            self._figure = str(named["id"])
            self.marks[self._figure] = 0
        elif tag == "g":
            self._roles.append("role-mark" in (named.get("class") or ""))
        elif tag == "caption":
            self._into = []
        elif tag == "tr":
            self.tables.setdefault((self._figure, self._caption), []).append([])
        elif tag in {"td", "th"}:
            self._into = []
        if tag in {"path", "line", "rect"} and any(self._roles):
            self.marks[self._figure] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "g":
            self._roles.pop()
        elif tag == "caption":
            self._caption = "".join(self._into)
        elif tag in {"td", "th"}:
            self.tables[self._figure, self._caption][-1].append("".join(self._into))

    def handle_data(self, text: str) -> None:
        self._into.append(text)


def sample() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SAMPLE.read_text())
    return document


def load(document: Any, folder: Path) -> data.Results:
    file = folder / "latency.json"
    file.write_text(json.dumps(document))
    return data.load(file)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("report") / "sub" / "latency.html"
    write_report(SAMPLE, file)
    return file.read_text()


def test_every_figure_has_marks(html: str) -> None:
    marks = read(html).marks
    expected = {
        "vm-switch", "task-switch", "backup-period", "rivals", "crossover", "recovery", "lost-work", "independence",
        "region-size", "overhead", "slowdown", "histograms", "listing-vm-switch-tick-off",
        "listing-vm-switch-tick-undo", "listing-task-switch-off", "listing-task-switch-undo",
    }  # fmt: skip
    assert marks.keys() == expected
    assert {figure for figure, count in marks.items() if count < 2} == set()
    assert "Not in the measurements" not in html


def test_page_is_complete_in_itself(html: str) -> None:
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert set(re.findall(r"https?://[^\"' <]*", html)) <= namespaces
    assert re.findall(r"<script|\bsrc=|@import|url\((?!#)|\bhref=\"(?!#|data:)", html) == []
    ids = read(html).ids
    assert len(ids) == len(set(ids))
    assert all(f'id="{name}"' in html for name in re.findall(r"url\(#([^)]*)\)", html))
    assert "not cycles" in html
    assert "Instructions are not cycles" in html


def test_the_same_measurements_give_the_same_page(html: str, tmp_path: Path) -> None:
    write_report(SAMPLE, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == html


def test_numbers_of_the_summary(html: str) -> None:
    rows = {row[0]: row for row in read(html).tables["", "Instructions (median; minimum to maximum where they differ)"]}
    for path, title in [("vmi_null_call", "VMI null call, round trip"), ("cold_restart", "Cold restart")]:
        for column, mode in enumerate(data.MODES, 2):
            stats = sample()["paths"][path][mode]
            spread = "" if stats["min"] == stats["max"] else f"{stats['min']:,} to {stats['max']:,}"
            assert rows[title][column] == f"{stats['median']:,}{spread}"
    assert rows["VM switch, modelled ARM920T, ns"][2:4] == ["232.5", "255.0"]
    assert rows["First write to an armed page"][2:6] == [NONE, "598", NONE, NONE]
    assert rows["Overhead on the demo system"][3] == "3.21 / 0.40 / 0.09 %at 1 / 10 / 50 ms"
    assert "Xvisor 445" in rows["VMI null call, round trip"][7]


def test_numbers_of_every_path_and_sweep(html: str) -> None:
    tables = read(html).tables
    rows = tables["histograms", "Instructions of every path and mode"][1:]
    for path, modes in sample()["paths"].items():
        for mode, stats in modes.items():
            numbers = [f"{stats[key]:,}" for key in ("min", "median", "max", "count")]
            assert [path, mode, *numbers] in [row[:6] for row in rows]
    shown = [row for (_, caption), table in tables.items() if caption == "Instructions" for row in table]
    for sweep in sample()["sweeps"]:
        if sweep["path"] != "checkpoint_commit" or sweep["x"] != "dirty pages":
            for point in sweep["points"]:
                assert [sweep["title"], sweep["mode"], *(f"{value:,}" for value in point)] in shown


def test_numbers_of_the_listing(html: str) -> None:
    rows = read(html).tables["listing-task-switch-undo", "task_switch, undo: every instruction"][1:]
    lines = sample()["listing"]["task_switch"]["undo"]
    assert [[row[1], row[3], row[6], row[7]] for row in rows] == [
        [f"{line['address']:08x}", line["text"], str(line["count"]), str(line["cycles"])] for line in lines
    ]


def test_phases_of_the_listing() -> None:
    lines = data.load(SAMPLE).listing["vm_switch_tick"]["off"]
    assert [line.phase for line in lines] == ["save"] * 4 + ["switch"] * 11 + ["restore"] * 3


def test_crossover_is_where_the_lines_cross() -> None:
    """Undo: 120 + (598 + 9) n; eager: 9,050 whatever was written; (9,050 - 120) / 607 = 14.7."""
    assert "cheaper one up to 14.7 dirty pages" in recovery.crossover(data.load(SAMPLE)).text


def test_crossover_as_measured(tmp_path: Path) -> None:
    """Whole intervals, where they were measured, are shown instead of sums."""
    document = sample()
    for mode, values in (("undo", [100, 300, 500]), ("eager", [400, 400, 400])):
        points = [[x, value, value, value] for x, value in enumerate(values)]
        document["sweeps"].append(
            {
                "name": "saving",
                "title": "One round",
                "path": "saving",
                "mode": mode,
                "x": "dirty pages",
                "points": points,
            }
        )
    figure = recovery.crossover(load(document, tmp_path))
    assert "One round. The undo log is the cheaper one up to 1.5 dirty pages." in figure.text
    rows = [[cell.text for cell in row.cells] for row in figure.tables[0].rows]
    assert rows[:3] == [["undo log", "0", "100"], ["undo log", "1", "300"], ["undo log", "2", "500"]]
    assert scaling.others(load(document, tmp_path)) is None


def test_several_curves_of_lost_work(tmp_path: Path) -> None:
    document = sample()
    document["lost_work"] = {"task period": [[1, 10, 30]], "VM period": [[1, 20], [2, 40]]}
    rows = [[cell.text for cell in row.cells] for row in recovery.lost_work(load(document, tmp_path)).tables[0].rows]
    assert rows == [["task period", "1", "10; 30"], ["VM period", "1", "20"], ["VM period", "2", "40"]]


@pytest.mark.parametrize(
    ("key", "make"),
    [
        ("paper", paper.vm_switch),
        ("modelled_arm920t_ns", paper.vm_switch),
        ("bare", paper.task_switch),
        ("sweeps", paper.backup_period),
        ("sweeps", recovery.crossover),
        ("sweeps", recovery.recovery_cost),
        ("sweeps", scaling.independence),
        ("sweeps", scaling.region_size),
        ("lost_work", recovery.lost_work),
        ("overhead_percent", cost.overhead),
        ("compute", cost.slowdown),
        ("rivals", rivals.rivals),
        ("listing", lambda results: listing.listings(results)[0]),
    ],
)
def test_a_figure_says_what_is_missing(key: str, make: Callable[[data.Results], Figure], tmp_path: Path) -> None:
    document = sample()
    assert make(load(document, tmp_path)).missing == ()
    del document[key]
    figure = make(load(document, tmp_path))
    assert any(missing.startswith(key) for missing in figure.missing)
    shares_its_picture = key in {"paper", "modelled_arm920t_ns", "bare"}
    assert bool(figure.pictures) == shares_its_picture


def test_a_file_with_nothing_but_paths(tmp_path: Path) -> None:
    text = page.page(load({key: value for key, value in sample().items() if key not in OPTIONAL}, tmp_path))
    drawn = {figure for figure, marks in read(text).marks.items() if marks}
    assert drawn == {"vm-switch", "task-switch", "histograms"}
    assert "Not in the measurements" in text


def test_a_file_with_nothing_but_the_schema(tmp_path: Path) -> None:
    results = load({"schema": 1, "paths": {}}, tmp_path)
    text = page.page(results)
    assert set(read(text).marks.values()) == {0}
    assert "<svg" not in text
    assert write_figures(tmp_path / "latency.json", tmp_path / "pictures") == []


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("schema",), 2, "schema must be 1, the schema that this report reads, not a number (2)"),
        (("schema",), None, "schema is missing"),
        (("paths",), None, "paths is missing"),
        (("paths",), [], "paths must be an object, not an array"),
        (("paths", "task_switch", "off", "median"), "x", "task_switch.off.median must be a whole number, 0 or more"),
        (("paths", "task_switch", "off", "median"), True, "0 or more, not true or false (true)"),
        (("paths", "task_switch", "off", "min"), 10**6, "paths.task_switch.off.median must be between min 1000000"),
        (("paths", "task_switch", "off", "max"), None, "paths.task_switch.off.max is missing"),
        (("paths", "task_switch", "off", "histogram"), [[1]], "off.histogram[0] must be an array of 2"),
        (("paths", "task_switch", "off", "split", "save"), None, "paths.task_switch.off.split.save is missing"),
        (("modelled_arm920t_ns", "vm_switch", "off"), float("nan"), "vm_switch.off must be a finite number"),
        (("sweeps", 3, "points", 0), [1, 2, 3], "sweeps[3].points[0] must be an array of 4 elements"),
        (("sweeps", 3, "points"), [], "sweeps[3].points must be an array of at least 1 elements"),
        (("lost_work", 0), [1], "lost_work[0] must be an array of at least 2"),
        (("listing", "task_switch", "off", 2, "symbol"), 7, "listing.task_switch.off[2].symbol must be a string"),
        (("overhead_percent",), 3, "overhead_percent must be an object, not a number (3)"),
        (("rivals", 0, "instructions"), 1.5, "rivals[0].instructions must be a whole number"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named(where: tuple[Any, ...], value: Any, said: str, tmp_path: Path) -> None:
    document = deepcopy(sample())
    inner: Any = document
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    with pytest.raises(UnderstudyError) as error:
        load(document, tmp_path)
    assert said in str(error.value)
    assert "latency.json" in str(error.value)
    assert "make latency" in str(error.value)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(UnderstudyError, match=r"absent\.json: No such file.*make latency"):
        write_report(tmp_path / "absent.json", tmp_path / "x.html")
    (tmp_path / "broken.json").write_text('{"schema": 1,')
    with pytest.raises(UnderstudyError, match=r"broken\.json: not JSON"):
        write_report(tmp_path / "broken.json", tmp_path / "x.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnderstudyError, match="file"):
        write_report(SAMPLE, tmp_path / "file" / "x.html")


def test_no_chart_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="altair")

    monkeypatch.setattr(report.importlib, "import_module", absent)
    with pytest.raises(ToolError, match=r"'altair': install with pip install"):
        write_report(SAMPLE, tmp_path / "x.html")


def test_text_of_the_file_is_not_markup(tmp_path: Path) -> None:
    document = sample()
    document["note"] = "<script>note</script>"
    document["rivals"][0]["system"] = "<b>&rival"
    document["listing"]["task_switch"]["off"][0]["text"] = "<i>mov"
    text = page.page(load(document, tmp_path))
    assert not re.search(r"<script|<b>|<i>", text)


def verdicts(document: dict[str, Any], folder: Path) -> dict[str, str]:
    return {row.cells[0].text: row.cells[6].text for row in summary.summary(load(document, folder)).rows}


def test_verdicts(tmp_path: Path) -> None:
    document = sample()
    document["paths"]["vm_switch_tick"] = {
        mode: {"min": 70, "median": 70, "max": high, "count": 9} for mode, high in (("off", 100), ("undo", 110))
    }
    document["modelled_arm920t_ns"]["vm_switch"]["off"] = 240.0
    sweep = next(sweep for sweep in document["sweeps"] if sweep["name"] == "task-rollback")
    sweep["points"] = [[0, 300, 300, 300], [4, 340, 340, 343]]
    said = verdicts(document, tmp_path)
    assert said["VM switch by tick"] == "within"
    assert said["VM switch, modelled ARM920T, ns"] == "off: not below 240"
    assert said["Task rollback"] == "3 over at 4 pages"
    assert said["Cold restart"] == ""
    document["paths"]["vm_switch_tick"]["off"]["max"] = 111
    document["paths"]["vm_switch_tick"]["undo"]["max"] = 123
    assert verdicts(document, tmp_path)["VM switch by tick"] == "off: 1 over; undo: 0.9 over"


def test_figures_of_the_documentation(tmp_path: Path) -> None:
    written = write_figures(SAMPLE, tmp_path)
    assert [file.name for file in written] == ["vm-switch.svg", "task-switch.svg"]
    for file in written:
        root = ET.parse(file).getroot()  # noqa: S314 - our own file
        said = {mark.get("aria-label") for mark in root.iter(f"{SVG}path")}
        switch = "160" if file.name.startswith("vm") else "100"
        assert f"paper, without fault tolerance, switch: {switch}" in said
        assert "prefers-color-scheme: dark" in file.read_text()
        assert "modelled" in file.read_text()
    assert "same RTOS, bare board, no protection: 72" in written[1].read_text()

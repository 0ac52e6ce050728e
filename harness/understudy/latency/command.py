# SPDX-License-Identifier: Apache-2.0
"""The command `understudy latency`: measure, write the results, compare with the budgets."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from understudy import paths
from understudy.latency.annotate import by_function, of_path
from understudy.latency.budget import WORST, Budgets, Finding, changes, with_functions
from understudy.latency.measure import measure
from understudy.latency.report import write_figures, write_report
from understudy.latency.results import COMMIT, Campaign, run, stages
from understudy.latency.scenarios.overhead import overhead
from understudy.latency.scenarios.paths import PATHS, scenarios
from understudy.latency.scenarios.scenario import Key
from understudy.latency.scenarios.systems import Mode
from understudy.latency.statistics import LatencyError, Statistics

RESULTS = "latency.json"
PAGE = "latency.html"
OVERHEAD = "overhead"
"""Not a path, but can be measured by its name, too."""
_RECORDED = ("vm_switch_tick", "task_switch", "vmi_null_call", "first_write", "task_rollback", "vm_rollback")


def run_latency(
    console: Console,
    names: Sequence[str],
    *,
    quick: bool,
    output: Path | None,
    html: bool,
    record: bool,
    figures: Path | None = None,
) -> bool:
    """Measure, write what was found, and show it.

    Args:
        console: for progress and tables.
        names: paths to measure, or "overhead"; none: everything, with sweeps and report.
        quick: few repetitions, no sweeps.
        output: folder for the results; default: build/results.
        html: whether to write the page, too.
        record: whether to store in budgets.toml which functions the instructions are in now.
        figures: folder for the two main figures, none: they are not drawn; only when everything is measured.

    Returns:
        Whether no budget is exceeded and everything was the same twice.

    Raises:
        UnderstudyError: something could not be measured.

    """
    budgets = Budgets.load()
    campaign = _some(console, names, quick=quick) if names else _all(console, quick=quick)
    if not names:
        _write(console, campaign.results, output or paths.build_folder() / "results", html=html)
        if figures:
            write_figures((output or paths.build_folder() / "results") / RESULTS, figures)
    findings = budgets.check(campaign.results)
    console.print(_table(campaign.results, findings))
    if not names or OVERHEAD in names:
        console.print(_others(campaign.results, findings))
    for line in _overhead_lines(campaign.results):
        console.print(line, highlight=False)
    for line in campaign.unequal:
        console.print(f"[red]not the same twice:[/] {line}")
    exceeded = [finding for finding in findings if finding.exceeded]
    for finding in exceeded:
        _explain(console, finding, budgets)
    if record:
        _record(console)
    return not exceeded and not campaign.unequal


def _all(console: Console, *, quick: bool) -> Campaign:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sum(len(made) for made in stages(quick)))
        return run(
            quick=quick,
            progress=lambda: progress.advance(task),
            stage=lambda name: progress.update(task, description=f"{name:30}"),
        )


def _some(console: Console, names: Sequence[str], *, quick: bool) -> Campaign:
    """Measure only these paths; a checkpoint needs the plain switch to compare with."""
    unknown = [name for name in names if name not in {*PATHS, OVERHEAD}]
    if unknown:
        raise LatencyError(f"no path named {unknown[0]!r}; known: {', '.join(PATHS)}, {OVERHEAD}")
    wanted = {*names, *(["vm_switch_yield"] if COMMIT in names else [])}
    made = [s for s in scenarios() if any(probe.key.name in wanted for probe in s.probes)]
    with console.status("measuring"):
        found = measure(made, quick=quick)
    off = found.series.get(Key("vm_switch_yield", Mode.OFF), [0])
    table: dict[str, dict[str, Any]] = {}
    for key, values in found.series.items():
        own = [value - max(off) for value in values] if key.name == COMMIT else values
        if key.name in names:
            table.setdefault(key.name, {})[str(key.mode)] = Statistics.of(own).as_json()
    results: dict[str, Any] = {"paths": table}
    unequal = list(found.unequal)
    if OVERHEAD in names:
        with console.status(OVERHEAD):
            results["overhead_percent"], results["overhead_detail"], differ = overhead(quick=quick)
        unequal += differ
    return Campaign(results, unequal)


def _write(console: Console, results: dict[str, Any], folder: Path, *, html: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / RESULTS
    written.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    console.print(f"wrote {written}")
    if html:
        write_report(written, folder / PAGE)
        console.print(f"wrote {folder / PAGE}")


def _table(results: dict[str, Any], findings: Sequence[Finding]) -> Table:
    """One line for each path; the budgets of its modes behind it."""
    table = Table(title="instructions: median (minimum to maximum)", show_edge=False)
    table.add_column("path", no_wrap=True)
    for name in (*map(str, Mode), "budget", ""):
        table.add_column(name, justify="right")
    for path, modes in results["paths"].items():
        own = [finding for finding in findings if finding.name.removesuffix(WORST) == path]
        limits = ", ".join(f"{finding.mode} {finding.budget:g}" for finding in own)
        table.add_row(path, *(_cell(modes.get(mode)) for mode in Mode), limits, _verdict(own))
    return table


def _others(results: dict[str, Any], findings: Sequence[Finding]) -> Table:
    """One line for each budget that is not for a path alone."""
    table = Table("what", "mode", "value", "budget", "", show_edge=False)
    for finding in findings:
        if finding.name.removesuffix(WORST) not in results["paths"]:
            values = f"{finding.value:g} {finding.unit}", f"{finding.budget:g}"
            table.add_row(finding.name, finding.mode, *values, _verdict([finding]))
    return table


def _overhead_lines(results: dict[str, Any]) -> list[str]:
    """Say what share of the processor fault tolerance takes, by tick, and with longer backup periods."""
    lines = []
    for tick, percent in results.get("overhead_percent", {}).items():
        lines.append(f"overhead at a tick of {tick}: {percent:.2f} %")
        for vm_period, task_period, less in results["overhead_detail"][tick].get("periods", []):
            lines.append(f"  with vm_period {vm_period}, task_period {task_period}: {less:.2f} %")
    return lines


def _cell(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return ""
    low, middle, high = entry["min"], entry["median"], entry["max"]
    return f"{middle}" if low == high else f"{middle} ({low} to {high})"


def _verdict(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    return "[red]exceeded[/]" if any(finding.exceeded for finding in findings) else "[green]ok[/]"


def _explain(console: Console, finding: Finding, budgets: Budgets) -> None:
    """Say by how much a budget is exceeded, and in which functions the instructions are."""
    console.print(f"[red]exceeded:[/] {finding}")
    for line in explanation(finding, budgets):
        console.print(f"    {line}", highlight=False)


def explanation(finding: Finding, budgets: Budgets) -> list[str]:
    """Return the functions that a path which exceeds its budget runs through, and what changed; may be empty."""
    path = finding.name.removesuffix(WORST)
    if path not in PATHS:
        return []
    mode = Mode(finding.mode)
    longest = finding.name != path or mode not in budgets.worst_case.get(path, {})
    counts = by_function(of_path(scenarios((mode,)), path, mode, longest=longest))
    return changes(budgets.functions.get(path, {}).get(mode, {}), counts)


def _record(console: Console) -> None:
    made = scenarios((Mode.OFF, Mode.UNDO))
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for scenario in made:
        for probe in scenario.probes:
            if probe.key.name in _RECORDED:
                traced = of_path(made, probe.key.name, probe.key.mode)
                counts.setdefault(probe.key.name, {})[probe.key.mode] = by_function(traced)
    file = paths.root() / "budgets.toml"
    file.write_text(with_functions(file.read_text(encoding="utf-8"), counts), encoding="utf-8")
    console.print(f"recorded the functions of {len(counts)} paths in {file.name}")

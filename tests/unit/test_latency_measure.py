# SPDX-License-Identifier: Apache-2.0
"""What is measured, how it is summarised, and how it is compared with the budgets; nothing runs here."""

import pytest
from rich.console import Console
from understudy.config.load import load_system
from understudy.errors import ConfigError
from understudy.latency import command
from understudy.latency.budget import Budgets, changes, with_functions
from understudy.latency.scenarios import select
from understudy.latency.scenarios.paths import PATHS, scenarios
from understudy.latency.scenarios.scenario import Key
from understudy.latency.scenarios.sweeps import SWEEPS, lost_work
from understudy.latency.scenarios.systems import KERNEL as SOURCE
from understudy.latency.scenarios.systems import Mode, task_number, task_page
from understudy.latency.statistics import LatencyError, Statistics, differences
from understudy.latency.visits import NOWHERE, Visit

A, B = 0x00301000, 0x00302000  # code of the tasks of VMs 1 and 2
OTHER_TASK = 0x00401000
KERNEL = 0x00100200
SHARED = 0x00200040


def visit(vector, came_from, went_to, *, start=0, length=10, marks=()):
    return Visit(start=start, vector=vector, length=length, came_from=came_from, went_to=went_to, marks=marks)


def totals(chosen, *visits):
    return [passage.total for passage in chosen(visits)]


# Statistics


def test_statistics_of_an_even_number_of_values():
    found = Statistics.of([5, 3, 9, 3])
    assert (found.minimum, found.median, found.maximum, found.count) == (3, 3, 9, 4)
    assert found.as_json() == {"min": 3, "median": 3, "max": 9, "count": 4, "histogram": [[3, 2], [5, 1], [9, 1]]}


def test_differences_between_two_lives():
    # R41: a difference is an error
    assert differences([1, 2], [1, 2]) is None
    assert differences([1, 2], [1, 3]) == ("repetition 1: 2 instructions in one life of the machine, 3 in the other")
    assert "2 repetitions in one life" in differences([1, 2], [1])


# Selection of visits


def test_addresses_tell_vm_and_task():
    assert (task_page(A), task_page(B), task_page(OTHER_TASK)) == (1, 2, 1)
    assert (task_number(A), task_number(OTHER_TASK)) == (0, 1)
    assert [task_page(address) for address in (KERNEL, SHARED, NOWHERE)] == [None, None, None]


def test_vm_switch_is_a_visit_between_tasks_of_two_vms():
    chosen = select.between_vms("irq")
    assert totals(chosen, visit("irq", A, B, length=77)) == [77]
    assert (
        totals(chosen, visit("irq", A, A), visit("call", A, B), visit("irq", KERNEL, B), visit("irq", A, NOWHERE)) == []
    )
    assert totals(select.between_vms("irq", leaves=2), visit("irq", A, B), visit("irq", B, A, length=5)) == [5]


def test_task_switch_contains_the_instructions_of_the_kernel():
    # R7 R43
    call = visit("call", A, select.VECTOR_CALL, start=100, length=30)
    switch = visit("call", KERNEL, OTHER_TASK, start=140, length=40)  # the kernel executed 10
    (passage,) = select.task_call_switch()([call, switch])
    assert (passage.total, passage.inside) == (80, 70)
    assert totals(select.kernel_names_task(), call, switch) == [40]


def test_an_interrupt_makes_a_task_switch_worthless():
    call = visit("call", A, select.VECTOR_CALL)
    switch = visit("call", KERNEL, OTHER_TASK)
    assert totals(select.task_call_switch(), call, visit("irq", KERNEL, KERNEL), switch) == []


def test_first_write_comes_back_and_recovery_does_not():
    write = visit("data", A + 8, A + 8, length=400)
    fault = visit("data", A + 8, A, length=300)
    unknown = visit("data", NOWHERE, A, length=1)
    assert totals(select.first_write(), write, fault, unknown) == [400]
    assert totals(select.recovery(), write, fault, unknown) == [300]
    assert totals(select.task_recovery(), fault, visit("undefined", A, 0x100000)) == [300]


def test_interrupt_delivery_ends_at_the_vector_of_the_kernel():
    assert totals(select.virtual_interrupt(), visit("irq", A, select.VECTOR_IRQ, length=8), visit("irq", A, A)) == [8]
    assert totals(select.waking(), visit("irq", A, KERNEL, length=9), visit("irq", A, select.VECTOR_IRQ)) == [9]


def test_halves_of_the_rtos_are_told_apart_by_their_call():
    wait, give = SHARED, SHARED + 0x100
    visits = [
        visit("call", origin, address, start=start, length=length)
        for start, (origin, address, length) in enumerate(
            [
                (wait, select.VECTOR_CALL, 1),
                (KERNEL, OTHER_TASK, 10),
                (give, select.VECTOR_CALL, 1),
                (KERNEL, wait + 4, 20),
                (give, select.VECTOR_CALL, 1),
                (KERNEL, give + 4, 30),  # goes on with the caller: no switch
            ]
        )
    ]
    assert totals(select.rtos_half(first=True), *visits) == [11]
    assert totals(select.rtos_half(first=False), *visits) == [21]


def test_round_collects_faults_and_the_yield():
    visits = [visit("data", A, A, start=0, length=5), visit("irq", B, A), visit("call", A, B, start=50, length=7)]
    (passage,) = select.Round(1)(visits)
    assert passage.inside == 12


def test_split_at_the_trace_points():
    # R41: save, select and switch, restore
    one = visit("irq", A, B, length=100, marks=(("trace_saved_irq", 10), ("trace_restore_switch", 85)))
    (passage,) = select.between_vms("irq")([one])
    assert passage.split == (10, 75, 15)
    (plain,) = select.between_vms("irq")([visit("irq", A, B)])
    assert plain.split is None


# Scenarios


def test_every_path_is_measured_and_every_system_is_valid():
    # R24 R42 R43 R44
    made = [*scenarios(), *(s for sweep in SWEEPS for s in sweep.scenarios()), *lost_work()]
    found = {probe.key for scenario in made for probe in scenario.probes}
    assert {key.name for key in found if key.x is None} == set(PATHS) - {"saving"}
    for scenario in made:
        load_system(scenario.system)
    systems = {scenario.system["system"]["name"]: scenario.system for scenario in made}
    assert all(systems[scenario.system["system"]["name"]] == scenario.system for scenario in made)


def test_modes_in_which_a_path_does_not_exist():
    keys = {probe.key for scenario in scenarios() for probe in scenario.probes}
    for path in ("task_rollback", "vm_rollback", "older_generation", "take_over", "checkpoint_commit"):
        assert Key(path, Mode.OFF) not in keys
        assert Key(path, Mode.FULL) in keys
    assert [key.mode for key in keys if key.name == "first_write"] == [Mode.UNDO]


def test_pair_has_a_manager_that_starts_the_standby_again():
    """# D5 After each take-over the old primary is stopped."""
    (system,) = [s.system for s in scenarios([Mode.UNDO]) if s.probes[0].key.name == "take_over"]
    loaded, _ = load_system(system)
    assert (loaded.vm["vm2"].standby_for, loaded.vm["vm2"].guest) == ("vm1", loaded.vm["vm1"].guest)
    assert system["guest"]["vm0"]["templates"][SOURCE]["starts"] == list(loaded.vm).index("vm2")


def test_overhead_is_shown_by_tick_and_period(monkeypatch, capsys):
    """# R44 By its name it is measured alone."""
    detail = {"10ms": {"periods": [[5, 1, 1.234]]}, "1ms": {}}
    monkeypatch.setattr(command, "overhead", lambda quick: ({"1ms": 2.0, "10ms": 2.1}, detail, []))
    assert command.run_latency(Console(width=100), ["overhead"], quick=True, output=None, html=False, record=False)
    shown = capsys.readouterr().out
    assert "overhead at a tick of 10ms: 2.10 %\n  with vm_period 5, task_period 1: 1.23 %" in shown
    with pytest.raises(LatencyError, match="no path named 'overheads'"):
        command.run_latency(Console(), ["overheads"], quick=True, output=None, html=False, record=False)


# Budgets

BUDGETS = """
[paths.vm_switch_tick]
off = 100
undo = "+10%"
[paths.task_rollback]
undo = 300
[per_dirty_page.task_rollback]
undo = 10
[modelled_arm920t_ns.vm_switch]
off = 240
[overhead_percent]
10ms = 1.0
"""


def stats(value):
    return {"min": value - 1, "median": value, "max": value}


def exceeded(**results):
    return [finding for finding in Budgets.parse(BUDGETS).check(results) if finding.exceeded]


def test_budget_is_for_the_longest_repetition():
    assert exceeded(paths={"vm_switch_tick": {"off": stats(100)}}) == []
    (finding,) = exceeded(paths={"vm_switch_tick": {"off": stats(107)}})
    assert str(finding) == "vm_switch_tick (off): 107 instructions, 7 above the budget of 100"


def test_worst_case_has_a_budget_of_its_own():
    budgets = Budgets.parse("[paths.vm_switch_tick]\noff = 100\n[worst_case.vm_switch_tick]\noff = 300")
    measured = {"min": 50, "median": 60, "max": 301}
    worst, normal = budgets.check({"paths": {"vm_switch_tick": {"off": measured}}})
    assert (normal.value, normal.exceeded) == (60, False)
    assert str(worst) == "vm_switch_tick at worst (off): 301 instructions, 1 above the budget of 300"


def test_budget_relative_to_fault_tolerance_off():
    assert exceeded(paths={"vm_switch_tick": {"off": stats(80) | {"max": 99}, "undo": stats(88)}}) == []
    (finding,) = exceeded(paths={"vm_switch_tick": {"off": stats(80), "undo": stats(89)}})
    assert (finding.mode, finding.budget) == ("undo", 88)


def test_budget_with_dirty_pages():
    def sweep(*points):
        return {
            "path": "task_rollback",
            "mode": "undo",
            "x": "dirty pages",
            "points": [list(point) for point in points],
        }

    assert exceeded(sweeps=[sweep((0, 1, 1, 300), (64, 1, 1, 940))]) == []
    (finding,) = exceeded(sweeps=[sweep((0, 1, 1, 299), (8, 1, 1, 381), (64, 1, 1, 930))])
    assert (finding.name, finding.value, finding.budget) == ("task_rollback with 8 dirty pages", 381, 380)
    assert exceeded(paths={"task_rollback": {"undo": stats(310)}}) == []  # measured with one page
    assert len(exceeded(paths={"task_rollback": {"undo": stats(311)}})) == 1


def test_other_budgets():
    (finding,) = exceeded(modelled_arm920t_ns={"vm_switch": {"off": 241.5}}, overhead_percent={"10ms": 0.9, "1ms": 9})
    assert str(finding) == "modelled vm_switch (off): 241.5 ns (modelled), 1.5 above the budget of 240"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[paths.vm_switch_tic]\noff = 1", "paths.vm_switch_tic: unknown path; known: vm_switch_tick"),
        ("[paths.vm_switch_tick]\nof = 1", "paths.vm_switch_tick.of: unknown mode; known: off, undo, eager, full"),
        ('[paths.vm_switch_tick]\noff = "10"', "paths.vm_switch_tick.off: '10': must be instructions"),
        ("[path.vm_switch_tick]\noff = 1", "unknown section [path]; known: paths"),
        ("paths = 3", "paths: must be a table"),
        ("[paths]\nvm_switch_tick = 3", "paths.vm_switch_tick: must be a table with a value for each mode"),
        ('[overhead_percent]\n1ms = "x"', "overhead_percent.1ms: 'x': must be a number"),
        ("[paths", "not valid TOML"),
    ],
)
def test_wrong_budgets_are_refused(text, problem):
    with pytest.raises(ConfigError, match=r"budgets\.toml: ") as error:
        Budgets.parse(text)
    assert problem in str(error.value)


def test_budgets_of_the_repository_are_valid():
    assert Budgets.load().paths["vm_switch_tick"]["off"] <= 110


def test_changes_name_the_functions():
    lines = changes({"tick": 30, "gone": 4}, {"tick": 33, "new": 50, "same": 1, "resume": 6} | {"gone2": 0})
    assert lines[0] == "    50 new  +50 since the budget"
    assert "    33 tick  +3 since the budget" in lines
    assert "     0 gone  -4 since the budget" in lines
    assert changes({}, {"tick": 33}) == ["    33 tick"]


def test_recorded_functions_replace_the_old_ones():
    text = with_functions(BUDGETS, {"vm_switch_tick": {"off": {"tick": 30}}})
    text = with_functions(text, {"vm_switch_tick": {"off": {"tick": 31}}})
    budgets = Budgets.parse(text)
    assert budgets.functions == {"vm_switch_tick": {"off": {"tick": 31}}}
    assert budgets.paths == Budgets.parse(BUDGETS).paths

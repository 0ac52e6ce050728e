# SPDX-License-Identifier: Apache-2.0
"""Which visits to the VMM make up a path. Each function returns lengths in instructions, in the order of time.

A *passage* goes through several visits: from a vector of the VMM to the first instruction of another task, with the
guest kernel's own instructions between the visits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from attrs import field, frozen

from understudy.config.model import KERNEL_BASE, SHARED_BASE, WINDOW
from understudy.latency.scenarios.systems import task_number, task_page
from understudy.latency.visits import NOWHERE, Visit

Test = Callable[[Visit], bool]
VECTOR_CALL = KERNEL_BASE + 0x08
VECTOR_IRQ = KERNEL_BASE + 0x18


class Split(NamedTuple):
    """Instructions to save the registers of who is left, to select and switch, to restore the registers of who runs."""

    save: int
    switch: int
    restore: int


@frozen
class Passage:
    """Visits that belong together; the guest kernel ran between them."""

    visits: tuple[Visit, ...]

    @property
    def total(self) -> int:
        """Instructions from the first vector to the instruction before the task's first one, the kernel's included."""
        last = self.visits[-1]
        return last.start + last.length - self.visits[0].start

    @property
    def inside(self) -> int:
        """Those of them that the VMM executed."""
        return sum(visit.length for visit in self.visits)

    @property
    def split(self) -> Split | None:
        """Where the instructions are; None: a visit did not pass the trace points of the VMM.

        What lies between two visits, in the guest kernel, counts as part of the switch.
        """
        parts = [_split(visit) for visit in self.visits]
        if None in parts:
            return None
        save = sum(part[0] for part in parts if part)
        restore = sum(part[1] for part in parts if part)
        return Split(save, self.total - save - restore, restore)


def _split(visit: Visit) -> tuple[int, int] | None:
    """Instructions before the first trace point for "saved", and from the last one for "restore" on."""
    saved = [executed for name, executed in visit.marks if name.startswith("trace_saved")]
    restore = [executed for name, executed in visit.marks if name.startswith("trace_restore")]
    return (saved[0], visit.length - restore[-1]) if saved and restore else None


@frozen
class Single:
    """Visits that are a path on their own."""

    test: Test

    def __call__(self, visits: Sequence[Visit]) -> list[Passage]:
        """Return the matching visits."""
        return [Passage((visit,)) for visit in visits if self.test(visit)]


@frozen
class Through:
    """Passages through the guest kernel: they begin with `begins` and end with the next visit that `ends` accepts.

    A visit that `breaks` accepts makes the passage worthless, for instance because another VM came between.
    """

    begins: Test
    ends: Test
    breaks: Test = field(default=lambda visit: False)

    def __call__(self, visits: Sequence[Visit]) -> list[Passage]:
        """Return the complete passages."""
        return list(self._passages(visits))

    def _passages(self, visits: Iterable[Visit]) -> Iterator[Passage]:
        open_: list[Visit] = []
        for visit in visits:
            if self.breaks(visit):
                open_ = []
            elif open_ or self.begins(visit):
                open_.append(visit)
                if self.ends(visit):
                    yield Passage(tuple(open_))
                    open_ = []


def between_vms(vector: str, leaves: int | None = None) -> Single:
    """Visits from a task of one VM (number `leaves`, if given) through this vector to a task of another VM."""

    def test(visit: Visit) -> bool:
        source, target = task_page(visit.came_from), task_page(visit.went_to)
        return visit.vector == vector and None not in (source, target) and source != target and leaves in (None, source)

    return Single(test)


def slice_end() -> Single:
    """Ticks that end the slice of VM 1, which goes on because there is no other VM."""
    return Single(lambda visit: visit.vector == "irq" and task_page(visit.came_from) == task_page(visit.went_to) == 1)


def same_task_call() -> Single:
    """Calls that came from a task and went back behind the SVC."""
    return Single(lambda visit: visit.vector == "call" and visit.went_to == visit.came_from + 4)


def virtual_interrupt() -> Single:
    """Physical interrupts that came from a task and went to the interrupt vector of its kernel."""
    return Single(
        lambda visit: visit.vector == "irq" and task_page(visit.came_from) is not None and visit.went_to == VECTOR_IRQ
    )


def waking() -> Single:
    """Physical interrupts that came from a task of another VM and went behind the VMI_WAIT of a guest kernel."""
    return Single(
        lambda visit: (
            visit.vector == "irq"
            and task_page(visit.came_from) is not None
            and KERNEL_BASE <= visit.went_to < SHARED_BASE
            and visit.went_to != VECTOR_IRQ
        )
    )


def first_write() -> Single:
    """Data aborts after which the same instruction ran again."""
    return Single(lambda visit: visit.vector == "data" and visit.came_from == visit.went_to)


def recovery() -> Single:
    """Faults: the exceptions that went somewhere else."""
    return Single(
        lambda visit: (
            visit.vector in {"data", "undefined"}
            and visit.came_from not in {visit.went_to, NOWHERE}
            and visit.went_to != NOWHERE
        )
    )


def task_recovery() -> Single:
    """Faults of a task after which the task went on."""
    fault = recovery().test
    return Single(lambda visit: fault(visit) and task_number(visit.went_to) is not None)


def task_call_switch() -> Through:
    """From a task's guest call, through its kernel, to another task."""
    return Through(
        begins=lambda visit: (
            visit.vector == "call" and task_page(visit.came_from) is not None and visit.went_to == VECTOR_CALL
        ),
        ends=lambda visit: task_page(visit.went_to) is not None,
        breaks=lambda visit: visit.vector == "irq" or visit.went_to == NOWHERE,
    )


def kernel_names_task() -> Single:
    """The guest kernel's VMI_TASK_SWITCH alone: from its SVC to the first instruction of the task."""
    return Single(
        lambda visit: (
            visit.vector == "call"
            and KERNEL_BASE <= visit.came_from < SHARED_BASE
            and task_page(visit.went_to) is not None
        )
    )


def rtos_call_switch() -> Through:
    """Guest calls of the RTOS, whose tasks make them in code that they share; also those that do not switch."""
    return Through(
        begins=lambda visit: visit.vector == "call" and visit.went_to == VECTOR_CALL,
        ends=lambda visit: visit.went_to >= SHARED_BASE,
        breaks=lambda visit: visit.vector == "irq" or visit.went_to == NOWHERE,
    )


def rtos_tick_switch(spinner: int) -> Through:
    """From the timer interrupt in task `spinner` to the task that slept until it, which wakes in the shared code."""
    return Through(
        begins=lambda visit: visit.vector == "irq" and task_number(visit.came_from) == spinner,
        ends=lambda visit: SHARED_BASE <= visit.went_to < SHARED_BASE + WINDOW,
        breaks=lambda visit: task_number(visit.went_to) == spinner,
    )


def rtos_half(first: bool) -> Callable[[Sequence[Visit]], list[Passage]]:
    """Of two tasks that take turns, the switches of the one that makes the first one, or those of the other."""
    switch = rtos_call_switch()

    def chosen(visits: Sequence[Visit]) -> list[Passage]:
        passages = [p for p in switch(visits) if p.visits[-1].went_to != p.visits[0].came_from + 4]
        return [p for p in passages if (p.visits[0].came_from == passages[0].visits[0].came_from) == first]

    return chosen


@frozen
class Round:
    """What the VMM does for VM `number` from one of its VMI_YIELDs to the next: its faults, and the switch."""

    number: int

    def __call__(self, visits: Sequence[Visit]) -> list[Passage]:
        """Return the visits of each round."""
        rounds: list[Passage] = []
        collected: list[Visit] = []
        for visit in visits:
            if task_page(visit.came_from) == self.number and visit.vector in {"data", "call"}:
                collected.append(visit)
                if visit.vector == "call":
                    rounds.append(Passage(tuple(collected)))
                    collected = []
        return rounds

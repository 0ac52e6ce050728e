# SPDX-License-Identifier: Apache-2.0
"""A VMM that fails at a chosen instruction of one of its functions, again and again on one machine (R31)."""

import time

from attrs import field, frozen
from understudy.errors import TargetTimeout
from understudy.target import Fault, Gdb, Target

from . import machine, oracle, snapshots, systems
from .test_vmm_fault import jump_wild

LONGEST = 5_000  # instructions of a function, with all that it calls
CALLS = 20  # in which an instruction must be reached, or another call is traced
TRACES = 10
WINDOW_MS = 5  # a second fault of the VMM within it would stop the system
GO_ON_MS, SECONDS = 2_000.0, 60.0  # in virtual and, as last guard, in real time
LINES = 2  # that each VM must print after each fault, at least
FAILING = ("tasks", "whole")
SEEN = ("healthy1", *FAILING)  # VMs with UARTs
KEPT = (*systems.HEALTHY, *FAILING)


def description() -> systems.Data:
    """The healthy guests, one whose task is rolled back in each iteration, and one that is rolled back as a whole."""

    def failing(*, mutex: bool) -> systems.Data:
        task = systems.faulty(0, "null_write", times=systems.FOR_EVER, burst=1, mutex=mutex)
        return systems.faulty_guest(task, systems.worker())

    vms = systems.healthy_vms()
    del vms["healthy2"]["uart"]
    for number, vm in enumerate(FAILING):
        vms[vm] = systems.vm(vm, uart=2 + number, recovery=systems.GENEROUS, slice_ticks=systems.LONG_SLICE)
    guests = {"tasks": failing(mutex=False), "whole": failing(mutex=True)}
    return systems.system("test-aborts", guests, vms, vmm_fault="restart", vmm_window_ms=WINDOW_MS)


@frozen
class Place:
    """An instruction of a call, which was executed `before` times in the same call already."""

    pc: int
    before: int


def places(executed: list[int]) -> list[Place]:
    """The places of a call that executed the instructions at these addresses."""
    visits: dict[int, int] = {}
    found = []
    for pc in executed:
        before = visits.setdefault(pc, 0)
        visits[pc] += 1
        found.append(Place(pc, before))
    return found


@frozen
class Series:
    """Aborts in one function of the VMM while it works for one VM. GDB stays attached: to start it takes long."""

    target: Target
    gdb: Gdb
    function: str
    vm: str
    valid: set[Place] = field(factory=set)

    def enter(self) -> int:
        """Run until the function is called for the VM; return where it will return to."""
        number = snapshots.break_for(self.gdb, self.target, self.function, self.vm)
        self.gdb.resume()
        self.gdb.delete(number)
        return self.gdb.registers()["lr"]

    def trace(self) -> list[Place]:
        """Step through one call."""
        end = self.enter()
        executed = [self.target.memory.address(self.function)]
        while (pc := self.gdb.step().pc) != end:
            executed.append(pc)
            assert len(executed) < LONGEST, f"{self.function} does not end"
        return places(executed)

    def reach(self, place: Place) -> bool:
        """Run until a call comes to the place, with its instruction not yet executed; false if none does."""
        for _ in range(CALLS):
            end = self.gdb.break_at(self.enter())
            here = self.target.memory.address(self.function) == place.pc and place.before == 0
            number = self.gdb.break_at(place.pc)
            self.gdb.command(f"-break-after {number} {place.before}")
            reached = here or self.gdb.resume().breakpoint == number
            self.gdb.delete(number)
            self.gdb.delete(end)
            if reached:
                return True
        return False

    def go_on(self) -> None:
        """Let the machine run until each VM has printed more; then stop it."""
        wanted = {vm: len(self.target.uart(vm).lines) + LINES for vm in SEEN}
        end, guard = self.target.virtual_ms() + GO_ON_MS, time.monotonic() + SECONDS
        self.gdb.let_run()
        while True:
            late = self.target.virtual_ms() > end or time.monotonic() > guard
            missing = [vm for vm, count in wanted.items() if len(self.target.uart(vm).lines) < count]
            if not missing:
                break
            if late:
                raise TargetTimeout(f"{', '.join(missing)} print no more\n{self.target.console.text[-2000:]}")
            time.sleep(0.002)
        self.gdb.interrupt()

    def abort_at(self, place: Place) -> bool:
        """Let the VMM fail there. The state is valid if every VM goes on from its checkpoint, with right output.

        Returns false if the function does not come there any more: calls differ in what they have to do.
        """
        last = self.target.faults()[-1].sequence
        if not self.reach(place):
            return False
        jump_wild(self.target, self.gdb)
        self.go_on()
        check_records([fault for fault in self.target.faults() if fault.sequence > last and fault.fault_class == "vmm"])
        for vm in SEEN:
            oracle.unbroken(self.target.uart(vm).lines)
        self.valid.add(place)
        return True

    def abort_at_all(self, chosen: list[Place]) -> bool:
        """Do so at each of them that was not tried before; false as soon as one is not reached."""
        for place in chosen:
            try:
                if place not in self.valid and not self.abort_at(place):
                    return False
            except (AssertionError, TargetTimeout) as error:
                raise AssertionError(
                    f"{self.function}, {place}, after {len(self.valid)} valid ones: {error}"
                ) from error
        return True


def check_records(faults: list[Fault]) -> None:
    """One micro-reboot, and each VM rolled back once; the management VM has no checkpoint."""
    assert [fault.action for fault in faults if fault.action == "vmm restart"] == ["vmm restart"]
    actions = [(fault.vm, fault.action) for fault in faults if fault.action != "vmm restart"]
    wanted = {**dict.fromkeys(KEPT, "vm rollback"), "vm0": "cold restart"}
    assert len(actions) == len(wanted)
    assert dict(actions) == wanted


def run(target: Target, function: str, vm: str, most: int | None) -> tuple[int, int]:
    """Abort at `most` places of a call of a function, evenly spread, or at all.

    Returns how many instructions the call has, and at how many places the VMM failed and all went on; there may be more
    of these than there are instructions, of another call than the last one. It raises if a place did not end well.
    """
    machine.until(target, lambda: machine.printed(target, *KEPT, lines=10) and target.faults())
    with target.debugger() as gdb:
        series = Series(target, gdb, function, vm)
        for _ in range(TRACES):
            found = series.trace()
            count = most or len(found)
            if series.abort_at_all([found[n * (len(found) - 1) // (count - 1)] for n in range(count)]):
                break
        else:
            raise AssertionError(f"no call of {function} is like one before")
    machine.settle(target)
    for kept in KEPT:  # each value depends on all before it
        oracle.unbroken(machine.lines_of(target, kept))
    return len(found), len(series.valid)

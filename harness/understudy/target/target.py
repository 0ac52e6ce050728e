# SPDX-License-Identifier: Apache-2.0
"""`Target`: one emulated machine that runs one image."""

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from understudy import paths
from understudy.errors import InjectionError, TargetError, TargetTimeout, UnderstudyError
from understudy.image.builder import Image
from understudy.target.black_box import BlackBox, read_black_box
from understudy.target.console import Console, Pump
from understudy.target.faults import Fault, read_faults
from understudy.target.gdb import Gdb, Stop
from understudy.target.memory import Memory
from understudy.target.process import QemuProcess
from understudy.target.qmp import Qmp

PROMPT = "vm0> "
_BANNER = r"\[vmm\] understudy VMI (\d+) build (\S+) system (\S+) board (\S+)\r?\n"
_CUT = re.compile(r"(?m)^(.+)\n((?:\[.*\n)+)(?=\1)")
"""The beginning of a line, and the lines of the VMM that cut it, where the whole line follows."""
_POLL = 0.002  # seconds between two looks at the virtual clock


class Target:
    """One QEMU with its control sockets and consoles; a context manager that always ends it.

    The clock is virtual (`-icount`): a run is repeatable, and deadlines do not depend on how fast the host is.
    """

    def __init__(
        self, image: Image, *, extra: Sequence[str] = (), prepare: "Callable[[Target], None] | None" = None
    ) -> None:
        """Prepare a machine for `image`. Enter it to boot.

        Args:
            image: what it runs.
            extra: more QEMU arguments.
            prepare: called before the first instruction; what it does with GDB is the same in each run.
        """
        self.image = image
        self._extra = extra
        self._prepare = prepare
        self._exits = contextlib.ExitStack()
        self.consoles: list[Console] = []
        self.gdb: Gdb | None = None
        self.memory = Memory(image.manifest, self.read_physical)

    def __enter__(self) -> Self:
        """Start QEMU, boot, and compare the build id of the banner with the image's."""
        with self._exits:
            self.folder = Path(tempfile.mkdtemp(prefix="us-"))
            self._exits.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.process = QemuProcess(self.image, self.folder, self._extra)
            self._exits.callback(self.process.close)
            self._exits.callback(self.process.end)
            self._open_consoles()
            try:
                self._qmp = Qmp(self.process.qmp, self.folder)
            except TargetError as error:
                raise TargetError(f"{error}\n{self.process.said()}".strip()) from None
            self._exits.callback(self._qmp.close)
            if self._prepare:
                self._prepare(self)
            self.resume()
            self._check_banner()
            self._exits = self._exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End GDB and QEMU and remove the temporary folder."""
        if self.gdb:
            self.gdb.close()
            self.gdb = None
        self._exits.close()

    def _open_consoles(self) -> None:
        links = enumerate(self.process.serial)
        self.consoles = [Console(f"uart{number}", link, self.virtual_ms) for number, link in links]
        self._pump = Pump(self.consoles)
        self._pump.start()

        def stop() -> None:
            self.process.end()  # only then do the ports report their end
            self._pump.join(5)

        self._exits.callback(stop)

    def _check_banner(self) -> None:
        try:
            found = self.console.expect(_BANNER)
        except UnderstudyError as error:
            raise TargetError(f"no boot banner: {error}\n{self.process.said()}".strip()) from None
        if found[2] != self.image.build_id:
            raise TargetError(f"the machine runs build {found[2]}, not {self.image.build_id}: a stale image?")

    # Consoles

    @property
    def console(self) -> Console:
        """UART 0: the VMM and the console of the management VM."""
        return self.consoles[0]

    def uart(self, vm: str) -> Console:
        """Return the console of a VM that has a UART of its own."""
        self.memory.vm_index(vm)
        number: int | None = self.image.manifest["vms"][vm]["uart"]
        if number is None:
            raise TargetError(f"{vm} has no UART of its own; use the commands `log` and `watch`")
        return self.consoles[number]

    def vm0(self, command: str, *, ms: float = 60_000) -> str:
        """Give a command to the management console and return what it answers, up to the next prompt.

        Lines of the VMM in between are part of it. A line that they cut is there once: the console repeats it.
        """
        self.console.send_line(command)
        self.console.expect(re.escape(command) + r"\r?\n", ms=ms)
        self.console.expect(r"(?:^|\n)" + re.escape(PROMPT), ms=ms)
        return _CUT.sub(r"\2", self.console.before()).strip("\n")

    def wait_for_prompt(self, *, ms: float = 60_000) -> None:
        """Wait until the management console takes commands."""
        self.console.expect(re.escape(PROMPT), ms=ms)

    # Time

    def virtual_ms(self) -> float:
        """Return the virtual time since the reset, in milliseconds."""
        if not self.process.alive:
            raise TargetError(f"QEMU ended with status {self.process.status}\n{self.process.said()}".strip())
        seconds = 0.0
        # The slowest first: it says how often the next has wrapped.
        for clock in self.image.manifest["board"]["clocks"]:
            wrap = 2**32 / clock["hz"]
            fine = self.memory.word(clock["base"]) / clock["hz"]
            seconds = fine + max(0, round((seconds - fine) / wrap)) * wrap
        return seconds * 1000

    def run_for(self, ms: float, *, seconds: float = 120) -> None:
        """Let at least `ms` milliseconds of virtual time pass."""
        end, guard = self.virtual_ms() + ms, time.monotonic() + seconds
        while self.virtual_ms() < end:
            if time.monotonic() > guard:
                raise TargetTimeout(f"{ms:g} ms of virtual time did not pass within {seconds:g} s")
            time.sleep(_POLL)

    def pause(self) -> None:
        """Stop the machine; unlike a stop of GDB this does not disturb virtual time."""
        self._qmp.command("stop")

    def resume(self) -> None:
        """Let the machine run."""
        self._qmp.command("cont")

    def wait_for_end(self, seconds: float = 30) -> int:
        """Wait until QEMU ends by itself (power-off), and return its exit status; the consoles then have everything."""
        status = self.process.wait(seconds)
        self._pump.join(seconds)
        return status

    # Looking inside

    def read_physical(self, address: int, size: int) -> bytes:
        """Return physical memory."""
        return self._qmp.read(address, size)

    def qmp(self, command: str, **arguments: object) -> object:
        """Execute a QMP command."""
        return self._qmp.command(command, **arguments)

    def faults(self) -> list[Fault]:
        """Return the fault log."""
        return read_faults(self.memory)

    def black_box(self) -> BlackBox:
        """Return what the VMM keeps over a reset of the board."""
        return read_black_box(self.memory)

    def reset(self) -> None:
        """Press the reset button of the board, and wait for the boot banner; the RAM keeps what no loader writes."""
        self._qmp.command("system_reset")
        self._check_banner()

    def wait_for_fault(self, *, count: int = 1, ms: float = 60_000, seconds: float = 120) -> list[Fault]:
        """Wait until the log has `count` records and return it."""
        end = self.virtual_ms() + ms
        while True:
            late = self.virtual_ms() > end  # before the look: between the two, real time may pass as it likes
            faults = self.faults()
            if len(faults) >= count:
                return faults
            if late:
                raise TargetTimeout(f"{len(faults)} of {count} faults within {ms:g} ms of virtual time")
            self.run_for(1, seconds=seconds)

    # Debugging and injection

    @contextlib.contextmanager
    def debugger(self) -> Iterator[Gdb]:
        """Attach GDB (the machine stops); at the end of the block it is detached and the machine runs on."""
        self.gdb = Gdb(self.process.gdb_path, self.image.elf, self.folder / "gdb.log")
        try:
            yield self.gdb
        finally:
            self.gdb.close()
            self.gdb = None

    def stop_in(self, gdb: Gdb, vm: str, address: int, *, hit: int = 1, seconds: float = 60) -> Stop:
        """Run until `vm` itself reaches a virtual address for the `hit`-th time from now.

        Guests share addresses: stops in other VMs are passed over.

        Raises:
            TargetTimeout: it does not come there within `seconds` of real time.
        """
        self.memory.vm_index(vm)
        guard = time.monotonic() + seconds
        number = gdb.break_at(address)
        try:
            while hit:
                stop = gdb.resume(seconds=guard - time.monotonic())
                hit -= self.memory.current_vm() == vm
            return stop
        except TargetTimeout:
            gdb.interrupt()
            raise TargetTimeout(f"{vm} did not come to {address:#010x} within {seconds:g} s") from None
        finally:
            gdb.delete(number)

    def inject_memory(self, gdb: Gdb, vm: str, address: int, data: bytes) -> tuple[bytes, bytes]:
        """Change memory of a VM at a guest address; return the bytes before and after.

        Raises:
            InjectionError: the change was not applied, or is none.
        """
        before, after = gdb.write_physical(self.memory.translate(vm, address), data)
        if before == after:
            raise InjectionError(f"{vm}: {address:#x} already was {data.hex()}: nothing injected")
        return before, after

    def inject_register(self, gdb: Gdb, name: str, value: int) -> tuple[int, int]:
        """Change a core register of whoever is stopped; return the values before and after.

        Raises:
            InjectionError: the change was not applied, or is none.
        """
        before, after = gdb.write_register(name, value)
        if before == after:
            raise InjectionError(f"{name} already was {value:#x}: nothing injected")
        return before, after

    # After a failure

    def keep(self, folder: Path) -> None:
        """Save serial logs, GDB transcript, QEMU's messages, a memory dump and the command into `folder`.

        Raises:
            TargetError: there is no memory to dump any more; the rest is saved.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob("*.log"):
            shutil.copy(path, folder / path.name)
        (folder / "qemu-command").write_text(self.process.shown() + "\n", encoding="utf-8")
        system = self.image.folder.relative_to(paths.root()) / "system.json"
        repeat = f"understudy run --deterministic {system}\n"
        (folder / "repeat").write_text(repeat, encoding="utf-8")
        (folder / "black-box").write_text(self.black_box().describe() + "\n", encoding="utf-8")
        manifest = self.image.manifest
        base = manifest["ram"]["base"]
        end = max(vm["memory"]["base"] + vm["memory"]["size"] for vm in manifest["vms"].values())
        self._qmp.core(folder.resolve() / "memory.core", base, end - base)

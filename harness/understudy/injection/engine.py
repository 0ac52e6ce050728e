# SPDX-License-Identifier: Apache-2.0
"""Three ways to run an experiment from the same start; the injector in QEMU and the result are the same for all."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from enum import StrEnum
from pathlib import Path
from struct import Struct
from typing import Self

from attrs import frozen

from understudy.errors import TargetError, ToolError
from understudy.image import Image
from understudy.injection.experiment import Fault
from understudy.injection.protocol import VERSION, End, Flag, Link, Report, Request, Setup, packed_run, unpack_report
from understudy.injection.scratch import scratch_folder
from understudy.target.plugin import build_plugin
from understudy.target.process import clock_arguments, start_qemu
from understudy.target.qmp import Qmp

SOURCES = tuple(sorted(Path(__file__).with_name("plugin").glob("*.c"), key=lambda path: path.name != "server.c"))
NEVER = (1 << 64) - 1
_SNAPSHOT = "start"
_HELLO = Struct("<I4xQ")
_PAUSE_SECONDS = 10.0


class Kind(StrEnum):
    """How an experiment gets its start."""

    FORK = "fork"
    SNAPSHOT = "snapshot"
    PROCESS = "process"


@frozen
class Ground:
    """What all experiments of a campaign have in common.

    `golden` is the file with the states of the golden run, which all engines share; `watched` is the address of the
    word that is traced with each step, `stop` that of the loop in which the VMM stops the system.
    """

    image: Image
    setup: Setup
    start_ns: int
    golden: Path
    watched: int
    stop: int


@frozen
class Hello:
    """What the plugin says of QEMU: where the start is, and what of the CPU's state it can reach."""

    time: int
    fields: tuple[str, ...]


class Engine:
    """A context manager. One experiment at a time."""

    kind: Kind
    hello: Hello

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.folder = scratch_folder()
        self.trace_file = self.folder / "trace"

    def __enter__(self) -> Self:
        """Start what is kept between experiments."""
        try:
            self._start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End QEMU, and remove its files."""
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """Start anew what is kept between experiments."""
        self._stop()
        self._start()

    def run(self, faults: Sequence[Fault], *, dormant_after: int | None = None, early: bool = True) -> Report:
        """Run one experiment.

        Args:
            faults: at most 256.
            dormant_after: virtual time from which on the golden run does not use the RAM that the faults aim at; None:
                it is used for ever, or that is not known.
            early: whether it may end as soon as nothing differs from the golden run.

        Raises:
            TargetError: QEMU can't be started, or its server ended.
        """
        flags = Flag.EARLY if early else Flag.NONE
        last = NEVER if dormant_after is None else dormant_after
        return unpack_report(self._run(packed_run(faults, flags, dormant_after=last)))

    def golden(self, faults: Sequence[Fault] = ()) -> Report:
        """Do the golden run; its states go to the file of the ground."""
        return unpack_report(self._run(packed_run(faults, Flag.GOLDEN)))

    def trace(self, until: int, faults: Sequence[Fault] = ()) -> Report:
        """Run and write each step up to a virtual time to `trace_file`."""
        return unpack_report(self._run(packed_run(faults, Flag.TRACE, traced_until=until)))

    def _start(self) -> None:
        """Start what is kept between experiments."""

    def _stop(self) -> None:
        """End it."""

    def _run(self, run: bytes) -> bytes:
        raise NotImplementedError


class _Server:
    """One QEMU with the injector, up to where it serves requests."""

    def __init__(self, engine: Engine, kind: Kind, extra: Sequence[str] = (), pass_fds: Sequence[int] = ()) -> None:
        ground, folder = engine.ground, engine.folder
        library = build_plugin(SOURCES)
        ours, theirs = socket.socketpair()
        uarts = [folder / f"uart{number}" for number in range(ground.image.manifest["board"]["uarts"])]
        options = {
            "engine": kind,
            "control": theirs.fileno(),
            "start_ns": ground.start_ns,
            "instruction_ns": ground.setup.instruction_ns,
            "golden": ground.golden,
            "trace": engine.trace_file,
            "watch": ground.watched,
            "stop": ground.stop,
        }
        given = [f"{name}={value}" for name, value in options.items()] + [f"uart={path}" for path in uarts]
        command = ["env", f"LD_PRELOAD={library}"]
        command += [*ground.image.manifest["qemu"], *clock_arguments(ground.image), *extra]
        command += ["-kernel", str(ground.image.elf), "-plugin", ",".join([str(library), *given])]
        for number, path in enumerate(uarts):
            command += ["-chardev", f"file,id=uart{number},path={path}", "-serial", f"chardev:uart{number}"]
        log = folder / "qemu.log"
        with log.open("wb") as output:
            self.process = start_qemu(command, output=output, pass_fds=[theirs.fileno(), *pass_fds])
        theirs.close()
        self.link = Link(ours, log)

    def begin(self, setup: Setup) -> Hello:
        """Wait until the machine has come to the start, and tell what is the same for all experiments."""
        data = self.link.answer()
        version, when = _HELLO.unpack_from(data)
        if version != VERSION:
            raise TargetError(f"the injector speaks version {version} of the protocol, not {VERSION}")
        self.link.ask(Request.SETUP, setup.packed(when))
        return Hello(when, tuple(data[_HELLO.size :].decode().splitlines()))

    def close(self) -> None:
        """End QEMU."""
        self.link.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class ForkEngine(Engine):
    """One QEMU stands at the start; each experiment is a process that is forked from it."""

    kind = Kind.FORK

    def _start(self) -> None:
        self._server = _Server(self, Kind.FORK)
        try:
            self.hello = self._server.begin(self.ground.setup)
        except TargetError:
            self._server.close()
            raise

    def _stop(self) -> None:
        self._server.close()

    def _run(self, run: bytes) -> bytes:
        return self._server.link.ask(Request.RUN, run)


class ProcessEngine(Engine):
    """A new QEMU for each experiment, from reset."""

    kind = Kind.PROCESS

    def _run(self, run: bytes) -> bytes:
        server = _Server(self, Kind.PROCESS)
        try:
            self.hello = server.begin(self.ground.setup)
            return server.link.ask(Request.RUN, run)
        finally:
            server.close()


class DebugEngine(ProcessEngine):
    """As `ProcessEngine`, but GDB may connect, and the machine can pause just before a fault."""

    def __init__(self, ground: Ground, gdb_port: int | None) -> None:
        """GDB connects at a TCP port, or (None) at `gdb_socket`."""
        super().__init__(ground)
        self.gdb_port = gdb_port
        self.gdb_socket = self.folder / "gdb"

    def debug(self, faults: Sequence[Fault], first: int, paused: Callable[[], None]) -> Report:
        """Run one experiment.

        Args:
            faults: all of them.
            first: number of that before which the machine pauses.
            paused: is called then; the machine goes on when GDB or this lets it.

        Raises:
            TargetError: QEMU ended before the experiment did, for example because GDB killed it.
        """
        place = f"path={self.gdb_socket}" if self.gdb_port is None else f"host=127.0.0.1,port={self.gdb_port}"
        gdb = ["-chardev", f"socket,id=gdb,{place},server=on,wait=off", "-gdb", "chardev:gdb"]
        ours, theirs = socket.socketpair()
        gdb += ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        server = _Server(self, Kind.PROCESS, gdb, [theirs.fileno()])
        theirs.close()
        try:
            qmp = Qmp(ours, self.folder)
            self.hello = server.begin(self.ground.setup)
            run = packed_run(faults, Flag.EARLY | Flag.PAUSE, dormant_after=NEVER, pause_before=first)
            answer = server.link.ask(Request.RUN, run)
            if not answer:
                paused()
                if self.gdb_port is None:
                    with suppress(TargetError):  # GDB has let it go on already, and it has ended
                        qmp.command("cont")
                answer = server.link.answer()
            return unpack_report(answer)
        finally:
            server.close()
            qmp.close()


class SnapshotEngine(Engine):
    """One QEMU; before each experiment it loads a snapshot of the start."""

    kind = Kind.SNAPSHOT

    def _start(self) -> None:
        disk = self.folder / "snapshots.qcow2"
        if not shutil.which("qemu-img"):
            raise ToolError("qemu-img is missing: install qemu-utils, or use another engine")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "1M"], check=True)
        ours, theirs = socket.socketpair()
        extra = ["-drive", f"if=none,id=snapshots,file={disk},format=qcow2,cache=unsafe", "-monitor", "none"]
        extra += ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        self._server = _Server(self, Kind.SNAPSHOT, extra, [theirs.fileno()])
        theirs.close()
        try:
            self._qmp = Qmp(ours, self.folder)
            self.hello = self._server.begin(self.ground.setup)
            self._server.link.ask(Request.RETURN)
            self._until_paused()
            self._monitor(f"savevm {_SNAPSHOT}")
        except TargetError:
            self._server.close()
            raise

    def _stop(self) -> None:
        self._server.close()
        self._qmp.close()

    def _run(self, run: bytes) -> bytes:
        if self._server.process.poll() is not None:  # the experiment before ended it
            self._stop()
            self._start()
        self._monitor(f"loadvm {_SNAPSHOT}")
        self._server.link.send(Request.RUN, run)
        with ThreadPoolExecutor(1) as reader:  # QEMU answers `cont` only when somebody reads the report
            answer = reader.submit(self._server.link.answer)
            with suppress(TargetError):  # an experiment that is stuck ends QEMU, after its report
                self._qmp.command("cont")
            report = answer.result()
        if unpack_report(report).end is End.STUCK:
            self._server.process.wait()
        else:
            self._until_paused()
        return report

    def _monitor(self, command: str) -> None:
        said = self._qmp.command("human-monitor-command", command_line=command)
        if said:
            raise TargetError(f"QEMU refuses {command!r}: {said.strip()}")

    def _until_paused(self) -> None:
        end = time.monotonic() + _PAUSE_SECONDS
        while self._qmp.command("query-status")["running"]:
            if time.monotonic() > end:
                raise TargetError("QEMU does not pause")


ENGINES: dict[Kind, Callable[[Ground], Engine]] = {
    Kind.FORK: ForkEngine,
    Kind.SNAPSHOT: SnapshotEngine,
    Kind.PROCESS: ProcessEngine,
}


def start_engine(ground: Ground, kind: Kind | None, notice: Callable[[str], None]) -> Engine:
    """Return an engine that is entered, and has run an experiment without a fault; the caller leaves it.

    Args:
        ground: what to run.
        kind: which; None: the fastest that this QEMU can do.
        notice: is told when it is not the fork server, and why.

    Raises:
        TargetError: the wanted one does not work, or none does.
    """
    reasons: list[str] = []
    for wanted in [kind] if kind else list(Kind):
        with ExitStack() as exits:
            try:
                engine = exits.enter_context(ENGINES[wanted](ground))
                engine.run((), early=False)
            except (TargetError, ToolError) as error:
                reasons.append(f"engine {wanted}: {error}")
                continue
            exits.pop_all()
        if reasons:
            notice("\n".join([*reasons, f"so the engine is {wanted}, which is slower"]))
        return engine
    raise TargetError("\n".join(reasons))

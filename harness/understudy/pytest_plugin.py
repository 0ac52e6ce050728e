# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: build and boot systems in tests, and leave everything one needs when a test fails.

Fixtures: `vmm_build(system, changes)` returns an `Image`; `vmm_boot(system, changes)` boots one and returns its
`Target`, which ends with the test. `system` is a name, a file, TOML text or data; `changes` are merged into it.
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from understudy import paths
from understudy.config.load import load_system
from understudy.config.variant import variant
from understudy.errors import UnderstudyError
from understudy.image import Image, build
from understudy.target import Target
from understudy.target.leaks import qemu_children

pytest_plugins = ("understudy.injection.pytest_fixtures",)

Build = Callable[..., Image]
Boot = Callable[..., Target]

_TARGETS = pytest.StashKey[list[Target]]()
_TAIL = 20  # lines of the console shown with a failure


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all with one prefix."""
    group = parser.getgroup("understudy", "the understudy laboratory")
    group.addoption("--vmm-board", metavar="NAME", help="run on this board instead of the one the system names")
    group.addoption("--vmm-keep", action="store_true", help="keep logs and memory dump of tests that pass, too")
    group.addoption("--vmm-artifacts", metavar="FOLDER", help="where to keep them (build/artifacts)")
    group.addoption("--vmm-long", action="store_true", help="run the long form of tests that have one")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of tests that have a long form."""
    config.addinivalue_line("markers", "long: has a long form, --vmm-long")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Tell whether the long form of the test is wanted."""
    return bool(request.config.getoption("--vmm-long"))


@pytest.fixture(scope="session")
def vmm_build(request: pytest.FixtureRequest) -> Build:
    """Return a function that builds `(system, changes)` and returns the image; what is up to date is not rebuilt."""
    board = request.config.getoption("--vmm-board")

    def make(system: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Image:
        changes = dict(changes or {})
        if board:
            load_system(system)
            changes["system"] = {**changes.get("system", {}), "board": board}
        return build(variant(system, changes) if changes else system)

    return make


@pytest.fixture
def vmm_boot(request: pytest.FixtureRequest, vmm_build: Build) -> Iterator[Boot]:
    """Return a function that boots `(system, changes)` or an `Image`, and returns the running target."""
    with contextlib.ExitStack() as machines:
        running = request.node.stash.setdefault(_TARGETS, [])

        def boot(system: Any, changes: Mapping[str, Any] | None = None, *, extra: tuple[str, ...] = ()) -> Target:
            image = system if isinstance(system, Image) else vmm_build(system, changes)
            target = machines.enter_context(Target(image, extra=extra))
            running.append(target)
            return target

        yield boot
        if request.config.getoption("--vmm-keep"):
            _keep(request.node)
    leaked = qemu_children()
    if leaked:
        pytest.fail(f"QEMU left behind: process {', '.join(str(pid) for pid in leaked)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save what a failed test leaves while its machines still run, and say where."""
    report = yield
    if call.when == "call" and report.failed and item.stash.get(_TARGETS, []):
        report.sections.append(("understudy", _keep(item)))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session when a QEMU survived it."""
    leaked = qemu_children()
    if leaked:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write_line(f"QEMU left behind: process {', '.join(str(pid) for pid in leaked)}", red=True)


def _keep(item: pytest.Item) -> str:
    """Save logs and dumps of the test's machines; return a text for the report."""
    option = item.config.getoption("--vmm-artifacts")
    base = Path(option) if option else paths.build_folder() / "artifacts"
    folder = base / re.sub(r"[^A-Za-z0-9_.-]+", "_", item.nodeid)
    shutil.rmtree(folder, ignore_errors=True)
    lines = [f"kept in {folder}", f"repeat: pytest '{item.nodeid}'"]
    targets: list[Target] = item.stash[_TARGETS]
    for number, target in enumerate(targets):
        place = folder / str(number)
        try:
            target.keep(place)
        except (UnderstudyError, OSError) as error:
            lines.append(f"machine {number}: not all could be kept: {error}")
        lines.append(f"machine {number}: {(place / 'repeat').read_text().strip() if place.is_dir() else '-'}")
        lines += [f"  | {line}" for line in target.console.text.splitlines()[-_TAIL:]]
    return "\n".join(lines)

# SPDX-License-Identifier: Apache-2.0
"""A campaign on several hosts, each in a network namespace, some of which die or vanish while they work."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from understudy import paths
from understudy.injection.store import Store

WORKERS = 3
SAMPLES = 600
CAMPAIGN = Path(__file__).parent / "campaigns" / "small.toml"
ADDRESS = "10.77.77.{}"
SCHEDULER = f"tcp://{ADDRESS.format(1)}:8786"
PATIENCE = {  # so soon a host that says nothing any more counts as gone
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "6s",
}


def ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


class Hosts:
    """Namespaces: one with a bridge, the scheduler and the person who runs the campaign; and one for each worker."""

    def __init__(self, exits: ExitStack, logs: Path) -> None:
        self._exits = exits
        self._logs = logs
        self.name = f"us{os.getpid()}"
        self._add(self.name)
        self._ip(self.name, "link", "add", "bridge", "type", "bridge")
        self._ip(self.name, "addr", "add", f"{ADDRESS.format(1)}/24", "dev", "bridge")
        self._ip(self.name, "link", "set", "bridge", "up")

    def _add(self, name: str) -> None:
        ip("netns", "add", name)
        self._exits.callback(ip, "netns", "del", name, check=False)
        self._ip(name, "link", "set", "lo", "up")

    def _ip(self, name: str, *arguments: str) -> None:
        ip("-n", name, *arguments)

    def add_worker(self, number: int) -> "subprocess.Popen[bytes]":
        """Add a host with a worker."""
        name, link = f"{self.name}w{number}", f"w{number}"
        self._add(name)
        self._ip(self.name, "link", "add", link, "type", "veth", "peer", "name", "host", "netns", name)
        self._ip(self.name, "link", "set", link, "master", "bridge", "up")
        self._ip(name, "addr", "add", f"{ADDRESS.format(10 + number)}/24", "dev", "host")
        self._ip(name, "link", "set", "host", "up")
        arguments = [
            SCHEDULER,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--host",
            ADDRESS.format(10 + number),
        ]
        return self.start(name, sys.executable, "-m", "distributed.cli.dask_worker", *arguments, log=name)

    def unplug(self, number: int) -> None:
        """Cut a host off: it still runs, and nobody hears of it."""
        self._ip(self.name, "link", "set", f"w{number}", "down")

    def start(self, name: str, *arguments: str, log: str) -> "subprocess.Popen[bytes]":
        """Start a Python program in a namespace; it ends with the test."""
        output = self._exits.enter_context((self._logs / f"{log}.log").open("wb"))
        process = subprocess.Popen(
            ["ip", "netns", "exec", name, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **PATIENCE},
            cwd=paths.root(),
        )
        self._exits.callback(process.wait)
        self._exits.callback(process.kill)
        return process


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    if os.geteuid() != 0 or not shutil.which("ip") or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("network namespaces need root, iproute2, and a kernel that allows them")
    with ExitStack() as exits:
        yield Hosts(exits, tmp_path)


def campaign(output: Path, *more: str) -> list[str]:
    command = [str(Path(sys.executable).with_name("understudy")), "campaign", "run", str(CAMPAIGN)]
    command += ["--samples", str(SAMPLES)]
    return [*command, "--output", str(output), *more]


def results(output: Path) -> tuple[str, int]:
    with Store.open(output / "small" / "results.sqlite") as store:
        return store.digest(), sum(store.counts().values())


def wait_for_results(output: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            if results(output)[1] >= count:
                return
        except Exception:  # noqa: S110 - it is not there yet
            pass
        time.sleep(0.1)


@pytest.mark.timeout(240)
def test_hosts_that_die_or_vanish_cost_nothing(hosts: Hosts, tmp_path: Path) -> None:
    """One is killed, one is cut off: the results are those of this machine alone, each once."""
    local, remote = tmp_path / "local", tmp_path / "remote"
    subprocess.run([*campaign(local)], check=True, capture_output=True, cwd=paths.root())
    hosts.start(
        hosts.name,
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        ADDRESS.format(1),
        "--no-dashboard",
        log="scheduler",
    )
    workers = [hosts.add_worker(number) for number in range(WORKERS)]
    run = hosts.start(hosts.name, *campaign(remote, "--scheduler", SCHEDULER), log="run")
    wait_for_results(remote, 60, run)
    workers[0].kill()
    wait_for_results(remote, 120, run)
    hosts.unplug(1)
    assert run.wait(200) == 0, (tmp_path / "run.log").read_text()
    assert results(remote) == results(local)
    assert results(remote)[1] == SAMPLES


def test_no_scheduler(tmp_path: Path) -> None:
    command = [*campaign(tmp_path, "--scheduler", "tcp://127.0.0.1:1")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=paths.root())
    assert done.returncode == 1
    assert "no scheduler answers at tcp://127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr

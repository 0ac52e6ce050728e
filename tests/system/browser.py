# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, spoken to over two pipes (DevTools protocol): no port, no driver, every console message seen."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_DEADLINE = 120.0  # seconds of wall clock, the last guard; a page takes one
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class BrowserError(Exception):
    """Chromium is missing, died, or did not answer."""


@attrs.frozen
class Page:
    """What was seen of a page while it was loaded: console messages, exceptions, and addresses asked for."""

    complaints: list[str]
    requests: list[str]


class Browser:
    """One Chromium; use it as a context manager. Its profile is in `folder`."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("chromium")
        if program is None:
            raise BrowserError("chromium is not installed: apt-get install chromium")
        its_input, self._input = os.pipe()
        self._output, its_output = os.pipe()
        # The protocol's descriptors are 3 and 4 in the browser. Copies above 9 first: 3 or 4 may be one of the pipes.
        script = f'exec 8<&{its_input} 9>&{its_output}; exec 3<&8 4>&9 8<&- 9>&-; exec "$@"'
        command = ["setpriv", "--pdeathsig", "KILL", program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
        with (folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                pass_fds=(its_input, its_output),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(its_input)
        os.close(its_output)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and everything it started."""
        os.close(self._input)
        os.close(self._output)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def open(self, file: Path) -> Page:
        """Load a file and wait until it is complete."""
        self._events.clear()
        self.call("Page.navigate", url=file.as_uri())
        self._until(lambda event: event["method"] == "Page.loadEventFired")
        self.evaluate("document.fonts.ready.then(() => true)")
        return Page(
            complaints=[text for event in self._events if (text := _complaint(event))],
            requests=[
                event["params"]["request"]["url"]
                for event in self._events
                if event["method"] == "Network.requestWillBeSent"
            ],
        )

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._input, data) :]
        deadline = time.monotonic() + _DEADLINE
        while True:
            answer = self._receive(deadline, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self._events.append(answer)

    def _until(self, wanted: Any) -> None:
        deadline = time.monotonic() + _DEADLINE
        while not any(wanted(event) for event in self._events):
            event = self._receive(deadline, "loading")
            if "method" in event:
                self._events.append(event)

    def _receive(self, deadline: float, during: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._output, 1 << 20) if ready else b""
            if not chunk:
                why = "died" if ready else f"did not answer within {_DEADLINE:.0f} s"
                raise BrowserError(f"chromium {why} during {during}")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        return message


def _complaint(event: dict[str, Any]) -> str:
    """Return the text of an event that is a message on the console, an exception or a failed request; else ''."""
    parameters = event["params"]
    match event["method"]:
        case "Runtime.consoleAPICalled":
            return f"console.{parameters['type']}: {parameters['args']}"
        case "Runtime.exceptionThrown":
            return f"exception: {parameters['exceptionDetails']}"
        case "Log.entryAdded":
            return f"log: {parameters['entry']['level']}: {parameters['entry']['text']}"
        case "Network.loadingFailed":
            return f"failed: {parameters['errorText']}"
    return ""

# SPDX-License-Identifier: Apache-2.0
"""Which tools are there, in which version, and what to do about those that are not."""

import platform
import re
import shutil
import subprocess
import sys

from attrs import frozen

from understudy.image.builder import ninja_program

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
# Program, Debian package, purpose.
_TOOLS = (
    ("qemu-system-arm", "qemu-system-arm", "emulating the boards"),
    ("arm-none-eabi-gcc", "gcc-arm-none-eabi", "compiling VMM and guests"),
    ("arm-none-eabi-objcopy", "binutils-arm-none-eabi", "linking guests"),
    ("gdb-multiarch", "gdb-multiarch", "debugging and injecting faults"),
    ("setpriv", "util-linux", "ending QEMU with its parent"),
    ("qemu-img", "qemu-utils", "snapshots"),
    ("clang", "clang", "make lint"),
    ("cppcheck", "cppcheck", "make lint"),
    ("gcc", "gcc", "tests of the pure C parts"),
)


@frozen
class Finding:
    """One tool: whether it can be used, and the remedy if not."""

    tool: str
    good: bool
    version: str
    purpose: str
    remedy: str


def examine() -> list[Finding]:
    """Look for every tool."""
    python = platform.python_version()
    findings = [
        Finding("python3", sys.version_info >= (3, 11), python, "the laboratory", "install Python 3.11 or later")
    ]
    findings += [_tool(program, package, purpose) for program, package, purpose in _TOOLS]
    ninja = _tool(ninja_program(), "", "parallel builds")
    return [*findings, Finding("ninja", ninja.good, ninja.version, ninja.purpose, "pip install ninja")]


def _tool(program: str, package: str, purpose: str) -> Finding:
    remedy = f"apt-get install {package}"
    if not shutil.which(program):
        return Finding(program, False, "-", purpose, remedy)
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    match = _VERSION.search(shown.stdout)
    return Finding(program, shown.returncode == 0, match[0] if match else "?", purpose, remedy)

# SPDX-License-Identifier: Apache-2.0
"""The emulated machine: process, control, debugger, consoles, memory."""

from understudy.target.faults import Fault
from understudy.target.gdb import Gdb, Stop
from understudy.target.target import PROMPT, Target

__all__ = ["PROMPT", "Fault", "Gdb", "Stop", "Target"]

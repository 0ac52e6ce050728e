# SPDX-License-Identifier: Apache-2.0
"""Modelled time of an executed path on the paper's processor, an ARM920T at 400 MHz with warm caches.

The rules and what they leave out are in docs/arm920t-model.md. Every figure from here is modelled, never measured.
"""

from understudy.latency.arm920t.decode import ModelError, Step
from understudy.latency.arm920t.timing import (
    EXCEPTION_ENTRY,
    Timing,
    cycles,
    cycles_without_hints,
    explain,
    nanoseconds,
)

__all__ = [
    "EXCEPTION_ENTRY",
    "ModelError",
    "Step",
    "Timing",
    "cycles",
    "cycles_without_hints",
    "explain",
    "nanoseconds",
]

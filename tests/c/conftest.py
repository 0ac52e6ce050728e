# SPDX-License-Identifier: Apache-2.0
"""Shows the branch coverage at the end, also when the tests ran in other processes."""

import pytest

from .test_coverage import SUMMARY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What test_coverage.py found in this session."""
    names = [report.nodeid for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    if any("test_coverage.py" in name for name in names) and SUMMARY.is_file():
        terminalreporter.section("branch coverage")
        terminalreporter.write(SUMMARY.read_text(encoding="utf-8"))

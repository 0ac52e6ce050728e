# SPDX-License-Identifier: Apache-2.0
"""Every error that understudy raises on purpose; all derive from `UnderstudyError`."""

from collections.abc import Sequence


class UnderstudyError(Exception):
    """Base of the tree. The command line prints it without a traceback and exits with status 1."""


class ConfigError(UnderstudyError):
    """A TOML file that is missing, malformed or inconsistent; one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class ToolError(UnderstudyError):
    """A program that the laboratory needs is missing or unusable."""


class BuildError(UnderstudyError):
    """A source, template, compilation or link failed."""


class ImageError(BuildError):
    """The image was linked, but breaks one of its rules (overlap, size, W^X, symbol, entry)."""


class TargetError(UnderstudyError):
    """The emulated machine could not be started, or stopped to answer."""


class TargetTimeout(TargetError):  # noqa: N818 - reads better where it is caught
    """A deadline passed, in virtual time or (last guard) in wall-clock time."""


class GdbError(TargetError):
    """GDB refused a command or died."""


class InjectionError(TargetError):
    """A fault could not be applied, or reading back shows that it was not."""

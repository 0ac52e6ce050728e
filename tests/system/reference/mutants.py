# SPDX-License-Identifier: Apache-2.0
"""Variants of the VMM with a planted bug, built from patched sources in a folder of their own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from understudy import paths
from understudy.image import Image

_SOURCES = ("vmm-c", "guests", "qemu-configs", "tests/system/apps")


@frozen
class Mutation:
    """One change of one source: `old`, which must occur once, becomes `new`."""

    path: str
    old: str
    new: str

    def apply(self, tree: Path) -> str:
        """Patch; return the text before."""
        source = tree / self.path
        text = source.read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.path} does not contain {self.old!r} once: renew this mutation"
        source.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return text


class Tree:
    """A copy of the sources that mutants are built in, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in _SOURCES:
            shutil.copytree(paths.root() / name, folder / name)

    def build(self, system: Mapping[str, Any], name: str, mutation: Mutation) -> Image:
        """Build a system with one mutation; the image gets a folder of its own."""
        before = mutation.apply(self.folder)
        try:
            described = self.folder / "system.json"
            described.write_text(json.dumps(system), encoding="utf-8")
            command = [sys.executable, "-c", _BUILD, str(described)]
            environment = {**os.environ, "UNDERSTUDY_ROOT": str(self.folder)}
            done = subprocess.run(
                command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return Image.load(Path(shutil.copytree(done.stdout.strip(), self.folder / "mutants" / name)))
        finally:
            (self.folder / mutation.path).write_text(before, encoding="utf-8")


_BUILD = "import json, sys; from understudy.image import build; print(build(json.load(open(sys.argv[1]))).folder)"

# SPDX-License-Identifier: Apache-2.0
"""Compiling QEMU plugins."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from understudy import paths
from understudy.errors import ToolError

COMPILER = "gcc"
INCLUDE = Path(__file__).parent
HEADER = INCLUDE / "qemu_plugin_api.h"
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror")


def build_plugin(sources: Sequence[Path]) -> Path:
    """Compile a plugin, unless it was compiled from the same sources before; return its file.

    Args:
        sources: C files; headers beside them count as sources, too.

    Raises:
        ToolError: there is no host compiler, or it refuses a source.
    """
    headers = sorted(header for folder in {source.parent for source in sources} for header in folder.glob("*.h"))
    content = b"".join(path.read_bytes() for path in (*sources, *headers, HEADER))
    key = hashlib.sha256(repr(FLAGS).encode() + content).hexdigest()[:16]
    library = paths.build_folder() / "plugin" / f"{sources[0].stem}-{key}.so"
    if library.is_file():
        return library
    if not shutil.which(COMPILER):
        raise ToolError(f"{COMPILER} (for the host) is missing: install it to build the QEMU plugin {sources[0].stem}")
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder, library.name)
        command = [COMPILER, *FLAGS, "-I", str(INCLUDE), "-shared", "-o", str(made), *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"{sources[0].parent}: {COMPILER} refuses it:\n{done.stderr.strip()}")
        os.replace(made, library)  # in one step: another process may build it at the same time
    return library

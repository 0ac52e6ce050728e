# SPDX-License-Identifier: Apache-2.0
"""The VMM checks with its own CRC-32 what the builder computed with zlib: both are the same function (D8)."""

import ctypes
import random
import subprocess
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_crc32_is_that_of_zlib(tmp_path: Path) -> None:  # D8
    """Random data of random length, whole and in two parts."""
    library = tmp_path / "crc32.so"
    source = ROOT / "vmm-c/lib/crc32.c"
    subprocess.run(["gcc", "-shared", "-fPIC", f"-I{ROOT / 'vmm-c'}", str(source), "-o", str(library)], check=True)
    crc32 = ctypes.CDLL(str(library)).crc32
    crc32.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32]
    crc32.restype = ctypes.c_uint32
    numbers = random.Random(32)  # noqa: S311 - not for secrets
    for _ in range(500):
        data = numbers.randbytes(numbers.randrange(600))
        cut = numbers.randrange(len(data) + 1)
        assert crc32(0, data, len(data)) == zlib.crc32(data)
        assert crc32(crc32(0, data[:cut], cut), data[cut:], len(data) - cut) == zlib.crc32(data)

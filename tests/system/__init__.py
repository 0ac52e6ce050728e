# SPDX-License-Identifier: Apache-2.0
"""Tests of whole systems: the image under QEMU, seen through its consoles, its memory and GDB."""

# SPDX-License-Identifier: Apache-2.0
"""How big the VMM is."""

from elftools.elf.elffile import ELFFile
from understudy.pytest_plugin import Build

from . import systems

LIMIT, LIMIT_PLAIN = 64 * 1024, 48 * 1024


def test_text_of_the_vmm(vmm_build: Build) -> None:
    """Small enough to be read: less than 64 KiB with the complete recovery engine, less than 48 KiB without it."""
    sizes = []
    for name, fault_tolerance in (("test-size", True), ("test-size-plain", False)):
        image = vmm_build(systems.system(name, {}, systems.healthy_vms(), fault_tolerance=fault_tolerance))
        with image.elf.open("rb") as stream:
            text = ELFFile(stream).get_section_by_name(".text")
            assert text
            held = int(text["sh_size"])
        used = int(image.manifest["text_bytes"])
        assert 0 <= held - used < 4096, "the section is filled up to a page"
        sizes.append(used)
    assert sizes[1] < LIMIT_PLAIN
    assert sizes[1] < sizes[0] < LIMIT

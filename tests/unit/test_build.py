# SPDX-License-Identifier: Apache-2.0
"""Building the toy system with the real compiler: templates, incremental work, and the checks of the result."""

import json
import re
import struct
import zlib
from pathlib import Path

import pytest
from understudy.errors import BuildError, ImageError
from understudy.image import Image, build
from understudy.image.checks import check_segments
from understudy.image.elf import Elf, LoadSegment, read_elf
from understudy.image.layouts import read_layouts
from understudy.image.render import render
from understudy.image.seal import seal


@pytest.fixture
def image(toy: Path) -> Image:
    return build("toy")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_image_is_bootable_and_described(image: Image) -> None:
    manifest = json.loads((image.folder / "manifest.json").read_text())
    assert manifest == image.manifest
    assert len(image.build_id) == 16
    assert image.build_id.encode() in image.elf.read_bytes()
    assert list(manifest["vms"]) == ["vm0", "left", "right"]
    memory = [vm["memory"] for vm in manifest["vms"].values()]
    assert [part["base"] - memory[0]["base"] for part in memory] == [0, 0x200000, 0x400000]
    assert memory[0]["base"] % 0x100000 == 0
    assert manifest["channels"] == [["left", "right"]]


def test_each_side_lies_in_its_window(image: Image) -> None:
    guest = image.manifest["guests"]["two"]
    windows = {segment["window"] for segment in guest["segments"]}
    assert windows == {1, 2, 3, 4}
    for segment in guest["segments"]:
        assert not (segment["writable"] and segment["executable"])  # W^X
        assert segment["va"] % 0x1000 == segment["mem_size"] % 0x1000 == 0
        assert not (segment["stack"] and segment["file_size"])
    assert sum(segment["stack"] for segment in guest["segments"]) == 3
    for task in guest["tasks"]:
        assert task["entry"] >> 20 == task["window"]
        below = [s for s in guest["segments"] if s["va"] <= task["stack_base"] - 1 < s["va"] + s["mem_size"]]
        assert not below, "no guard page below the stack"


def test_each_segment_has_the_checksum_of_its_bytes_in_the_image(image: Image) -> None:  # D8
    vmm, known = image.elf.read_bytes(), image.manifest["symbols"]
    place = next(s for s in read_elf(image.elf).segments if s.address == known["__guest_images_start"])
    segments = [segment for guest in image.manifest["guests"].values() for segment in guest["segments"]]
    assert sum(segment["file_size"] != 0 for segment in segments) >= 4
    for segment in segments:
        at = place.offset + known.get(segment["symbol"], place.address) - place.address
        assert segment["crc"] == zlib.crc32(vmm[at : at + segment["file_size"]])


def test_image_carries_the_checksums_of_its_text(image: Image) -> None:
    """# D8 The VMM's own ones are written after linking; those of the guests come with the tables; twice is as once."""
    elf, content = read_elf(image.elf), image.elf.read_bytes()
    known = elf.addresses()

    def memory(start: int, end: int) -> bytes:
        found = next(s for s in elf.segments if s.address <= start < s.address + s.file_size)
        return content[found.offset + start - found.address :][: end - start].ljust(end - start, b"\0")

    pages = range(known["__text_start"], known["__checksums_start"], 0x1000)
    assert len(pages) >= 2
    sums = struct.unpack_from(f"<{len(pages)}I", memory(known["__checksums_start"], known["__rodata_end"]))
    assert list(sums) == [zlib.crc32(memory(page, page + 0x1000)) for page in pages]
    for segment in (s for guest in image.manifest["guests"].values() for s in guest["segments"] if s["file_size"]):
        golden = range(known[segment["symbol"]], known[segment["symbol"]] + segment["file_size"], 0x1000)
        assert segment["sums"] == [zlib.crc32(memory(page, page + 0x1000)) for page in golden]
    before = image.elf.stat().st_mtime_ns
    seal(image.elf)
    assert image.elf.stat().st_mtime_ns == before


def test_tasks_of_one_source_are_apart(image: Image) -> None:
    elf = read_elf(image.folder / "guests" / "two.elf")
    totals = [symbol for symbol in elf.symbols if symbol.name == "total" and symbol.size == 8]
    assert sorted(symbol.address >> 20 for symbol in totals) == [3, 4]
    assert [symbol.address >> 20 for symbol in elf.symbols if symbol.name == "OSTime"] == [1]
    copies = sorted(symbol.address >> 20 for symbol in elf.symbols if symbol.name == "toy_copy")
    assert copies == [1, 2], "the library is linked once for the kernel and once for the tasks"


def test_templates_get_their_parameters(image: Image) -> None:
    texts = [(image.folder / f"guests/two/task{n}/work.c").read_text() for n in (0, 1)]
    assert [("OSTime = 0" in text, "total = 42" in text) for text in texts] == [(True, True), (False, True)]
    assert "Task 1 (second) of two." in texts[1]


def test_header_takes_the_mask_of_pure_calls(image: Image) -> None:
    elf = read_elf(image.folder / "guests" / "two.elf")
    data = elf.path.read_bytes()[elf.segments[0].offset + 0x20 :]
    magic, version, top, mask = struct.unpack_from("<4I", data)
    assert (magic, version, mask) == (0x31494D56, 1, 0b100001)
    assert top == elf.addresses()["__kernel_stack_top"]


def test_policy_of_each_vm_reaches_the_tables(image: Image) -> None:
    tables = (image.folder / "config_tables.c").read_text()
    segments = image.manifest["guests"]["two"]["segments"]
    assert tables.count("SAVE_FULL") == sum(not segment["stack"] for segment in segments)  # of VM right only
    assert "&guest_2" in tables
    assert "config_guest_count = 2" in tables, "a guest is listed once, whatever the policies"


def test_nothing_changed_means_nothing_done(image: Image) -> None:
    before = {path: path.stat().st_mtime_ns for path in image.folder.rglob("*") if path.is_file()}
    again = build("toy")
    assert again.build_id == image.build_id
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_header_change_is_noticed(toy: Path, image: Image) -> None:
    change(toy / "guests/lib/toy.h", "kernel_area[300]", "kernel_area[301]")
    with pytest.raises(BuildError, match="kernel_area"):
        build("toy")
    change(toy / "guests/lib/copy.c", "kernel_area[300]", "kernel_area[301]")
    assert build("toy").build_id != image.build_id


def test_without_fault_tolerance_other_sources_are_linked(toy: Path) -> None:
    for folder in ("recovery", "plain"):
        (toy / "vmm-c" / folder).mkdir()
        (toy / "vmm-c" / folder / "x.c").write_text(f"void in_{folder}(void);\nvoid in_{folder}(void) {{}}\n")
    change(
        toy / "vmm-c/core/main.c", "void vmm_main(void) {", "void in_plain(void);\nvoid vmm_main(void) {\n  in_plain();"
    )
    change(toy / "qemu-configs/systems/toy.toml", 'name = "toy"', 'name = "toy"\nfault_tolerance = false')
    image = build("toy")
    assert "in_plain" in image.manifest["symbols"]
    assert "recovery" not in (image.folder / "build.ninja").read_text()
    assert not any(vm["fault_tolerant"] for vm in image.manifest["vms"].values())


def test_trace_points_are_compiled_into_the_vmm_only(toy: Path, image: Image) -> None:
    change(
        toy / "vmm-c/core/main.c",
        "void vmm_main(void) {",
        "uint32_t trace_ring;\nvoid vmm_main(void) {\n#ifdef TRACE_POINTS\n  trace_ring++;\n#endif\n",
    )
    assert "trace_ring" not in build("toy").manifest["symbols"]
    change(toy / "qemu-configs/systems/toy.toml", 'name = "toy"', 'name = "toy"\ntrace_points = true')
    traced = build("toy")
    assert traced.build_id != image.build_id
    assert "trace_ring" in traced.manifest["symbols"]
    compiled = re.findall(
        r"^build \S+: cc (\S+).*\n(?:.*\n)*?  flags = (.*)", (traced.folder / "build.ninja").read_text(), re.M
    )
    assert {source for source, flags in compiled if "-DTRACE_POINTS" in flags} == {
        "vmm-c/arch/armv7/start.S",
        "vmm-c/core/main.c",
        "build/systems/toy/config_tables.c",
        "build/systems/toy/guest_images.S",
    }
    assert len(compiled) > 8


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "guests/apps/work.c.j2",
            "{{ start }}",
            "{{ strat }}",
            r"no parameter 'start' in guests/apps/work\.c\.j2; known: kill, strat",
        ),
        ("guests/apps/work.c.j2", "{% endif %}", "", r"work\.c\.j2:\d+: "),
        ("guests/apps/work.c.j2", "toy_delay(", "toy_dely(", r"work\.c:\d+:\d+: error: .*toy_dely"),
        ("guests/apps/work.c.j2", "buffer[300]", "buffer[0x100000]", r"two\.elf|does not fit its window"),
        ("qemu-configs/systems/toy.toml", 'entry = "work", sources', 'entry = "wrk", sources', "wrk"),
        ("qemu-configs/systems/toy.toml", "apps/work.c.j2", "apps/wark.c.j2", r"no source 'apps/wark\.c\.j2'"),
        ("guests/lib/start.S", "VMI_HEADER_MAGIC", "0", r"no image header at \+0x20"),
        ("guests/lib/start.S", "VMI_ABI_VERSION", "9", r"header says VMI version 9"),
        ("guests/lib/start.S", "__kernel_stack_top", "4", r"stack_top of the header is 0x00000004"),
        (
            "guests/rtos/kernel.c",
            "void kernel_main(void) {",
            "void kernel_main(void) {\n  toy_delay(1);",
            "'toy_delay'",
        ),
    ],
)
def test_broken_guest_is_refused(toy: Path, file: str, old: str, new: str, message: str) -> None:
    change(toy / file, old, new)
    with pytest.raises(BuildError, match=message):
        build("toy")


def test_guest_that_does_not_fit_its_partition_is_refused(toy: Path) -> None:
    change(toy / "qemu-configs/systems/toy.toml", 'heap = "8K"', 'heap = "768K"')
    with pytest.raises(ImageError, match=r"vm\.left\.memory: guest 'two' needs \d+ bytes"):
        build("toy")


def test_vmm_without_a_symbol_is_refused(toy: Path) -> None:
    change(toy / "vmm-c/core/main.c", "  used[1] = config_guests;\n", "")
    with pytest.raises(ImageError, match="missing symbols: config_guests"):
        build("toy")


def segment(address: int, size: int = 0x1000, *, writable: bool = False, executable: bool = False) -> LoadSegment:
    return LoadSegment(address, address, 0, size, size, writable, executable)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([segment(0x1000, writable=True, executable=True)], "W^X"),
        ([segment(0x1010)], "does not start on a page"),
        ([segment(0x1000, 0x1001), segment(0x2000)], "overlap or share a page"),
        ([segment(0x2000), segment(0x1000)], None),
    ],
)
def test_segment_rules(segments: list[LoadSegment], message: str | None) -> None:
    problems = list(check_segments(Elf(Path("x.elf"), 0, tuple(segments), (), frozenset())))
    assert [message in problem for problem in problems] == ([True] if message else []) if message else not problems


def test_not_an_elf_file(tmp_path: Path) -> None:
    path = tmp_path / "x.elf"
    path.write_text("hello")
    with pytest.raises(BuildError, match=r"x\.elf: Magic number does not match"):
        read_elf(path)
    with pytest.raises(BuildError, match="No such file"):
        read_elf(tmp_path / "none.elf")


def test_layouts_come_from_debug_information(image: Image) -> None:
    layout = read_layouts(image.elf, ("ready_table", "channel_config"))["structures"]
    assert layout["channel_config"] == {"size": 2, "members": {"vm": [0, 2, 2]}}


def test_template_error_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.j2"
    path.write_text("one\n{% bad %}\n")
    with pytest.raises(BuildError, match=r"x\.j2:2: "):
        render(path)

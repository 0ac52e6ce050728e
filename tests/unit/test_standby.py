# SPDX-License-Identifier: Apache-2.0
"""Standby VMs in the TOML, and what the guests of a pair must have in common."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from understudy.config.load import load_system
from understudy.config.standby import Pair, pairs
from understudy.config.variant import variant
from understudy.errors import BuildError, ConfigError, ImageError
from understudy.image import Image, build

RAM = 0xE0000
SPARE = {"guest": "two", "priority": 5, "standby_for": "left"}
SLOT = "VMI_PERSISTENT static volatile struct { uint32_t turn; uint32_t kept[2]; } slot = {7, {1, 2}};"


def system(toy: Path, *, channel: Any = None, settings: Mapping[str, Any] | None = None, **vms: Any) -> dict[str, Any]:
    """The toy system with more VMs, or others."""
    changes = {"vm": vms, "channel": channel, "system": settings or {}}
    return variant(
        str(toy / "qemu-configs/systems/toy.toml"), {k: v for k, v in changes.items() if k != "channel" or v}
    )


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_system(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Pair("left", "spare", True, 0xFFFF, 100)),
        ({"every_ms": 40, "regions": "all"}, Pair("left", "spare", True, 0xFFFF, 40)),
        ({"regions": ["persistent"]}, Pair("left", "spare", False, 0xFFFF, 100)),
        ({"regions": ["kernel", "second"]}, Pair("left", "spare", False, 1 << 1 | 1 << 4, 100)),
        ({"guest": "vm0"}, Pair("left", "spare", False, 0xFFFF, 100)),
    ],
)
def test_pair_is_what_the_table_says(toy: Path, settings: dict[str, Any], expected: Pair) -> None:
    """Whatever is left out: all of the primary, but only persistent memory of another build."""
    model, _ = load_system(system(toy, spare={**SPARE, **settings}))
    assert pairs(model) == [expected]


def test_period_is_rounded_up_to_ticks(toy: Path) -> None:
    model, _ = load_system(system(toy, spare={**SPARE, "every_ms": 25}, settings={"tick_us": 2000}))
    assert pairs(model)[0].period == 13


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"standby_for": "lift"}, r"vm\.spare\.standby_for: no VM named 'lift'; known: vm0, left, right, spare"),
        ({"standby_for": "spare"}, r"vm\.spare\.standby_for: names itself"),
        ({"standby_for": "vm0"}, r"vm\.spare\.standby_for: the management VM can neither have nor be a standby"),
        ({"policy": {"vm_period": 2}}, r"vm\.spare\.policy: a standby takes over that of 'left': leave it out"),
        ({"recovery": {"window_ms": 5}}, r"vm\.spare\.recovery: a standby takes over that of 'left'"),
        ({"uart": 3}, r"vm\.spare\.uart: a standby takes over that of 'left'"),
        ({"fault_tolerant": False}, r"vm\.spare\.fault_tolerant: a standby takes over that of 'left'"),
        ({"every_ms": 19}, r"vm\.spare\.every_ms: is 19: must be 20 \(system\.housekeeping_ms\) to 60000"),
        ({"every_ms": 60_001}, r"vm\.spare\.every_ms: is 60001"),
        ({"regions": "some"}, r"vm\.spare\.regions: must be \"all\" or an array such as \[\"persistent\"\]"),
        ({"regions": []}, r"vm\.spare\.regions: is empty"),
        ({"regions": ["all", "kernel"]}, r"vm\.spare\.regions: all, kernel: 'all' contains the others"),
        ({"regions": ["third"]}, r"no region 'third' .* known: all, persistent, kernel, shared, first, second"),
        ({"regions": "all", "guest": "vm0"}, r"is 'all', but 'vm0' is another build than 'two': only persistent"),
    ],
)
def test_wrong_standby_is_refused(toy: Path, settings: dict[str, Any], message: str) -> None:
    assert re.search(message, refused(system(toy, spare={**SPARE, **settings})))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"more": SPARE}, r"vm: 'spare', 'more' all stand by for 'left': a VM has one standby"),
        ({"more": {**SPARE, "standby_for": "spare"}}, r"vm\.more\.standby_for: 'spare' is a standby itself, of 'left'"),
        ({"right": {"every_ms": 50}}, r"vm\.right\.every_ms: is of no use without standby_for"),
        ({"right": {"regions": "all"}}, r"vm\.right\.regions: is of no use without standby_for"),
        ({"left": {"fault_tolerant": False}}, r"vm\.spare\.standby_for: 'left' is not fault tolerant"),
        (
            {"channel": [{"between": ["spare", "right"]}]},
            r"channel\[0\]\.between: 'spare' is a standby and takes over the channels of 'left': name 'left'",
        ),
        ({"settings": {"fault_tolerance": False}}, r"vm\.spare\.standby_for: needs system\.fault_tolerance"),
        ({"settings": {"housekeeping_ms": 0}}, r"vm\.spare\.standby_for: needs system\.housekeeping_ms above 0"),
    ],
)
def test_wrong_partner_is_refused(toy: Path, data: dict[str, Any], message: str) -> None:
    assert re.search(message, refused(system(toy, spare=SPARE, **data)))


def persist(toy: Path, guest_kernel: str, declaration: str) -> None:
    """Give a kernel of the toy a persistent variable that it uses."""
    path = toy / guest_kernel
    use = "\nuint32_t toy_use(void);\nuint32_t toy_use(void) { return slot.turn; }\n"
    text = '#define VMI_PERSISTENT __attribute__((section(".persistent")))\n' + declaration + use
    path.write_text(path.read_text() + text)


@pytest.fixture
def builds(toy: Path) -> Path:
    """Two guests with the same persistent memory in their kernels."""
    for kernel in ("guests/rtos/kernel.c", "guests/vm0/main.c"):
        persist(toy, kernel, SLOT)
    return toy


def other_build(toy: Path, **settings: Any) -> Image:
    return build(system(toy, spare={**SPARE, "guest": "vm0", **settings}))


def segments(image: Image, guest: str) -> list[tuple[int, int]]:
    return [(s["va"], s["persistent"]) for s in image.manifest["guests"][guest]["segments"] if s["persistent"]]


def test_builds_with_equal_layouts_have_equal_hashes(builds: Path) -> None:
    """What another build has left can be used: the VMM compares addresses, sizes and hashes."""
    image = other_build(builds)
    assert segments(image, "two") == segments(image, "vm0") == [(0x100000 + RAM, segments(image, "two")[0][1])]
    tables = (image.folder / "config_tables.c").read_text()
    assert ".standby = &config_standbys[0]" in tables
    assert "config_standby_count = 1" in tables


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("kept[2]", "kept[3]", r"two has 'slot' of 12 bytes at 0x001e0000, vm0 has 'slot' of 16 bytes"),
        ("static volatile struct", "uint32_t more = 1; VMI_PERSISTENT static volatile struct", r"vm0 has 'more' of 4"),
        ("VMI_PERSISTENT static", "static", r"vm0 has nothing more"),
    ],
)
def test_builds_with_other_layouts_are_refused(builds: Path, old: str, new: str, difference: str) -> None:
    path = builds / "guests/vm0/main.c"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ImageError, match=r"vm\.spare\.regions: persistent memory of guests 'two' and 'vm0' differs"):
        other_build(builds)
    with pytest.raises(ImageError, match=difference):
        other_build(builds)


def test_builds_without_persistent_memory_are_refused(toy: Path, builds: Path) -> None:
    with pytest.raises(ImageError, match=r"guests 'two' and 'two': none in these regions"):
        build(system(builds, spare={**SPARE, "regions": ["shared"]}))


def test_too_little_memory_for_the_other_guest_is_refused(builds: Path) -> None:
    """# R12 The two may change places: each must hold the guest of the other one."""
    tasks = [{**task, "heap": "400K"} for task in system(builds)["guest"]["two"]["tasks"]]
    data = variant(
        system(builds, spare={**SPARE, "guest": "vm0", "memory": "1M"}, left={"memory": "8M"}, right={"memory": "8M"}),
        {"guest": {"two": {"tasks": tasks}}},
    )
    with pytest.raises(
        ImageError,
        match=r"vm\.spare\.memory: guest 'two' needs \d+ bytes with the policy of 'left', the VM has 1048576",
    ):
        build(data)


def test_persistent_memory_limits_what_lies_below(builds: Path) -> None:
    """Data that would reach into persistent memory does not link."""
    path = builds / "guests/rtos/kernel.c"
    big = "static volatile char big[0xe0000];\n"
    text = path.read_text().replace("return slot.turn;", "return slot.turn + (uint32_t)big[slot.turn];")
    path.write_text(
        text.replace("#define VMI_PERSISTENT", big + "#define VMI_PERSISTENT").replace(
            "void kernel_main(void) {", "uint32_t toy_use(void);\nvoid kernel_main(void) {\n  (void)toy_use();"
        )
    )
    with pytest.raises(BuildError, match=r"the kernel of guest two does not fit its window"):
        other_build(builds)

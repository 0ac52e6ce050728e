# SPDX-License-Identifier: Apache-2.0
"""The judges of the campaign of faults in the VMM: output against that of the golden run."""

import pytest
from understudy.vmm_faults.output import difference

GOLDEN = [f"{stream} {number} {number * 7:x}" for number in range(20) for stream in ("pc", "ft 0")]


def test_right_output() -> None:
    """The same, a beginning of it, and streams that interleave in another way."""
    assert difference(GOLDEN, GOLDEN, again=0) is None
    assert difference(GOLDEN[:7], GOLDEN, again=0) is None
    assert difference(sorted(GOLDEN[:12]), GOLDEN, again=0) is None


def test_repeated_lines() -> None:
    """A recovery may say a few lines again, and a restart begins anew."""
    pc = GOLDEN[::2]
    assert difference([*pc[:6], *pc[4:]], GOLDEN, again=2) is None
    assert difference([*pc[:6], *pc[3:]], GOLDEN, again=1) == "'pc 3 15' comes as number 3, after number 5"
    assert difference([*pc[:6], *pc], GOLDEN, again=0) is None


@pytest.mark.parametrize("wrong", ["pc 3 16", "xx 1 7", "", "pc", "\x00c 3 15"])
def test_wrong_line(wrong: str) -> None:
    assert difference([*GOLDEN[:5], wrong], GOLDEN, again=9) == f"{wrong!r} is no line of the golden run"


def test_fragment_of_a_line() -> None:
    """What the VMM was writing when it failed stands before the line that the guest writes next."""
    assert difference([*GOLDEN[:5], "p" + GOLDEN[4]], GOLDEN, again=2) == "'ppc 2 e' is no line of the golden run"
    assert difference([*GOLDEN[:5], "p" + GOLDEN[4], *GOLDEN[5:]], GOLDEN, again=2, fragments=1) is None
    assert difference([*GOLDEN[:5], "x" + GOLDEN[4]], GOLDEN, again=2, fragments=1) is not None


def test_lost_line() -> None:
    assert difference([*GOLDEN[:4], *GOLDEN[6:]], GOLDEN, again=9) == "'pc 3 15' comes as number 3, after number 1"

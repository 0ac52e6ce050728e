# SPDX-License-Identifier: Apache-2.0
"""What the guests must print, computed from nothing (formulas: guests/apps/sequence.h, guests/apps/*/*.c)."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import count, islice

_WORD = 0xFFFFFFFF
_HISTORY = 64
_LINE = re.compile(r"(ft \d+|tb|sp|hd|wt|pc|cl|cs|lw|pt) (\d+) (-?[0-9a-f]+)")
_LONGEST = 1 << 20
LOST = "(earlier lines are lost)"  # may stand in front of the lines of a VM without a UART


def xorshift(value: int) -> int:
    """xorshift32 (Marsaglia, 2003)."""
    value ^= value << 13 & _WORD
    value ^= value >> 17
    return value ^ value << 5 & _WORD


def sequence(seed: int) -> Iterator[int]:
    """The values of `struct sequence` in guests/apps/sequence.h."""
    history = [0] * _HISTORY
    state = seed
    for number in count():
        state = xorshift(state)
        history[number % _HISTORY] ^= state + number & _WORD
        yield sum(history) & _WORD


def produced() -> Iterator[int]:
    """The values that the producer puts into its buffer."""
    value = 0x2F6E2B1
    while True:
        value = xorshift(value)
        yield value


def integral() -> Iterator[int]:
    """The integral of the control loop's signal after each step, in units of 1/8192."""
    total = 0
    for step in count():
        total += step * 37 % 256 - 128
        yield total


def walked() -> Iterator[int]:
    """The sums that tests/system/apps/walker.c prints."""
    return count(136, 136)


def tallied() -> Iterator[int]:
    """The values that guests/apps/tally prints."""
    value = 0x7A11
    while True:
        value = xorshift(value)
        yield value


@cache
def _values(stream: str, size: int) -> list[int]:
    sources: dict[str, Callable[[], Iterator[int]]] = {
        "tb": lambda: sequence(0x7B),
        "sp": lambda: sequence(0x5B),
        "hd": lambda: sequence(0x4D),
        "wt": lambda: sequence(0x3E),
        "pc": produced,
        "cl": integral,
        "cs": integral,
        "lw": walked,
        "pt": tallied,
    }
    source = sources.get(stream) or (lambda: sequence(0x1000 + int(stream.split()[1])))
    return list(islice(source(), size))


def expected(stream: str, number: int) -> int:
    """The value that must stand in line `number` of a stream such as "tb" or "ft 3"."""
    size = 256
    while size <= number:
        size *= 2
    assert size <= _LONGEST, f"{stream} {number} is no plausible line"
    return _values(stream, size)[number]


def _value(stream: str, text: str) -> int:
    return int(text, 10 if stream in ("cl", "cs") else 16)


def streams(lines: Iterable[str]) -> dict[str, list[int]]:
    """Sort the lines by stream and return the numbers in them; every line must be known and carry the right value."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line == LOST:
            continue
        match = _LINE.fullmatch(line)
        assert match, f"unexpected line {line!r}"
        stream, number = match[1], int(match[2])
        assert _value(stream, match[3]) == expected(stream, number), f"wrong value: {line!r}"
        numbers[stream].append(number)
    return dict(numbers)


def unbroken(lines: Iterable[str], *, repeats: int = 0, starts: int = 1) -> dict[str, int]:
    """Check every value, and that no stream has a gap; return how far each stream came.

    Args:
        lines: complete lines of one VM, from its start.
        repeats: how many lines a stream may go back by in one step: an older generation lies before text that left.
        starts: how often a stream begins at its first line (cold restarts begin again).
    """
    lines = list(lines)
    lengths = {}
    for stream, numbers in streams(lines).items():
        step = 8 if stream == "cs" else 1
        first = step - 1
        before = numbers[0] - step if lines[0] == LOST else -1
        for number in numbers:
            if number != first and not before - repeats * step < number <= before + step:
                raise AssertionError(f"{stream}: {number} after {before}")
            before = number
        assert numbers.count(first) <= starts + repeats, f"{stream} began {numbers.count(first)} times"
        lengths[stream] = max(numbers) // step + 1
    return lengths

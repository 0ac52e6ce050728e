# SPDX-License-Identifier: Apache-2.0
"""Whether guests that may have been recovered print what they print without any fault."""

from collections import defaultdict
from collections.abc import Iterable


def by_stream(lines: Iterable[str]) -> dict[str, list[str]]:
    """Sort lines by the task that printed them: `tb 12 9f3c` is of stream `tb`. A line of another form is its own."""
    streams: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        stream = line.rsplit(" ", 2)[0] if line.count(" ") >= 2 else line
        streams[stream].append(line)
    return dict(streams)


def without_fragment(line: str, golden: frozenset[str]) -> str:
    """Return `cl 17 -483` of `cl 1cl 17 -483`: the VMM failed while it wrote a line, and the guest wrote it again."""
    for cut in range(1, len(line)):
        if line[cut:] in golden and any(other.startswith(line[:cut]) for other in golden):
            return line[cut:]
    return line


def difference(lines: Iterable[str], golden: Iterable[str], *, again: int, fragments: int = 0) -> str | None:
    """Say where lines differ from those of the golden run, or None: nowhere.

    Args:
        lines: of one VM, from its start.
        golden: of the same VM without a fault, and at least as many.
        again: how many lines of a stream a recovery may print once more. A stream may also begin anew.
        fragments: how many lines may have a part of another one before them.

    """
    golden = list(golden)
    right, known = by_stream(golden), frozenset(golden)
    lines = list(lines)
    odd = [number for number, line in enumerate(lines) if line not in known]
    for number in odd[:fragments]:
        lines[number] = without_fragment(lines[number], known)
    for stream, found in by_stream(lines).items():
        places = {line: number for number, line in enumerate(right.get(stream, []))}
        before = -1
        for line in found:
            place = places.get(line)
            if place is None:
                return f"{line!r} is no line of the golden run"
            if place != 0 and not before - again <= place <= before + 1:
                return f"{line!r} comes as number {place}, after number {before}"
            before = place
    return None

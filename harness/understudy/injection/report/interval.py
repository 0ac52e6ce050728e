# SPDX-License-Identifier: Apache-2.0
"""Shares with their intervals on a logarithmic axis, so that one in ten thousand is to be seen beside one in two."""

from math import log10

from understudy.injection.report.svg import percent

_MARGIN = 9.0  # per cent of the width at each end


def whisker(share: float, low: float, high: float, lowest: int) -> str:
    """Return the picture of a share and its interval; the axis goes from 10 to the power of `lowest` to 1.

    What never occurred has no point on such an axis: an arrow from its upper bound to the left.
    """
    right = _at(high, lowest)
    left = _at(low, lowest) if share else _MARGIN
    said = f"{percent(share)}; at 95 % confidence {percent(low)} to {percent(high)}"
    parts = [_grid(lowest)]
    parts.append(f'<line x1="{left:.2f}%" x2="{right:.2f}%" y1="9" y2="9" class="span"/>')
    parts.append(f'<line x1="{right:.2f}%" x2="{right:.2f}%" y1="5" y2="13" class="span"/>')
    if share:
        parts.append(f'<line x1="{left:.2f}%" x2="{left:.2f}%" y1="5" y2="13" class="span"/>')
        parts.append(f'<circle cx="{_at(share, lowest):.2f}%" cy="9" r="4" class="dot"/>')
    else:
        parts.append(f'<svg x="{left:.2f}%" y="0" overflow="visible"><path d="M7 5L0 9L7 13" class="arrow"/></svg>')
    return (
        f'<svg class="whisker" height="18" role="img" aria-label="{said}"><title>{said}</title>{"".join(parts)}</svg>'
    )


def axis(lowest: int) -> str:
    """Return the numbers of the axis; every second decade where there are many."""
    step = 1 if lowest > -4 else 2
    parts = [
        f'<text x="{_at(10.0**power, lowest):.2f}%" y="12" class="tick">{percent(10.0**power).replace(" ", "")}</text>'
        for power in range(0, lowest - 1, -step)
    ]
    return f'<svg class="whisker" height="16" aria-hidden="true">{"".join(parts)}</svg>'


def _grid(lowest: int) -> str:
    return "".join(
        f'<line x1="{_at(10.0**power, lowest):.2f}%" x2="{_at(10.0**power, lowest):.2f}%" y1="0" y2="18" class="rule"/>'
        for power in range(lowest, 1)
    )


def _at(share: float, lowest: int) -> float:
    """Return where a share lies, in per cent of the width."""
    part = 1 - max(lowest, log10(share) if share > 0 else lowest) / lowest
    return _MARGIN + part * (100 - 2 * _MARGIN)

# SPDX-License-Identifier: Apache-2.0
"""What a number of outcomes says about a probability."""

import math

_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution: two-sided 95 %


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a proportion (E. B. Wilson, JASA 22, 1927).

    Args:
        hits: experiments with the outcome.
        total: all experiments.

    """
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    centre = share + _Z * _Z / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z * _Z / (4 * total * total))
    scale = 1 + _Z * _Z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)

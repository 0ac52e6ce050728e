# SPDX-License-Identifier: Apache-2.0
"""What a number of outcomes says about a probability.

Counts may be fractions: `effective` and `stratified` turn weighted experiments into the number of equal ones that say
as much. Intervals are two-sided, bounds one-sided.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from attrs import frozen

from understudy.errors import UnderstudyError

CONFIDENCE = 0.95
_TINY = 1e-300
_PRECISION = 1e-15
_STEPS = 100_000  # of the continued fraction, which needs about the square root of the number of experiments


@frozen
class Share:
    """A proportion, or a difference of two, with its interval."""

    value: float
    low: float
    high: float


@frozen
class Stratum:
    """What was found in one part of a fault space; `size` is that of the part, in any unit."""

    size: float
    hits: float
    total: float


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(hits: float, total: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a proportion (E. B. Wilson, JASA 22, 1927): as long as it should be on average.

    Args:
        hits: experiments with the outcome.
        total: all experiments.
        confidence: how often the interval holds the true proportion.

    """
    if total == 0:
        return 0.0, 1.0
    z = _quantile(confidence)
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = (centre - spread) / scale if hits else 0.0
    high = (centre + spread) / scale if hits < total else 1.0
    return max(0.0, low), min(1.0, high)


def share(hits: float, total: float, confidence: float = CONFIDENCE) -> Share:
    """Return a proportion with its interval by `wilson`; 0 for that of nothing."""
    return Share(hits / total if total else 0.0, *wilson(hits, total, confidence))


def clopper_pearson(hits: float, total: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a proportion, never too short (Clopper and Pearson, Biometrika 26, 1934)."""
    return lower_bound(hits, total, (1 + confidence) / 2), upper_bound(hits, total, (1 + confidence) / 2)


def upper_bound(hits: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return what the true proportion exceeds with a chance of at most `1 - confidence` (exact, one-sided)."""
    if hits >= total:
        return 1.0
    if hits == 0:
        return rule_of_three(total, confidence)
    return _beta_quantile(confidence, hits + 1, total - hits)


def lower_bound(hits: float, total: float, confidence: float = CONFIDENCE) -> float:
    """Return what the true proportion is below with a chance of at most `1 - confidence` (exact, one-sided)."""
    return 1 - upper_bound(total - hits, total, confidence) if hits else 0.0


def rule_of_three(total: float, confidence: float = CONFIDENCE) -> float:
    """Return the upper bound after `total` experiments without a hit: about 3 / total at 95 %."""
    return -math.expm1(math.log1p(-confidence) / total) if total else 1.0


def without_hit(bound: float, confidence: float = CONFIDENCE) -> int:
    """Return how many experiments without a hit show that a proportion is at most `bound`: about 3 / bound at 95 %."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-bound))


def difference(one: Share, other: Share) -> Share:
    """Return `one - other`, its interval from theirs (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10).

    With intervals by `wilson` this is Newcombe's; both must have the same confidence.
    """
    value = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    return Share(value, max(-1.0, value - down), min(1.0, value + up))


def effective(hits: float, total: float, squares: float) -> tuple[float, float]:
    """Return the numbers of hits and of experiments that would say as much if all weights were equal (L. Kish, 1965).

    Args:
        hits: sum of the weights of the experiments with the outcome.
        total: sum of all weights.
        squares: sum of the squares of all weights.

    """
    if not squares:
        return 0.0, 0.0
    number = total * total / squares
    return _whole(number * hits / total), _whole(number)


def stratified(strata: Iterable[Stratum]) -> tuple[float, float]:
    """Return the same for parts that were sampled apart, each standing for its size (E. L. Korn, B. I. Graubard, 1998).

    Parts without experiments say nothing and are left out.
    """
    parts = [part for part in strata if part.total]
    if not parts:
        return 0.0, 0.0
    size = sum(part.size for part in parts)
    value = sum(part.size / size * part.hits / part.total for part in parts)
    spread = sum(_variance(part, size) for part in parts)
    alike = 1 / sum((part.size / size) ** 2 / part.total for part in parts)
    number = value * (1 - value) / spread if spread else alike  # no spread: all parts are of one mind
    number = min(number, sum(part.total for part in parts))
    return _whole(value * number), _whole(number)


def _whole(number: float) -> float:
    """Take back what rounding has added to a whole number: with equal weights nothing may change."""
    nearest = round(number)
    return float(nearest) if math.isclose(number, nearest, rel_tol=1e-9, abs_tol=1e-9) else number


def _variance(part: Stratum, size: float) -> float:
    value = part.hits / part.total
    return float((part.size / size) ** 2 * value * (1 - value) / part.total)


def sample_size(
    margin: float, *, confidence: float = CONFIDENCE, space: int | None = None, proportion: float = 0.5
) -> int:
    """Return how many experiments estimate a proportion within `margin` (R. Leveugle and others, DATE 2009).

    Args:
        margin: half the length of the interval, as 0.01 for 1 %.
        confidence: of that interval.
        space: how many faults there are; None: more than one can count.
        proportion: what is expected; one half is the worst case.

    """
    for name, value in (("margin", margin), ("confidence", confidence), ("proportion", proportion)):
        if not 0 < value < 1:
            raise UnderstudyError(f"{name} must be between 0 and 1 (1 % is 0.01), not {value:g}")
    ideal = _quantile(confidence) ** 2 * proportion * (1 - proportion) / margin**2
    if space is None:
        return math.ceil(ideal)
    if space < 1:
        raise UnderstudyError(f"a fault space has at least one fault, not {space}")
    return math.ceil(space / (1 + (space - 1) / ideal))


def _beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the x for which `_beta(x, a, b)` is `probability`."""
    low, high = 0.0, 1.0
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _beta(middle, a, b) < probability else (low, middle)
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - _beta(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) / (a * _continued(_beta_terms(x, a, b)))


def _beta_terms(x: float, a: float, b: float) -> Iterable[float]:
    """Yield the numerators of the continued fraction of I_x(a, b) (DLMF 8.17.22 and 8.17.23)."""
    for m in range(_STEPS):
        if m:
            yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _continued(numerators: Iterable[float]) -> float:
    """Return 1 + n1 / (1 + n2 / (1 + ...)) (modified Lentz's method)."""
    value, c, d = 1.0, 1.0, 0.0
    for numerator in numerators:
        d = 1 / (1 + numerator * d or _TINY)
        c = 1 + numerator / c or _TINY
        value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def quantiles(values: Sequence[int], probabilities: Sequence[float]) -> list[int]:
    """Return for each probability the smallest of the values that at least this share of them doesn't exceed."""
    ordered = sorted(values)
    return [ordered[max(0, math.ceil(probability * len(ordered)) - 1)] for probability in probabilities]

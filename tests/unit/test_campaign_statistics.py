# SPDX-License-Identifier: Apache-2.0
"""Statistics of campaigns against published examples, exact sums and each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from understudy.errors import UnderstudyError
from understudy.injection import statistics
from understudy.injection.statistics import Share, Stratum


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson(hits: int, total: int, low: float, high: float) -> None:
    """The last line is the example of Newcombe (Statistics in Medicine 17, 1998, page 857)."""
    assert statistics.wilson(hits, total) == pytest.approx((low, high), abs=5e-5)
    assert statistics.share(hits, total) == Share(hits / total, *statistics.wilson(hits, total))


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_clopper_pearson(hits: int, total: int, low: float, high: float) -> None:
    """The four examples of Newcombe."""
    assert statistics.clopper_pearson(hits, total) == pytest.approx((low, high), abs=5e-5)


def _at_most(hits: int, total: int, chance: float) -> float:
    return math.fsum(math.comb(total, n) * chance**n * (1 - chance) ** (total - n) for n in range(hits + 1))


@given(st.integers(1, 150).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_exact_bound_is_where_the_binomial_tail_is_five_percent(numbers: tuple[int, int]) -> None:
    hits, total = numbers
    upper, lower = statistics.upper_bound(hits, total), statistics.lower_bound(hits, total)
    assert lower <= hits / total <= upper
    if hits < total:
        assert _at_most(hits, total, upper) == pytest.approx(0.05, rel=1e-9)
    if hits:
        assert 1 - _at_most(hits - 1, total, lower) == pytest.approx(0.05, rel=1e-9)


def test_exact_bound_of_many_experiments() -> None:
    """Of a million it is that of the normal distribution, nearly; and it is there at once."""
    low, high = statistics.clopper_pearson(300_000, 1_000_000)
    assert (low, high) == pytest.approx(statistics.wilson(300_000, 1_000_000), abs=2e-6)


def test_interval_of_nothing() -> None:
    assert statistics.wilson(0, 0) == statistics.clopper_pearson(0, 0) == (0.0, 1.0)
    assert statistics.share(0, 0) == Share(0.0, 0.0, 1.0)


def test_rule_of_three() -> None:
    assert statistics.rule_of_three(10_000) == pytest.approx(3 / 10_000, rel=2e-3)
    assert statistics.rule_of_three(20) == pytest.approx(1 - 0.05 ** (1 / 20)) == statistics.upper_bound(0, 20)
    assert statistics.rule_of_three(0) == 1.0


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference(one: tuple[int, int], other: tuple[int, int], low: float, high: float) -> None:
    """Examples of Newcombe (Statistics in Medicine 17, 1998, page 873, method 10)."""
    found = statistics.difference(statistics.share(*one), statistics.share(*other))
    assert found.value == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_effective_number() -> None:
    """Equal weights change nothing; one heavy experiment is worth one."""
    assert statistics.effective(3 * 0.1, 10 * 0.1, 10 * 0.01) == pytest.approx((3, 10))
    assert statistics.effective(1e6, 1e6 + 99, 1e12 + 99)[1] == pytest.approx(1, rel=1e-3)
    assert statistics.effective(0, 0, 0) == (0, 0)


def test_strata() -> None:
    """Strata in proportion to their size; a small stratum with many experiments counts little."""
    assert statistics.stratified([Stratum(1, 5, 10), Stratum(1, 5, 10)]) == pytest.approx((10, 20))
    hits, total = statistics.stratified([Stratum(99, 0, 100), Stratum(1, 1000, 1000)])
    assert hits / total == pytest.approx(0.01)
    hits, total = statistics.stratified([Stratum(9, 0, 100), Stratum(1, 0, 100)])
    assert hits == 0
    assert total == pytest.approx(100 / 0.82)  # less than 200: most of what is asked was sampled with 100
    assert statistics.stratified([Stratum(1, 2, 4), Stratum(9, 0, 0)]) == pytest.approx((2, 4))
    assert statistics.stratified([]) == (0, 0)


def test_sample_size() -> None:
    """Leveugle and others, DATE 2009."""
    assert statistics.sample_size(0.01) == 9_604
    assert statistics.sample_size(0.005) == 38_415  # 38,416 with a quantile rounded to 1.96
    assert statistics.sample_size(0.01, space=1_000) == 906
    assert statistics.sample_size(0.01, space=1) == 1
    assert statistics.sample_size(0.001, proportion=0.01) < statistics.sample_size(0.001)


@pytest.mark.parametrize("wrong", [{"margin": 1}, {"margin": 0.1, "confidence": 95}, {"margin": 0.1, "space": 0}])
def test_sample_size_of_nonsense(wrong: dict[str, float]) -> None:
    with pytest.raises(UnderstudyError, match=r"between 0 and 1|at least one"):
        statistics.sample_size(**wrong)


def test_quantiles() -> None:
    assert statistics.quantiles([5, 1, 3, 2, 4], [0, 0.5, 0.9, 1]) == [1, 3, 5, 5]
    assert statistics.quantiles([7], [0.5]) == [7]

"""What may be claimed: Holm, Benjamini–Hochberg and the gate between families."""

import math

import numpy as np
import pytest

from cytoshift.shift.exact.families import FamilyDecision, FamilyResult, benjamini_hochberg, decide, holm


def primary(endpoint: str, *p_values: float) -> FamilyResult:
    return FamilyResult("primary", endpoint, "week_16", p_values)


def secondary(endpoint: str, *p_values: float) -> FamilyResult:
    return FamilyResult("secondary", endpoint, "week_16", p_values)


def words(decisions: list[FamilyDecision]) -> list[str]:
    return [decision.decision for decision in decisions]


def test_holm_counts_a_missing_p_value_as_one() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.02])), [0.03, 1, 0.04])
    np.testing.assert_allclose(holm(np.array([0.04, 0.01])), [0.04, 0.02])
    assert holm(np.array([])).size == 0


def test_benjamini_hochberg_ignores_a_missing_p_value_and_says_how_many_it_used() -> None:
    q_values, m = benjamini_hochberg(np.array([0.01, np.nan, 0.02, 0.9]))
    np.testing.assert_allclose(q_values, [0.03, np.nan, 0.03, 0.9])
    assert m == 3
    assert benjamini_hochberg(np.full(2, np.nan))[1] == 0


def test_p_values_outside_zero_and_one_are_refused() -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="between 0 and 1"):
            adjust(np.array([0.2, 1.2]))


GATES = {
    "a single primary is tested at alpha": ([primary("a", 0.05)], ["rejected"]),
    "a primary that fails closes everything": (
        [primary("a", 0.06), secondary("b", 0.001), secondary("c", 0.001)],
        ["not_rejected", "not_tested", "not_tested"],
    ),
    "one rejected primary of two does not open the gate": (
        [primary("a", 0.001), primary("b", 0.2), secondary("c", 0.001)],
        ["rejected", "not_rejected", "not_tested"],
    ),
    "two primaries share alpha by Holm": (
        [primary("a", 0.04), primary("b", 0.025), secondary("c", 0.04)],
        ["rejected", "rejected", "rejected"],
    ),
    "Holm needs one of two at alpha/2": ([primary("a", 0.04), primary("b", 0.03)], ["not_rejected", "not_rejected"]),
    "secondaries stop at the first that fails": (
        [primary("a", 0.01), secondary("b", 0.04), secondary("c", 0.06), secondary("d", 0.001)],
        ["rejected", "rejected", "not_rejected", "not_tested"],
    ),
    "a family that is only partly rejected keeps the next one closed": (
        [primary("a", 0.01), secondary("b", 0.01, 0.2), secondary("c", 0.001)],
        ["rejected", "rejected", "not_tested"],
    ),
    "a primary family that is only partly rejected keeps secondaries closed": (
        [primary("a", 0.01, 0.2), secondary("b", 0.001)],
        ["rejected", "not_tested"],
    ),
    "a missing primary counts as 1": ([primary("a", math.nan), secondary("b", 0.001)], ["not_rejected", "not_tested"]),
    "a primary without features cannot be rejected": (
        [primary("a"), secondary("b", 0.001)],
        ["not_rejected", "not_tested"],
    ),
    "plan order holds although the secondary is listed first": (
        [secondary("b", 0.001), primary("a", 0.2)],
        ["not_tested", "not_rejected"],
    ),
    "exploratory families decide nothing": (
        [primary("a", 0.01), FamilyResult("exploratory", "e", "week_16", (0.0001,))],
        ["rejected", "none"],
    ),
    "without a primary nothing is decided": ([secondary("b", 0.001)], ["none"]),
}


@pytest.mark.parametrize("name", GATES)
def test_gate(name: str) -> None:
    families, expected = GATES[name]
    assert words(decide(families)) == expected


def test_each_hypothesis_of_a_family_has_its_own_decision() -> None:
    first, second = decide([primary("a", 0.01), secondary("b", 0.02, math.nan, 0.3)])
    assert second.decisions == ("rejected", "not_rejected", "not_rejected")
    assert second.decision == "rejected"
    assert not second.fully_rejected
    assert second.p_adjusted == (0.02, 1.0, 0.3)
    assert second.p_value == 0.02
    assert "counted as 1: 1" in second.decided_by
    assert first.fully_rejected


def test_adjusted_p_carries_the_gate_with_it() -> None:
    decisions = decide([primary("a", 0.03), secondary("b", 0.01), secondary("c", 0.04), secondary("d", 0.02)])
    assert [decision.p_adjusted for decision in decisions] == [(0.03,), (0.03,), (0.04,), (0.04,)]


def test_words_name_what_decided() -> None:
    decisions = decide([primary("a", 0.001), primary("b", 0.2), secondary("c", 0.001)])
    assert decisions[0].decided_by == "primary: tested at 0.025, alpha shared by Holm over 2 families"
    assert decisions[1].decided_by == "primary: tested at 0.05, alpha shared by Holm over 2 families"
    assert decisions[2].decided_by == "secondary: not tested, because primary b in week_16 was not rejected"
    assert math.isnan(decisions[2].level)
    partly = decide([primary("a", 0.001, 0.2), secondary("c", 0.001)])
    assert partly[1].decided_by == "secondary: not tested, because primary a in week_16 was only partly rejected"
    explored = decide([primary("a", 0.5), FamilyResult("exploratory", "e", "w", (0.01, math.nan, 0.02))])[1]
    assert explored.decided_by == "exploratory: Benjamini–Hochberg over m = 2 p-values, no decision"
    np.testing.assert_allclose(explored.q_values, [0.02, np.nan, 0.02])
    assert decide([secondary("b", 0.001)])[0].decided_by.startswith("exploratory study")


def test_secondaries_may_share_alpha_by_holm() -> None:
    families = [primary("a", 0.01), secondary("b", 0.2), secondary("c", 0.02)]
    assert words(decide(families)) == ["rejected", "not_rejected", "not_tested"]
    assert words(decide(families, secondary="holm")) == ["rejected", "not_rejected", "rejected"]
    closed = [primary("a", 0.2), secondary("b", 0.001), secondary("c", 0.001)]
    assert words(decide(closed, secondary="holm")) == ["not_rejected", "not_tested", "not_tested"]


@pytest.mark.parametrize("seed", range(20))
def test_adjusted_p_is_the_smallest_alpha_that_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    families = [primary(name, *np.round(rng.beta(0.4, 2, size=rng.integers(1, 4)), 3)) for name in "abc"]
    families += [secondary(name, *np.round(rng.beta(0.4, 2, size=rng.integers(1, 3)), 3)) for name in "de"]
    for rule in ("in_order", "holm"):
        adjusted = [p for decision in decide(families, secondary=rule) for p in decision.p_adjusted]
        for alpha in (0.01, 0.05, 0.2, 0.5):
            decisions = [
                one for decision in decide(families, alpha=alpha, secondary=rule) for one in decision.decisions
            ]
            assert [one == "rejected" for one in decisions] == [p <= alpha for p in adjusted]


def test_families_of_one_hypothesis_are_adjusted_by_holm() -> None:
    p_values = np.array([0.02, 0.011, 0.3, 0.04])
    decisions = decide([primary(name, p) for name, p in zip("abcd", p_values, strict=True)])
    np.testing.assert_allclose([decision.p_adjusted[0] for decision in decisions], holm(p_values))


@pytest.mark.parametrize("rule", ["in_order", "holm"])
def test_family_wise_error_over_primary_and_secondary_is_at_most_alpha(rule: str) -> None:
    """Two primaries, one of them truly different, and a secondary: any false claim counts."""
    rng, false = np.random.default_rng(1), 0
    for _ in range(2000):
        null, other, real = rng.random(), rng.random(), rng.random() * 0.03
        decisions = decide([primary("a", real), primary("b", null), secondary("c", other)], secondary=rule)
        false += any(decision.decision == "rejected" for decision in decisions[1:])
    assert false / 2000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        decide([primary("a", 0.1)], alpha=5)
    with pytest.raises(ValueError, match="in_order or holm"):
        decide([primary("a", 0.1)], secondary="any")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tier 'main'"):
        decide([FamilyResult("main", "a", "b", (0.1,))])  # type: ignore[arg-type]

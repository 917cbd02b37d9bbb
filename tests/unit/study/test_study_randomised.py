"""Was what a contrast compares randomised?"""

from __future__ import annotations

import pytest

from cytoshift.study.contrasts import Contrast
from cytoshift.study.settings import Arm
from cytoshift.study.study import Design, contrast_randomised, randomised_arms

PLACEBO, LDN = Arm(id="placebo"), Arm(id="ldn")
HEALTHY = Arm(id="healthy", visits=["baseline"])
AGAINST_PLACEBO = Contrast(id="a", reference="baseline", target="week_8", arm="ldn", against="placebo")
AGAINST_HEALTHY = Contrast(id="b", at="baseline", arm="ldn", against="healthy")
WITHIN = Contrast(id="c", reference="baseline", target="week_8", arm="ldn")


@pytest.mark.parametrize(
    ("contrast", "randomised", "design", "expected"),
    [
        (AGAINST_PLACEBO, True, "parallel", True),
        (AGAINST_PLACEBO, True, "crossover", True),
        (AGAINST_PLACEBO, False, "parallel", False),
        (AGAINST_PLACEBO, None, "parallel", False),
        (AGAINST_HEALTHY, True, "parallel", False),
        (AGAINST_HEALTHY, True, "crossover", True),  # measured less often, but part of everybody's order
        (WITHIN, True, "parallel", False),
        (WITHIN, None, "single_arm", False),
    ],
)
def test_both_arms_must_have_taken_part(
    contrast: Contrast, randomised: bool | None, design: Design, expected: bool
) -> None:
    assert contrast_randomised(contrast, [PLACEBO, LDN, HEALTHY], randomised, design) is expected


def test_what_an_arm_says_of_itself_counts() -> None:
    followed_up = Arm(id="healthy", randomised=False)
    seen_twice = Arm(id="ldn", visits=["baseline", "week_8"], randomised=True)
    arms = [PLACEBO, seen_twice, followed_up]
    assert randomised_arms(arms, True, "parallel") == {"placebo", "ldn"}
    assert contrast_randomised(AGAINST_PLACEBO, arms, True, "parallel")
    assert not contrast_randomised(AGAINST_HEALTHY, arms, True, "parallel")
    assert randomised_arms(arms, False, "parallel") == set()

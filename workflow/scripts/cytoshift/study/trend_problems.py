"""Can a trend over doses be estimated: different people, two doses or more, and no arm named beside them?"""

from __future__ import annotations

from cytoshift.study.contrasts import Contrast
from cytoshift.study.problem_list import ProblemList
from cytoshift.study.study import ShiftPlan, Study, compared_arms


def check_trend(key: str, contrast: Contrast, study: Study | ShiftPlan, found: ProblemList) -> bool:
    """Note what keeps a contrast with `trend` from being one; returns whether the rest of it is worth a look."""
    if study.design != "parallel":
        why = {
            "single_arm": "'single_arm' has no other dose to compare with",
            "crossover": "compares doses of different people; in a crossover name `arm` and `against`",
        }[study.design]
        found.add(f"{key}.trend", why)
        return False
    named = {"arm": contrast.arm, "against": contrast.against, "each.arm": contrast.each and contrast.each.arm}
    beside = [name for name, value in named.items() if value]
    for name in beside:
        found.add(f"{key}.{name}", "stands beside `trend`, which takes every arm that states `dose_mg`; leave one out")
    dosed = compared_arms(contrast, study.arms)
    doses = sorted({arm.dose_mg for arm in study.arms if arm.dose_mg is not None})
    if len(doses) < 2:
        stated = ", ".join(f"{dose:g} mg" for dose in doses) or "none"
        whose = f" ({', '.join(dosed)})" if dosed else ""
        found.add(
            f"{key}.trend",
            f"needs arms of at least two doses; `dose_mg` states {stated}{whose}; placebo counts where it says "
            "`dose_mg: 0`",
        )
    return not beside and len(doses) > 1

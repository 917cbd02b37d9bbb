"""Can the contrasts be estimated: known visits and arms, a complete shape, a method that fits it?"""

from __future__ import annotations

from cytoshift.study.contrasts import Contrast, expand, visits_of
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.study import ShiftPlan, Study, compared_arms, contrast_randomised
from cytoshift.study.trend_problems import check_trend

Plan = Study | ShiftPlan
_PAIRED = ("auto", "paired_t", "moderated_t", "signed_rank", "detection")
_MIXED = ("mmrm", "random_intercept", "blocked")
_CROSSOVER = ("crossover", "crossover_model")
_METHODS = {
    # (shape, are the two arms the same people)
    ("change", True): (*_PAIRED, *_MIXED),
    ("at", True): (*_PAIRED, *_CROSSOVER),
    ("against", True): (*_PAIRED, *_CROSSOVER),
    ("at", False): ("auto", "welch_t", "student_t", "moderated_t", "rank_sum", "detection"),
    ("against", False): (
        "auto",
        "ancova",
        "change",
        "moderated_t",
        "welch_t",
        "student_t",
        "rank_sum",
        *_MIXED,
        "detection",
    ),
}
_TREND_METHODS = {"at": ("auto",), "against": ("auto", "ancova", "change")}
_SHAPES = {
    "change": "two visits within one arm",
    "at": "arms at one visit",
    "against": "changes in two arms",
}
_WITHOUT_COVARIATES = ("paired_t", "signed_rank", "welch_t", "student_t", "rank_sum", "detection")


def check_contrasts(study: Plan, found: ProblemList) -> None:
    """Note every mistake in `contrasts`."""
    for key, contrast in keyed("contrasts", study.contrasts):
        _check_names(key, contrast, study, found)
        _check_each(key, contrast, found)
        shape = _check_shape(key, contrast, study, found)
        if shape:
            _check_method(key, contrast, shape, study, found)
        _check_covariates(key, contrast, study, found)
    _check_expanded_ids(study, found)


def _check_names(key: str, contrast: Contrast, study: Plan, found: ProblemList) -> None:
    visits, arms = [visit.id for visit in study.visits], [arm.id for arm in study.arms]
    for name in ("reference", "target", "at"):
        named = visits_of(getattr(contrast, name))
        found.check_known(f"{key}.{name}", named, visits, "a visit")
        if len(set(named)) < len(named):
            found.add(f"{key}.{name}", "names a visit twice")
    shared = sorted(set(visits_of(contrast.reference)) & set(visits_of(contrast.target)))
    if shared and contrast.reference != contrast.target:
        found.add(f"{key}.target", f"{shared[0]!r} stands on both sides; leave it out of one")
    for name in ("arm", "against"):
        value = getattr(contrast, name)
        found.check_known(f"{key}.{name}", [value] if value else [], arms, "an arm")
    if contrast.each:
        found.check_known(f"{key}.each.target", contrast.each.target, visits, "a visit")
        found.check_known(f"{key}.each.arm", contrast.each.arm, arms, "an arm")


def _check_each(key: str, contrast: Contrast, found: ProblemList) -> None:
    if contrast.each is None:
        return
    axes = {"target": contrast.each.target, "arm": contrast.each.arm}
    if not any(axes.values()):
        found.add(f"{key}.each", "expands to nothing; legal: target: [visits], arm: [arms]")
    for name, values in axes.items():
        if values and getattr(contrast, name):
            found.add(f"{key}.{name}", f"stands beside `each.{name}`; keep one")
        if len(set(values)) < len(values):
            found.add(f"{key}.each.{name}", "names a value twice")


def _check_shape(key: str, contrast: Contrast, study: Plan, found: ProblemList) -> str:
    """Note what is missing or too much; returns the shape, or nothing where it is not clear."""
    target = contrast.target or (contrast.each and contrast.each.target)
    if contrast.trend and not check_trend(key, contrast, study, found):
        return ""
    arms = (contrast.each.arm if contrast.each else []) or ([contrast.arm] if contrast.arm else [])
    if contrast.at and (contrast.reference or target):
        found.add(key, "has both `at` (arms at one visit) and `reference`/`target` (visits); keep one")
        return ""
    if contrast.at and not contrast.trend:
        for name, given in (("arm", arms), ("against", contrast.against)):
            if not given:
                found.add(f"{key}.{name}", "is missing: `at` compares `arm` with `against`")
    elif not contrast.at and not (contrast.reference and target):
        missing = "target" if contrast.reference else "reference" if target else ""
        what = f"`{missing}` is missing" if missing else "compares nothing"
        found.add(key, f"{what}; legal: `reference` and `target`, or `at` with `arm` and `against`")
        return ""
    elif len(study.arms) > 1 and not arms and not contrast.trend:
        listed = ", ".join(arm.id for arm in study.arms)
        found.add(f"{key}.arm", f"is missing: the study has several arms; legal: {listed}")
    if contrast.against and study.design == "single_arm":
        found.add(f"{key}.against", "'single_arm' has no other arm to compare with")
        return ""
    if contrast.against in arms:
        found.add(f"{key}.against", f"{contrast.against!r} is compared with itself")
    for concrete in contrast.expanded():
        if concrete.reference and set(visits_of(concrete.reference)) == set(visits_of(concrete.target)):
            found.add(f"{key}.target", f"{concrete.id!r} compares a visit with itself")
        _check_measured(key, concrete, study, found)
    return "at" if contrast.at else "against" if contrast.compares_arms else "change"


def _check_measured(key: str, contrast: Contrast, study: Plan, found: ProblemList) -> None:
    """An arm that was measured at some visits only cannot be compared at others."""
    visits = {visit.id for visit in study.visits}
    arms = {arm.id: arm.visits for arm in reversed(study.arms)}
    for id_ in dict.fromkeys(compared_arms(contrast, study.arms)):
        measured = arms.get(id_)
        if measured is None or not visits.issuperset(measured):
            continue
        for visit in dict.fromkeys(contrast.visits()):
            if visit in visits and visit not in measured:
                found.add(key, f"arm {id_!r} was not measured at {visit!r} (`arms[{id_}].visits`)")


def _check_method(key: str, contrast: Contrast, shape: str, study: Plan, found: ProblemList) -> None:
    same_people = shape == "change" or study.design == "crossover"
    legal = _METHODS[shape, same_people] if contrast.trend is None else _TREND_METHODS[shape]
    if contrast.method not in legal and contrast.trend is not None:
        found.add(f"{key}.method", f"{contrast.method!r} does not fit a trend; legal: {', '.join(legal)}")
    elif contrast.method not in legal:
        people = "the same people" if same_people else "different people"
        found.add(
            f"{key}.method",
            f"{contrast.method!r} does not fit {_SHAPES[shape]}, {people}; legal: {', '.join(legal)}",
        )
    elif contrast.adjust and same_people:
        found.add(f"{key}.adjust", "has no effect: the same people are compared with themselves; leave it out")
    elif contrast.adjust and contrast.method in _WITHOUT_COVARIATES:
        found.add(f"{key}.adjust", f"has no effect: {contrast.method!r} takes no covariates")
    elif contrast.method in _CROSSOVER and isinstance(study, Study) and not _periods_named(study):
        found.add(
            f"{key}.method",
            f"{contrast.method!r} needs the order of the conditions: name the column of the period in "
            "`samples.columns.period` (or that of the date in `samples.columns.date`)",
        )
    if shape == "against" and not same_people and contrast.method == "auto":
        _check_assumption(key, contrast, study, found)


def _periods_named(study: Study) -> bool:
    columns = study.samples.columns
    return bool(columns.period or columns.date)


def _check_assumption(key: str, contrast: Contrast, study: Plan, found: ProblemList) -> None:
    """Where arms were not randomised the plan, not the program, says how they would have developed (Lord's paradox)."""
    known = {arm.id for arm in study.arms}
    arms, randomised, design = study.arms, study.randomised, study.design
    # a misspelt arm, or a study that does not say, is a mistake of its own
    concrete = [one for one in contrast.expanded() if one.trend or {one.arm, one.against} <= known]
    if randomised is None or all(contrast_randomised(one, arms, randomised, design) for one in concrete):
        return
    found.add(
        f"{key}.method",
        "arms were not randomised: name `ancova` (assumes that without the difference between them, subjects who "
        "start alike end alike) or `change` (assumes that all would have changed by the same amount)",
    )


def _check_covariates(key: str, contrast: Contrast, study: Plan, found: ProblemList) -> None:
    columns = study.samples.columns
    covariates = [covariate.id for covariate in study.samples.covariates]
    optional = [name for name in ("cohort", "specimen") if getattr(columns, name)]
    for name, values, legal in (
        ("adjust", contrast.adjust, [*covariates, "plate", *optional]),
        ("where", list(contrast.where), [*covariates, *optional]),
    ):
        for value in values:
            if value in ("cohort", "specimen") and value not in legal:
                found.add(f"{key}.{name}", f"{value!r} needs its column: `samples.columns.{value}`")
            else:
                found.check_known(f"{key}.{name}", [value], legal, "a covariate of `samples`")
        if len(set(values)) < len(values):
            found.add(f"{key}.{name}", "names a covariate twice")


def _check_expanded_ids(study: Plan, found: ProblemList) -> None:
    """`each` must not compose an id that another contrast has."""
    written = {contrast.id for contrast in study.contrasts}
    composed = [concrete.id for concrete in expand([one for one in study.contrasts if one.each])]
    for id_ in dict.fromkeys(composed):
        if id_ in written and any(one.id == id_ and not one.each for one in study.contrasts):
            found.add(f"contrasts[{id_}].id", f"{id_!r} is also composed by an `each`; choose another id")

"""Does the plan say who was selected, and from which population, in a way that can be used?"""

from __future__ import annotations

from cytoshift.study.endpoint_problems import check_feature
from cytoshift.study.problem_list import ProblemList
from cytoshift.study.selection import Population, plain_unit
from cytoshift.study.sources import is_log_unit
from cytoshift.study.study import Study
from cytoshift.vocabulary.names import all_analytes


def check_selection(study: Study, found: ProblemList) -> None:
    """Note every mistake in `selection`: unknown visits and features, limits that are none, a unit that is another."""
    if study.selection is None:
        return
    named, key = study.selection.visits, "selection.visits"
    found.check_known(key, named, [visit.id for visit in study.visits], "a visit")
    if len(set(named)) < len(named):
        found.add(key, "names a visit twice")
    first: dict[str, str] = {}
    for place, entry in enumerate(study.selection.populations, start=1):
        key = f"selection.populations[{place}]"
        check_feature(entry.feature, f"{key}.feature", study, found)
        if entry.feature in first:
            found.add(f"{key}.feature", f"{entry.feature!r} was described before, in {first[entry.feature]}; keep one")
        first.setdefault(entry.feature, key)
        _check_mean(key, entry, found)
        unit = _unit_of(entry.feature, study)
        if unit is not None and plain_unit(unit) != plain_unit(entry.unit):
            found.add(
                f"{key}.unit", f"{entry.unit!r} is not the unit of {entry.feature!r} here, {unit!r}; convert the mean"
            )


def _check_mean(key: str, entry: Population, found: ProblemList) -> None:
    low, high = entry.mean_low, entry.mean_high
    if (low is None) != (high is None):
        given, missing = ("mean_low", "mean_high") if high is None else ("mean_high", "mean_low")
        found.add(f"{key}.{missing}", f"is missing: limits come together, and `{given}` is there")
    elif low is not None and high is not None and not low < entry.mean < high:
        found.add(f"{key}.mean", f"{entry.mean:g} does not lie between its limits {low:g} and {high:g}")
    unit = plain_unit(entry.unit)
    top = {"%": 100.0, "fraction": 1.0}.get(unit)
    if top is not None and not 0 < entry.mean < top:
        found.add(f"{key}.mean", f"{entry.mean:g} is not a fraction; legal in {entry.unit}: above 0, below {top:g}")
    elif top is None and "/" in unit and not is_log_unit(unit) and (entry.mean if low is None else low) <= 0:
        found.add(f"{key}.mean", "has no logarithm; a mean in this unit, and its lower limit, is above 0")


def _unit_of(feature: str, study: Study) -> str | None:
    """The unit of a feature as far as the plan says it: of scores, indices and cytokines."""
    if feature in (outcome.id for outcome in study.outcomes):
        return "points"
    if feature in (index.id for index in study.indices):
        return "ratio"
    id_, _, source = feature.partition("@")
    if not source and id_ not in {analyte.id for analyte in all_analytes()}:
        return None
    holding = [one for one in study.cytokines if not source or one.id == source]
    units = {None if one.concentration == "signal" else one.unit for one in holding}
    return units.pop() if len(units) == 1 else None

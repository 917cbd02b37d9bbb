"""The plan that the words of a call come to: checked as a study file is, with names of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cytoshift.shift.tidy import TidyTables
from cytoshift.study.contrast_problems import check_contrasts
from cytoshift.study.endpoint_problems import check_claim
from cytoshift.study.plain_words import problems_of
from cytoshift.study.problem import Problems
from cytoshift.study.problem_list import ProblemList
from cytoshift.study.study import ShiftPlan

Entry = Mapping[str, Any]
OPTIONS = ("alpha", "policy", "detection_only_above", "moderation", "seed", "visits", "strata")


def plan_of_call(
    tables: TidyTables,
    contrasts: Sequence[Entry],
    endpoints: Sequence[Entry],
    design: str,
    randomised: bool | None,
    options: Entry,
) -> ShiftPlan:
    """The plan that these words come to, checked as a study file is. Raises Problems and TypeError."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise TypeError(f"unexpected option {unknown[0]!r}; legal: {', '.join(OPTIONS)}")
    limits = {name: options[name] for name in ("policy", "detection_only_above") if name in options}
    labels = {own: name for name, own in tables.ids.items()}
    visits = [tables.ids.get(name, name) for name in options.get("visits", ())] or _names(tables, "visit")
    written = {
        "id": "data", "design": design, "randomised": randomised,
        "strata": [tables.ids.get(name, name) for name in options.get("strata", ())],
        "visits": [{"id": name, "label": labels.get(name, name)} for name in visits],
        "arms": [arm | {"label": labels[str(arm["id"])]} for arm in _arms(tables)] if design != "single_arm" else [],
        "samples": {"file": "data", "covariates": [{"id": name} for name in tables.covariates]},
        "limits": limits, "moderation": options.get("moderation", {}), "indices": [], "outcomes": [],
        "contrasts": [_translated(one, tables.ids) for one in contrasts],
        "endpoints": list(endpoints), "alpha": options.get("alpha", 0.05), "seed": options.get("seed", 20261122),
    }  # fmt: skip
    try:
        plan = ShiftPlan.model_validate(written)
    except ValidationError as error:
        raise Problems(problems_of(error, ShiftPlan, written, {}, "call")) from None
    found = ProblemList({}, "call")
    if not 0 < plan.alpha < 0.5:
        found.add("alpha", f"{plan.alpha:g} is not between 0 and 0.5")
    if plan.randomised is None and any(one.compares_arms for one in plan.contrasts):
        found.add("randomised", "is missing: were the arms (or the order of conditions) randomised? legal: True, False")
    found.check_known("strata", plan.strata, tables.covariates, "a covariate of the table")
    check_contrasts(plan, found)
    known = [id_ for one in plan.contrasts for id_ in (one.id, *(concrete.id for concrete in one.expanded()))]
    for endpoint in plan.endpoints:
        check_claim(f"endpoints[{endpoint.id}]", endpoint, known, found)
    if found.found:
        raise Problems(found.found)
    return plan


def _translated(contrast: Entry, ids: Mapping[str, str]) -> dict[str, Any]:
    """A contrast with visits, arms and covariates by their ids; what is left out is left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return ids.get(value, value) if isinstance(value, str) else value

    named = {"reference", "target", "at", "arm", "against", "each", "adjust"}
    return {key: plain(value) if key in named else value for key, value in contrast.items() if value is not None}


def _names(tables: TidyTables, column: str) -> list[str]:
    return [str(name) for name in tables.samples[column].unique() if name != ""]


def _arms(tables: TidyTables) -> list[dict[str, object]]:
    doses = tables.samples.dropna(subset="dose_mg").drop_duplicates("arm").set_index("arm")["dose_mg"]
    return [{"id": name} | ({"dose_mg": float(doses[name])} if name in doses else {}) for name in _names(tables, "arm")]

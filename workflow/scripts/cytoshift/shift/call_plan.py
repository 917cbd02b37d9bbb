"""The plan that the words of a call come to: checked as a study file is, with names of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from pydantic import ValidationError

from cytoshift.shift.tidy import TidyTables, text_of
from cytoshift.study.contrast_problems import check_contrasts
from cytoshift.study.contrasts import Contrast
from cytoshift.study.endpoint_problems import check_claim
from cytoshift.study.plain_words import problems_of
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.problem_list import ProblemList
from cytoshift.study.study import ShiftPlan, compared_arms

Entry = Mapping[str, Any]
OPTIONS = ("alpha", "policy", "detection_only_above", "moderation", "seed", "visits", "strata", "decimal")
EXAMPLES = {
    "contrasts": '[{"id": "shift", "reference": "before", "target": "after"}]',
    "endpoints": '[{"id": "main", "tier": "primary", "contrasts": ["shift"], "features": ["all"]}]',
}
# How a study file says it, and a call.
WORDS = {
    "a list; start each entry with `- `": "a list; put it in [ ]",
    "neither true nor false": "neither True nor False",
    "legal: true, false": "legal: True, False",
    "did you mean true?": "did you mean True?",
    "did you mean false?": "did you mean False?",
    "a set of keys": "a dict",
    "the study has several arms": "the table has several arms",
    "where it says `dose_mg: 0`": "where its `dose_mg` is 0",
    "a covariate of `samples`": "a covariate of the table",
}


class CallProblems(ProblemList):
    """Mistakes of a call, with visits, arms and covariates under the names that the table gives them."""

    def __init__(self, tables: TidyTables) -> None:
        super().__init__({}, "call")
        self.names = tables.names

    def add(self, key: str, message: str) -> None:
        """Note a mistake at a key path."""
        quoted = re.sub(r"'([a-z0-9_]+)'", lambda found: repr(self.names.get(found[1], found[1])), message)
        super().add(key, re.sub(r"(?<=legal: )[a-z0-9_]+(, [a-z0-9_]+)*$", self._listed, quoted))

    def add_unknown(self, key: str, value: str, legal: Iterable[str], what: str) -> None:
        """Note that a value names something that does not exist, with what does."""
        own = [self.names.get(name, name) for name in legal]
        no_arms = " (the table has no column `arm`)" if what == "an arm" and not own else ""
        super().add_unknown(key, self.names.get(value, value), own, what + no_arms)

    def _listed(self, found: re.Match[str]) -> str:
        words = found[0].split(", ")
        return ", ".join(self.names[word] for word in words) if set(words) <= set(self.names) else found[0]


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
    _refuse(_mistakes_of_values(contrasts, endpoints, options))
    _refuse(_mistakes_of_table(tables, design, options))
    described = [name for name in ("cohort", "specimen") if (tables.samples[name] != "").any()]
    written = {
        "id": "data", "design": design, "randomised": randomised,
        "strata": _ids(tables, options.get("strata") or ()),
        "visits": [{"id": id_, "label": tables.names[id_]} for id_ in _visits(tables, options)],
        "arms": _arms(tables) if design != "single_arm" else [],
        "samples": {"file": "data", "covariates": [{"id": name} for name in tables.covariates],
                    "columns": {name: name for name in described}},
        "limits": {name: options[name] for name in ("policy", "detection_only_above") if name in options},
        "moderation": options.get("moderation", {}), "indices": [], "outcomes": [],
        "contrasts": [_translated(one, tables) for one in contrasts],
        "endpoints": [dict(one) for one in endpoints],
        "alpha": float(options.get("alpha", 0.05)), "seed": int(options.get("seed", 20261122)),
    }  # fmt: skip
    try:
        plan = ShiftPlan.model_validate(written)
    except ValidationError as error:
        raise Problems(problems_of(error, ShiftPlan, written, {}, "call")) from None
    found = CallProblems(tables)
    if plan.randomised is None and any(one.compares_arms for one in plan.contrasts):
        found.add("randomised", "is missing: were the arms (or the order of conditions) randomised? legal: True, False")
    found.check_known("strata", plan.strata, tables.covariates, "a covariate of the table")
    check_contrasts(plan, found)
    known = [id_ for one in plan.contrasts for id_ in (one.id, *(concrete.id for concrete in one.expanded()))]
    for endpoint in plan.endpoints:
        check_claim(f"endpoints[{endpoint.id}]", endpoint, known, found)
    _refuse(found.found)
    _refuse(_mistakes_of_order(tables, plan))
    _refuse(_in_two_arms(tables, plan))
    return plan


@contextmanager
def in_words_of_call(contrast: str = "") -> Iterator[None]:
    """Say mistakes found inside as those of a call: its arguments are the keys of `contrast`, where it has but one."""
    try:
        yield
    except Problems as error:
        raise Problems([_of_call(problem, contrast) for problem in error.problems]) from None


def _of_call(problem: Problem, contrast: str) -> Problem:
    message = problem.message
    for words, instead in WORDS.items():
        message = message.replace(words, instead)
    where = problem.where if problem.where.startswith(("data", "…")) else "call"
    key = re.sub(r"^limits\.", "", problem.key)
    if contrast:
        key = re.sub(rf"^contrasts\[{contrast}\]\.?", "", key)
        message = message.replace(f"{contrast!r} compares a visit with itself", "is the visit that it is compared with")
    if message == "a list is not a text" and key.endswith(("reference", "target", "at")):
        message += '; the mean of several visits is {"mean": [visits]}'
    return replace(problem, where="data" if message.startswith("nothing is left") else where, key=key, message=message)


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise Problems(found)


def _mistakes_of_values(contrasts: object, endpoints: object, options: Entry) -> Iterator[Problem]:
    for name, entries in (("contrasts", contrasts), ("endpoints", endpoints)):
        listed = entries if isinstance(entries, list | tuple) else []
        if not listed or not all(isinstance(one, Mapping) for one in listed):
            yield Problem("call", name, f"is not a list of dicts; write it as {EXAMPLES[name]}")
    alpha, seed = options.get("alpha", 0.05), options.get("seed", 0)
    if not isinstance(alpha, Real) or not 0 < float(alpha) < 0.5:
        yield Problem("call", "alpha", f"{alpha!r} is not between 0 and 0.5; legal: a number there, such as 0.05")
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        yield Problem("call", "seed", f"{seed!r} is not a seed; legal: a whole number from 0")


def _mistakes_of_table(tables: TidyTables, design: str, options: Entry) -> Iterator[Problem]:
    """Arms that would be pooled, and visits whose order is given though there are none."""
    arms, visits = _names(tables, "arm"), _names(tables, "visit")
    if design == "single_arm" and len(arms) > 1:
        listed = ", ".join(tables.names[arm] for arm in arms)
        yield Problem("call", "arm", f"the table has arms {listed}; name one with arm= (families: design=), or drop "
                      "the column")  # fmt: skip
    found = CallProblems(tables)
    found.check_known("visits", _visits(tables, options), visits, "a visit")
    yield from found.found


def _mistakes_of_order(tables: TidyTables, plan: ShiftPlan) -> Iterator[Problem]:
    """Periods of a crossover that are no numbers, or are missing where a model needs them."""
    if plan.design != "crossover":
        return
    periods = [text for text in tables.samples["period"].unique() if text != ""]
    for text in periods:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            digits = re.findall("[0-9]+", text)
            meant = f"; did you mean {digits[0]}?" if len(digits) == 1 else ""
            yield Problem("data", "period", f"{text!r} is not a number; legal: 1, 2 … in the order taken{meant}")
    dated = tables.samples["study_day"].notna().any()
    if any(one.method == "crossover_model" for one in plan.contrasts) and not periods and not dated:
        yield Problem("call", "method", "'crossover_model' needs a column `period` in the table: 1, 2 … in the order "
                      "in which a subject took the conditions")  # fmt: skip


def _in_two_arms(tables: TidyTables, plan: ShiftPlan) -> Iterator[Problem]:
    """Subjects of a parallel study who are in two of the arms that are compared."""
    samples, names = tables.samples, tables.names
    if plan.design != "parallel":
        return
    for contrast in (concrete for one in plan.contrasts for concrete in one.expanded() if one.compares_arms):
        for subject, arms in _arms_of_subjects(contrast, plan, samples):
            yield Problem("data", "arm", f"subject {subject!r} is in {' and '.join(names[arm] for arm in arms)}; a "
                          "subject has one arm; where each took several conditions, ask crossover()")  # fmt: skip


def _arms_of_subjects(contrast: Contrast, plan: ShiftPlan, samples: Any) -> Iterator[tuple[str, list[str]]]:
    named = samples["arm"].isin(compared_arms(contrast, plan.arms)) & samples["visit"].isin(contrast.visits())
    for subject, arms in samples[named].groupby("subject", sort=False)["arm"]:
        if arms.nunique() > 1:
            yield str(subject), list(arms.unique())


def _translated(contrast: Entry, tables: TidyTables) -> dict[str, Any]:
    """A contrast with visits, arms and covariates by their ids; what is left out is left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        return tables.ids.get(text_of(value), text_of(value))

    named = {"reference", "target", "at", "arm", "against", "each", "adjust"}
    given = {key: plain(value) if key in named else value for key, value in contrast.items() if value is not None}
    if isinstance(given.get("adjust"), str):
        given["adjust"] = [given["adjust"]]
    if isinstance(given.get("where"), Mapping):
        given["where"] = {tables.ids.get(key, key): value for key, value in given["where"].items()}
    return given


def _ids(tables: TidyTables, names: Any) -> list[str]:
    """Ids of names given one by one, or of a single one."""
    listed = [names] if isinstance(names, str) else list(names)
    return [tables.ids.get(text_of(name), text_of(name)) for name in listed]


def _visits(tables: TidyTables, options: Entry) -> list[str]:
    return _ids(tables, options.get("visits") or ()) or _names(tables, "visit")


def _names(tables: TidyTables, column: str) -> list[str]:
    return [str(name) for name in tables.samples[column].unique() if name != ""]


def _arms(tables: TidyTables) -> list[dict[str, object]]:
    doses = tables.samples.dropna(subset="dose_mg").drop_duplicates("arm").set_index("arm")["dose_mg"]
    return [
        {"id": arm, "label": tables.names[arm]} | ({"dose_mg": float(doses[arm])} if arm in doses else {})
        for arm in _names(tables, "arm")
    ]

"""What must a reader hold against the answer before believing it? Design first, then numbers (METHODS §11)."""

from __future__ import annotations

import pandas as pd

from cytoshift.figures.words import concrete_contrasts, contrast_label
from cytoshift.report.answer import confounded
from cytoshift.report.formats import capital, listing, p_words, plural
from cytoshift.report.inputs import ReportTables
from cytoshift.report.sentences import describe
from cytoshift.study.study import FigurePlan, Study

REGRESSION = (
    "Regression to the mean is not quantifiable here: the plan gives neither the rule by which subjects were selected "
    "nor a source for the population's mean and correlation."
)

POLICIES = {
    "limit_over_sqrt2": "in the tests limit/√2 stands in",
    "half_limit": "in the tests half the limit stands in",
    "limit": "in the tests the limit stands in",
    "drop": "left out of the tests",
}


def limits(contrast: str, tables: ReportTables, study: Study, plan: FigurePlan) -> list[str]:
    """Sentences for the first screen: design, pairs, what exactness cost, what was tested, what else moved."""
    found = [
        design_sentence(study, plan, contrast),
        _pairs(contrast, tables, study.limits.policy),
        *_exactness(tables, study),
    ]
    found[1:1] = _confounded(contrast, tables, study, plan)
    warnings = tables.findings[
        (tables.findings["severity"] == "warning") & tables.findings["contrast"].isin(["", contrast])
    ]
    for check in ("control_moved", "condition_always_first", "condition_always_last"):
        found += [f"{capital(text)}." for text in _unstopped(warnings, check).head(1)]
    assumption = warnings[warnings["check"] == "depends_on_assumption"]
    if len(assumption):
        found.append(
            f"For {plural(len(assumption), 'feature')} the answer depends on the assumption: change and "
            "baseline-adjusted difference disagree."
        )
    flagged = flagged_samples(tables)
    if len(flagged):
        verb = "was" if len(flagged) == 1 else "were"
        found.append(f"{plural(len(flagged), 'sample')} {verb} flagged and kept; see what changes without them.")
    found.append(_tested(tables))
    if describe(contrast, study, plan).kind == "within":
        found.append("Regression to the mean is not quantifiable here.")
    return [text for text in found if text]


def design_sentence(study: Study, plan: FigurePlan, contrast: str) -> str:
    """The design and what it leaves open, in one or two sentences."""
    setting = describe(contrast, study, plan)
    if study.design == "single_arm":
        return (
            "One arm and no control: whatever else came with time (expectation, season, regression to the mean) is "
            "part of the shift, so it can only be associated with the intervention."
        )
    kind = "Parallel arms" if study.design == "parallel" else "Crossover"
    if not study.randomised:
        whose = "arms were" if study.design == "parallel" else "the order of conditions was"
        return f"{kind}; {whose} not randomised: a difference may have other causes and is called an association."
    strata = f" within strata of {listing([name.replace('_', ' ') for name in study.strata])}" if study.strata else ""
    whose = "arms" if study.design == "parallel" else "the order of conditions"
    text = f"{kind}; {whose} randomised{strata}; the plan does not say who was blinded."
    if setting.kind == "within":
        text += " This contrast looks at one arm only: it can only be associated with the intervention."
    return text


def _confounded(contrast: str, tables: ReportTables, study: Study, plan: FigurePlan) -> list[str]:
    """Which contrasts cannot be told from a difference between plates: this one, and any other of the study."""
    blocked = confounded(contrast, tables, study, plan)
    found = [f"{capital(blocked)}."] if blocked else []
    others = [name for name in concrete_contrasts(plan) if name != contrast and confounded(name, tables, study, plan)]
    if others:
        named = listing([f"“{contrast_label(plan, name)}”" for name in others], most=3)
        found.append(f"Elsewhere on this page, {named} cannot be told from a difference between plates or runs.")
    return found


def _pairs(contrast: str, tables: ReportTables, policy: str) -> str:
    rows = tables.shifts[tables.shifts["contrast"] == contrast]
    used = rows["n_pairs"].dropna()
    if used.empty:
        return ""
    low, high = int(used.min()), int(used.max())
    below = int(rows["below_reference"].fillna(0).sum() + rows["below_target"].fillna(0).sum())
    text = f"{high} subjects per feature" if low == high else f"{low} to {high} subjects per feature"
    if not below:
        return f"{text} in this contrast; no value below a limit."
    return f"{text} in this contrast; {plural(below, 'value')} below a limit, shown as such ({POLICIES[policy]})."


def _exactness(tables: ReportTables, study: Study) -> list[str]:
    planned = tables.families[tables.families["tier"] == "primary"]
    smallest = planned["smallest_p"].dropna()
    if smallest.empty:
        return []
    words = p_words(smallest.max())
    return [f"At this n the planned test could not have given a p below {words} (alpha {study.alpha:g})."]


def _tested(tables: ReportTables) -> str:
    features, contrasts = tables.shifts["feature"].nunique(), tables.shifts["contrast"].nunique()
    planned = tables.decisions[tables.decisions["tier"] != "exploratory"]["feature"].nunique()
    return (
        f"{plural(features, 'feature')} tested in {plural(contrasts, 'contrast')}; "
        f"{planned if planned else 'none'} of the features stood in a planned endpoint."
    )


def _unstopped(findings: pd.DataFrame, check: str) -> pd.Series:
    return findings.loc[findings["check"] == check, "message"].str.rstrip(".")


def flagged_samples(tables: ReportTables) -> pd.DataFrame:
    """Samples that quality flagged and kept."""
    if "flags" not in tables.samples:
        return tables.samples.iloc[:0]
    return tables.samples[tables.samples["flags"] != ""]

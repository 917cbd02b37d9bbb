"""What must a reader hold against the answer before believing it? Design first, then numbers (METHODS §11)."""

from __future__ import annotations

import pandas as pd

from cytoshift.figures.words import concrete_contrasts, contrast_label
from cytoshift.report.answer import confounded
from cytoshift.report.exactness import draws_of
from cytoshift.report.formats import capital, listing, p_words, parse_numbers, plural
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import read_names
from cytoshift.report.regression import expected_sentence
from cytoshift.report.sentences import describe
from cytoshift.study.study import FigurePlan, Study

UNCONTROLLED = "whatever else came with time (expectation, season, regression to the mean) is part of the shift"

POLICIES = {
    "censored": "in the tests as intervals",
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
        *_unmeasured(tables, plan),
        *_exactness(tables, study),
    ]
    found[1:1] = _confounded(contrast, tables, study, plan)
    names = read_names(tables, plan)
    warnings = tables.findings[
        (tables.findings["severity"] == "warning") & tables.findings["contrast"].isin(["", contrast])
    ]
    for check in ("control_moved", "condition_always_first", "condition_always_last"):
        found += [f"{capital(names.say(text))}." for text in _unstopped(warnings, check).head(1)]
    assumption = warnings[warnings["check"] == "depends_on_assumption"]
    if len(assumption):
        found.append(
            f"For {plural(len(assumption), 'feature')} the answer depends on the assumption: change and "
            "baseline-adjusted difference disagree."
        )
    flagged = flagged_samples(tables)
    if len(flagged):
        verb, them = ("was", "it") if len(flagged) == 1 else ("were", "them")
        found.append(f"{plural(len(flagged), 'sample')} {verb} flagged and kept; see what changes without {them}.")
    found.append(_tested(tables))
    if describe(contrast, study, plan).kind == "within":
        found.append(expected_sentence(contrast, tables, study, plan))
    return [text for text in found if text]


def design_sentence(study: Study, plan: FigurePlan, contrast: str) -> str:
    """The design and what it leaves open, in one or two sentences."""
    setting = describe(contrast, study, plan)
    if study.design == "single_arm":
        return f"One arm and no control: {UNCONTROLLED}, so it can only be associated with the intervention."
    kind = "Parallel arms" if study.design == "parallel" else "Crossover"
    whose, verb = ("arms", "were") if study.design == "parallel" else ("the order of conditions", "was")
    if study.randomised:
        strata = [name.replace("_", " ") for name in study.strata]
        within = f" within strata of {listing(strata)}" if strata else ""
        text = f"{kind}; {whose} {verb} randomised{within}; the plan does not say who was blinded."
    elif setting.kind == "within":
        text = f"{kind}; {whose} {verb} not randomised."
    else:
        text = (
            f"{kind}; {whose} {verb} not randomised: a difference may have other causes and is called an association."
        )
    if setting.kind == "within":
        text += (
            f" This contrast looks at one arm only, before and after: {UNCONTROLLED}, so it can only be associated "
            "with what was done."
        )
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


def _unmeasured(tables: ReportTables, plan: FigurePlan) -> list[str]:
    """Samples that are listed and were never measured, and contrasts that nobody has a pair for."""
    found = []
    listed = int((tables.findings["check"] == "sample_without_data").sum())
    if listed:
        verb = "is" if listed == 1 else "are"
        found.append(f"{plural(listed, 'sample')} {verb} in the sample list without any measured value.")
    for row in records(tables.findings[tables.findings["check"] == "empty_samples"]):
        numbers = parse_numbers(row.numbers)
        source, empty = str(row.message).partition(":")[0], numbers.get("empty_samples", "some")
        found.append(f"{empty} of {numbers.get('samples', 'the')} samples have no value in {source}.")
    used = set(tables.pairs.loc[tables.pairs["used"].astype(bool), "contrast"])
    # Arms compared at one visit have subjects on either side, not pairs.
    counted = set(tables.shifts.loc[tables.shifts["n_pairs"].fillna(0) > 0, "contrast"])
    without = [name for name in concrete_contrasts(plan) if name not in used | counted]
    if without:
        named = listing([f"“{contrast_label(plan, name)}”" for name in without], most=3)
        found.append(f"Nobody has the values that {named} would need: nothing is estimated there.")
    return found


def _exactness(tables: ReportTables, study: Study) -> list[str]:
    planned = tables.families[tables.families["tier"] == "primary"]
    smallest = planned["smallest_p"].dropna()
    if smallest.empty:
        return []
    words = p_words(smallest.max())
    largest = next(row for row in records(planned) if row.smallest_p == smallest.max())
    draws = draws_of(largest)
    if draws is not None:
        return [
            f"The planned test could not have given a p below {words}: that is set by the number of random draws "
            f"(1/{draws:,}), not by the number of subjects (alpha {study.alpha:g})."
        ]
    return [f"At this n the planned test could not have given a p below {words} (alpha {study.alpha:g})."]


def _tested(tables: ReportTables) -> str:
    features, contrasts = tables.shifts["feature"].nunique(), tables.shifts["contrast"].nunique()
    planned = tables.decisions[tables.decisions["tier"] != "exploratory"]["feature"].nunique()
    return (
        f"{plural(features, 'feature')} tested in {plural(contrasts, 'contrast')}; "
        f"{planned or 'none'} of them {'was' if planned == 1 else 'were'} in a planned endpoint."
    )


def _unstopped(findings: pd.DataFrame, check: str) -> pd.Series:
    return findings.loc[findings["check"] == check, "message"].str.rstrip(".")


def flagged_samples(tables: ReportTables) -> pd.DataFrame:
    """Samples that quality flagged and kept."""
    if "flags" not in tables.samples:
        return tables.samples.iloc[:0]
    return tables.samples[tables.samples["flags"] != ""]

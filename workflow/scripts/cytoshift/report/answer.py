"""What does the study answer, in one sentence with its uncertainty, and what may it not claim?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from cytoshift.figures.words import concrete_contrasts, contrast_label, feature_labels
from cytoshift.report.formats import (
    capital,
    count,
    direction,
    effect,
    effect_parts,
    number,
    p_equals,
    p_words,
    parse_numbers,
    percent,
)
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables
from cytoshift.report.sentences import Setting, amount, describe, mixed_directions, not_shown, nouns, question, shifted
from cytoshift.study.contrasts import Contrast
from cytoshift.study.study import FigurePlan, Study

Verdict = Literal["shown", "not_shown", "no_claim"]
NAMED = 3


@dataclass(frozen=True)
class Answer:
    """The first screen in words; `contrast` is the one whose forest stands beside them."""

    question: str
    sentence: str
    verdict: Verdict
    contrast: str


def answer(tables: ReportTables, study: Study, plan: FigurePlan) -> Answer:
    """The answer to the plan's primary question; several primaries are answered in the same sentence.

    Nothing is claimed without a primary endpoint, where plates and arms (or visits) go together, where the order of
    conditions was not randomised, where the family was not tested, or where it could not have been rejected.
    """
    primaries = tables.families[tables.families["tier"] == "primary"]
    if primaries.empty:
        return _exploratory(tables, study, plan)
    parts = [_part(family, tables, study, plan) for family in records(primaries)]
    verdicts = [verdict for verdict, _ in parts]
    verdict: Verdict = (
        "shown" if "shown" in verdicts else "no_claim" if all(one == "no_claim" for one in verdicts) else "not_shown"
    )
    texts = [text for _, text in parts]
    sentence = capital("; ".join([texts[0], *(_lower(text) for text in texts[1:])])) + "."
    if study.origin == "simulated":
        sentence = (
            f"In these simulated data: {sentence[:1].lower() if _plain_start(sentence) else sentence[:1]}{sentence[1:]}"
        )
    first = next(records(primaries))
    rows = family_rows(first, tables)
    what = family_words(first, rows, study, tables)
    asked = question(study, plan, str(first.contrast), what, str(first.direction))
    return Answer(asked, sentence, verdict, str(first.contrast))


def family_rows(family: Any, tables: ReportTables) -> pd.DataFrame:
    """The shifts of a family's features in its contrast, in the family's order."""
    rows = tables.shifts[tables.shifts["contrast"] == family.contrast].set_index("feature", drop=False)
    return rows.loc[[name for name in str(family.features).split(",") if name in rows.index]].reset_index(drop=True)


def family_name(family: Any, study: Study, tables: ReportTables) -> str:
    """How pages call an endpoint: its label, else the label of its only feature, else its id with spaces."""
    label = next((item.label for item in study.endpoints if item.id == family.endpoint and item.label), None)
    if label:
        return label
    features = str(family.features).split(",")
    only = feature_labels(tables.shifts).get(features[0]) if len(features) == 1 else None
    return only or str(family.endpoint).replace("_", " ")


def family_words(family: Any, rows: pd.DataFrame, study: Study, tables: ReportTables) -> str:
    """An endpoint and how much is in it: 'inflammation (13 markers)', or 'IL-6' where it is called by its feature."""
    name = family_name(family, study, tables)
    if len(rows) == 1 and name == feature_labels(tables.shifts).get(str(rows["feature"].iloc[0])):
        return name
    return f"{name} ({amount(rows)})"


def _exploratory(tables: ReportTables, study: Study, plan: FigurePlan) -> Answer:
    contrast = next(iter(concrete_contrasts(plan)))
    rows = tables.shifts[tables.shifts["contrast"] == contrast]
    asked = question(study, plan, contrast, f"any of the {amount(rows)} measured", "any")
    blocked = confounded(contrast, tables, study, plan)
    sentence = (
        "This is an exploratory study: no primary endpoint was planned, so nothing is claimed; "
        "the shifts and intervals below describe what was seen and can be tested in a next study"
    )
    if blocked:
        sentence += f". Moreover, {_lower(blocked)}"
    start = "Simulated data. " if study.origin == "simulated" else ""
    return Answer(asked, f"{start}{sentence}.", "no_claim", contrast)


def _part(family: Any, tables: ReportTables, study: Study, plan: FigurePlan) -> tuple[Verdict, str]:
    """Verdict and clause of one primary family."""
    setting = describe(family.contrast, study, plan)
    rows, name = family_rows(family, tables), family_name(family, study, tables)
    what = family_words(family, rows, study, tables)
    blocked = confounded(family.contrast, tables, study, plan)
    if blocked:
        return "no_claim", f"Nothing is claimed about {what}: {_lower(blocked)}"
    tested = f"the planned test gave {p_equals(family.p_adjusted)}"
    if setting.kind == "between" and study.design == "crossover" and not study.randomised:
        reason = "the order of conditions was not randomised, so a difference between them may be one of occasion"
        return "no_claim", f"{what} is described, not decided: {reason} ({tested})"
    if rows.empty or pd.isna(family.p_value):
        return "no_claim", f"{name} could not be tested: {_lower(str(family.decided_by)) or 'no reason given'}"
    if family.smallest_p > study.alpha:
        pairs = count(rows["n_pairs"].max())
        return "no_claim", (
            f"this study cannot answer whether {what} shifted: with {pairs} subjects the smallest p the test could "
            f"have given is {p_words(family.smallest_p)}, above the planned {study.alpha:g}"
        )
    if family.decision == "not_tested":
        return "no_claim", f"{what} was not tested: {_lower(str(family.decided_by))}"
    if family.decision == "rejected":
        return "shown", _shown(family, rows, setting, tables, study)
    return "not_shown", _not_shown(family, rows, setting, what, tables, study)


def _shown(family: Any, rows: pd.DataFrame, setting: Setting, tables: ReportTables, study: Study) -> str:
    name, p_name = family_name(family, study, tables), "adjusted p"
    labels = feature_labels(tables.shifts)
    if family.test == "global":
        leading = _clearest(rows)
        moved = 0 if pd.isna(family.statistic) or not family.statistic else (1 if family.statistic > 0 else -1)
        way = -moved if family.direction == "decrease" else moved
        against = " against the planned direction" if family.direction != "any" and moved < 0 else ""
        what = (
            f"{name} ({_told(family, rows, tables)} taken together)"
            if len(rows) > 1
            else family_words(family, rows, study, tables)
        )
        words = shifted(setting, what, way)
        clearest = f"; clearest for {_with_level(leading, labels, study)}" if leading is not None else ""
        return f"{words}{against} (one test of all, {p_equals(family.p_adjusted)}{clearest})"
    decided = tables.decisions[
        (tables.decisions["contrast"] == family.contrast)
        & (tables.decisions["endpoint"] == family.endpoint)
        & (tables.decisions["decision"] == "rejected")
    ].set_index("feature")
    chosen = rows[rows["feature"].isin(decided.index)].sort_values("p_value", kind="stable")
    statistics = decided["statistic"].to_dict()
    ways = [direction(row, statistics[row.feature]) for row in records(chosen)]
    way = ways[0] if len(set(ways)) == 1 else 0
    adjusted = dict(zip(decided.index, decided["p_adjusted"], strict=True))
    found = [
        f"{labels.get(row.feature, row.feature)} {effect(row)}, {p_equals(adjusted[row.feature], p_name)}"
        for row in records(chosen)
    ]
    what = f"{len(chosen)} of the {amount(rows)} planned as {name}"
    if len(rows) == 1:
        what = labels.get(str(chosen["feature"].iloc[0]), name)
    listed = "; ".join(found[:NAMED]) + (f"; and {len(found) - NAMED} more below" if len(found) > NAMED else "")
    words = shifted(setting, what, way, mixed_directions(setting, ways))
    return f"{words}: {listed}; intervals are {percent(1 - study.alpha)}, one marker at a time"


def _told(family: Any, rows: pd.DataFrame, tables: ReportTables) -> str:
    """'6 markers', or '4 of 6 markers that say anything,' where the others had no statistic to enter with."""
    mine = tables.decisions[
        (tables.decisions["contrast"] == family.contrast) & (tables.decisions["endpoint"] == family.endpoint)
    ]
    told = int(mine["statistic"].notna().sum())
    return f"{told} of {amount(rows)}, the ones that say anything," if 0 < told < len(rows) else amount(rows)


def _not_shown(family: Any, rows: pd.DataFrame, setting: Setting, what: str, tables: ReportTables, study: Study) -> str:
    leading = _clearest(rows)
    name = "p" if family.test == "global" else "smallest adjusted p"
    text = f"{not_shown(setting, what)} ({p_equals(family.p_adjusted, name)}); that does not show that there was none"
    if leading is None:
        return text
    labels = feature_labels(tables.shifts)
    _, value = effect_parts(leading)
    low, high = _ends(leading)
    kind = "differences" if leading.scale == "identity" else "ratios"
    kind += " per mg" if "dose_trend" in leading.method else ""
    if pd.isna(low) or pd.isna(high):
        return f"{text}: {labels.get(leading.feature, leading.feature)} was estimated at {value}"
    clearest = f", the clearest of the {nouns(rows)[1]}" if len(rows) > 1 else ""
    return (
        f"{text}: for {labels.get(leading.feature, leading.feature)}{clearest}, {kind} from {number(low)} to "
        f"{number(high)} agree with the data"
    )


def _clearest(rows: pd.DataFrame) -> Any:
    """The row with the smallest p, then the largest statistic, among those with a known size; None without one."""
    known = rows[["estimate", "ci_low", "ci_high"]].abs().lt(math.inf).any(axis=1) & rows["p_value"].notna()
    ordered = (
        rows[known]
        .assign(size=rows["statistic"].abs())
        .sort_values(["p_value", "size"], ascending=[True, False], kind="stable")
    )
    return next(records(ordered), None)


def _ends(row: Any) -> tuple[float, float]:
    return (row.ci_low, row.ci_high) if row.scale == "identity" else (row.ratio_low, row.ratio_high)


def _with_level(row: Any, labels: Any, study: Study) -> str:
    """'IL-6, ratio 0.72, 95 % interval 0.55 to 0.94'."""
    name, value = effect_parts(row)
    value = value.replace(" (", f", {percent(1 - study.alpha)} interval ", 1).removesuffix(")")
    return f"{labels.get(row.feature, row.feature)}, {name} {value}"


def confounded(contrast_id: str, tables: ReportTables, study: Study, plan: FigurePlan) -> str:
    """Why a contrast cannot be told from a difference between plates (lots, batches, run days), '' where it can.

    Arms compared with each other are touched by plates that go with the arm, unless what is compared are changes within
    subjects who all have their samples on one plate; a change over visits by plates that go with the visit.
    """
    contrast = concrete_contrasts(plan)[contrast_id]
    for row in records(tables.findings):
        if row.severity == "warning" and row.contrast in ("", contrast_id) and _touches(row, contrast, study):
            thing, _, group = str(row.check).partition("_confounded_with_")
            thing, group = ("plate", "arm") if thing == "arm" else (thing.replace("_", " "), group)
            several = "batches" if thing == "batch" else f"{thing}s"
            return (
                f"{thing} and {group} go together, so {contrast_label(plan, contrast_id)} cannot be told from a "
                f"difference between {several}"
            )
    return ""


def _touches(finding: Any, contrast: Contrast, study: Study) -> bool:
    """Does a finding that plates go with arms (or visits) undermine this contrast?"""
    if finding.check.endswith("_confounded_with_visit"):
        return contrast.at is None and not contrast.compares_arms
    if not (finding.check.endswith("_confounded_with_arm") or finding.check == "arm_confounded_with_plate"):
        return False
    if contrast.at is not None:
        return True
    if not contrast.compares_arms or study.design == "crossover" or finding.check == "arm_confounded_with_plate":
        return False
    numbers = parse_numbers(finding.numbers)
    return numbers.get("subjects_on_one_plate", "none") != numbers.get("subjects")


def _lower(text: str) -> str:
    """The text as the continuation of a sentence: its first letter small, unless it belongs to a name (IL-6, LDN)."""
    return text[:1].lower() + text[1:] if _plain_start(text) else text


def _plain_start(text: str) -> bool:
    """Does the text start with an ordinary word, not a name such as IL-6, LDN or TNF-α?"""
    word = text.split(" ", 1)[0]
    return word == "A" or (len(word) > 1 and word[1:].islower())


def verdict_words(verdict: Verdict) -> str:
    """The answer in two words, for the label beside it."""
    return {"shown": "Shift shown", "not_shown": "Shift not shown", "no_claim": "Nothing claimed"}[verdict]

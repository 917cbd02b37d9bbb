"""Did a population move, or did the others of its parent? The row's own method again, on centred log-ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cytoshift.findings import Finding, finding
from cytoshift.shift.classical.composition import centred_log_ratios, sibling_groups
from cytoshift.shift.comparison import Comparison, take
from cytoshift.shift.grid import MISSING, OBSERVED
from cytoshift.shift.methods import choose_method, estimate_features, on_detection_only
from cytoshift.shift.sides import Side
from cytoshift.study.study import ShiftPlan
from cytoshift.vocabulary.measures import plain_id
from cytoshift.vocabulary.names import population

# A difference in sign matters only where one of the two saw something.
P_WORTH_A_WORD = 0.2


@dataclass(frozen=True)
class Relation:
    """One share of a parent with `siblings` shares in all, compared as it is and in relation to them.

    `place` of the feature in the comparison; `subjects` with all siblings; `estimate` and `p_value` of the logit,
    `relative` and `relative_p` of the centred log-ratio (natural logarithm).
    """

    place: int
    parent: str
    siblings: int
    subjects: int
    estimate: float
    p_value: float
    relative: float
    relative_p: float


def compare_compositions(comparison: Comparison, plan: ShiftPlan) -> list[Relation]:
    """Share and centred log-ratio side by side, for every feature with three siblings or more.

    Both are estimated by the contrast's method on the same subjects, those with all siblings, stand-ins for non-detects
    included: they differ in what is compared and in nothing else.
    """
    present = comparison.present.all(axis=0).sum(axis=0)
    groups = sibling_groups(comparison.features, np.where(on_detection_only(comparison, plan), 0, present))
    places = np.flatnonzero(groups >= 0)
    if not len(places):
        return []
    method = choose_method(comparison, plan).method
    cells = (comparison.features["layer"] == "cell").to_numpy()
    part, groups = take(comparison, features=cells), groups[cells]
    part = replace(part, contrast=part.contrast.model_copy(update={"method": method}))
    wanted = groups >= 0

    def relative(values: np.ndarray) -> np.ndarray:
        return np.where(wanted, centred_log_ratios(values, groups), values)

    def absolute(values: np.ndarray) -> np.ndarray:
        return np.where(wanted & np.isnan(centred_log_ratios(values, groups)), np.nan, values)

    own, other = (estimate_features(_with_values(part, change), plan)[wanted] for change in (absolute, relative))
    counts, parents = np.bincount(groups[wanted]), comparison.features["parent"]
    columns = [own["n"], own["estimate"], own["p_value"], other["estimate"], other["p_value"]]
    return [
        Relation(int(place), str(parents.iloc[place]), int(counts[group]), int(numbers[0]), *map(float, numbers[1:]))
        for place, group, numbers in zip(places, groups[wanted], zip(*columns, strict=True), strict=True)
    ]


def composition_findings(comparison: Comparison, plan: ShiftPlan) -> list[Finding]:
    """Findings on the shares whose change looks another in relation to their siblings: its sign, or p against alpha."""
    found = []
    for one in compare_compositions(comparison, plan):
        words = _words(one, plan.alpha)
        if not words:
            continue
        feature = comparison.features.iloc[one.place]
        message = (
            f"{feature['label']}: in relation to the other populations of {_label(one.parent)} {words}; "
            f"{one.siblings} populations of it were measured ({comparison.contrast.id})."
        )
        numbers = {
            "odds_ratio": float(np.exp(one.estimate)),
            "p": one.p_value,
            "relative_ratio": float(np.exp(one.relative)),
            "relative_p": one.relative_p,
            "populations": one.siblings,
            "subjects": one.subjects,
        }
        name, contrast = str(feature["feature"]), comparison.contrast.id
        severity = "warning" if one.estimate * one.relative < 0 else "note"
        found.append(
            finding("shift", "composition", message, numbers, severity=severity, feature=name, contrast=contrast)
        )
    return found


def _words(one: Relation, alpha: float) -> str:
    """What to say of a relation; nothing where both say the same, or either is not known."""
    own_p, relative_p = one.p_value, one.relative_p
    if np.isnan([own_p, relative_p]).any():
        return ""
    if one.estimate * one.relative < 0 and min(own_p, relative_p) < P_WORTH_A_WORD:
        return f"the change goes the other way (p = {own_p:.3g} for the share, {relative_p:.3g} in relation)"
    if own_p < alpha <= relative_p:
        return f"the change of the share (p = {own_p:.3g}) is not seen (p = {relative_p:.3g})"
    if relative_p < alpha <= own_p:
        return f"there is a change (p = {relative_p:.3g}) that the share itself does not show (p = {own_p:.3g})"
    return ""


def _label(parent: str) -> str:
    plain = plain_id(parent.split("@")[0], "", "events")
    try:
        return population(plain).label
    except KeyError:  # not in the vocabulary
        return plain.replace("_", " ")


def _with_values(comparison: Comparison, change: Callable[[np.ndarray], np.ndarray]) -> Comparison:
    """The comparison of changed values, each a number and no interval."""

    def side(old: Side | None) -> Side | None:
        if old is None:
            return None
        values = change(old.tested)
        status = np.where(np.isnan(values), MISSING, OBSERVED).astype(np.int8)
        return replace(old, tested=values, shown=values, status=status)

    def there(old: Side) -> Side:
        return side(old) or old

    before, after = side(comparison.reference), there(comparison.target)
    control = comparison.control
    repeated = comparison.repeated
    return replace(
        comparison,
        reference=before,
        target=after,
        control=None if control is None else (side(control[0]), there(control[1])),
        written=(before, after),
        recensored=np.zeros_like(comparison.recensored),
        repeated=None if repeated is None else replace(repeated, values=change(repeated.values)),
    )

"""The rows of features that are tested on detection only: odds ratios where a table of four exists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.shift.classical.detection import fisher, mcnemar
from cytoshift.shift.comparison import Comparison
from cytoshift.shift.estimates import COLUMNS
from cytoshift.shift.exact.rearrangements import ExactTest
from cytoshift.shift.orders.crossover_labels import order_test
from cytoshift.shift.orders.order_null import fair_orders, order_known
from cytoshift.study.study import ShiftPlan

DIFFERENCE = "mostly non-detects: no estimate; the change of detection is compared between the orders of conditions"


def detection_frame(part: Comparison, plan: ShiftPlan, chosen: np.ndarray) -> pd.DataFrame:
    """Tests of detection: McNemar within subjects, Fisher between arms at the target visit, else only in families.

    In a crossover whose order was randomised, Prescott's test: the order redistributed; its odds ratio is McNemar's.
    """
    after = part.target.detected
    before = None if part.reference is None else part.reference.detected
    if part.kind == "paired" and part.control is not None and before is None:
        before = part.control[1].detected
    double = part.control is not None and part.reference is not None
    ordered = _by_order(part, plan)
    if double and ordered is not None:
        return _with_test(_no_detection_test(part, chosen).assign(note=""), ordered, DIFFERENCE)
    if double or part.dose is not None or (part.kind == "arms_change" and not part.randomised):
        return _no_detection_test(part, chosen)
    if part.kind == "paired" and before is not None:
        test = mcnemar(before, after, alpha=plan.alpha)
        n_target = n_reference = counts = (~np.isnan(after) & ~np.isnan(before)).sum(axis=0)
        method, p_method, where = "detection_paired", "exact_mcnemar", ""
    else:
        test = fisher(after, part.arm == 1, alpha=plan.alpha)
        n_target, n_reference = ((~np.isnan(after[part.arm == side])).sum(axis=0) for side in (1, 0))
        counts = n_target + n_reference
        method, p_method, where = "detection_arms", "fisher_exact", " at the target visit"
    note = [
        f"tested on detection only{where}: " + _odds(odds, low, high) + (f"; {text}" if text else "")
        for odds, low, high, text in zip(test.odds_ratio, test.ci_low, test.ci_high, test.note, strict=True)
    ]
    frame = pd.DataFrame({name: np.full(len(counts), np.nan) for name in COLUMNS}, index=np.flatnonzero(chosen))
    frame = frame.assign(
        n_reference=n_reference, n_target=n_target, n=counts, p_value=test.p_value, note=np.array(note, dtype=object),
        method=method, p_method=p_method, ci_method="", odds_ratio=test.odds_ratio,
        odds_low=test.ci_low, odds_high=test.ci_high, n_informative=test.n_informative, smallest_p=test.smallest_p,
    )  # fmt: skip
    if part.control is not None and ordered is not None:
        return _with_test(frame, ordered, "; p-value from the order of conditions, odds ratio not adjusted for period")
    if part.control is not None:
        frame["note"] = frame["note"] + "; not adjusted for period"
    return frame


def _by_order(part: Comparison, plan: ShiftPlan) -> ExactTest | None:
    """Differences of detection under redistributed orders; nothing where the two conditions cannot be exchanged."""
    if not order_known(part):
        return None
    fair = fair_orders(part, plan)
    if fair.kind != "order":
        return None
    change = part.change_of_detection
    return order_test(fair.order.later_less_earlier(change), fair.order, fair.relabellings, fair.strata)


def _with_test(frame: pd.DataFrame, test: ExactTest, words: str) -> pd.DataFrame:
    texts = [f"{words}; {reason}" if reason else words for reason in test.note]
    return frame.assign(
        p_value=test.p_value, p_method="exact_order", n_informative=test.n_informative, smallest_p=test.smallest_p,
        note=frame["note"].to_numpy(dtype=object) + np.array(texts, dtype=object),
    )  # fmt: skip


def _odds(odds: float, low: float, high: float) -> str:
    if np.isnan(odds):
        return "no odds ratio, nothing differs"

    def words(value: float) -> str:
        return "∞" if np.isinf(value) else f"{value:.3g}"

    return f"odds ratio {words(odds)} ({words(low)} to {words(high)})"


def _no_detection_test(part: Comparison, chosen: np.ndarray) -> pd.DataFrame:
    """A change of detection compared with another has no odds ratio; families still test it."""
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, np.nan), index=np.flatnonzero(chosen))
    counts = part.present.all(axis=0).sum(axis=0)
    what = "the change of detection against the comparison" if part.dose is None else "detection over the doses"
    note = f"mostly non-detects: no estimate; {what} is tested in families only"
    if part.dose is not None and not part.randomised:
        note = "mostly non-detects: no estimate, and no test of detection over doses that were not randomised"
    method = "detection_paired" if part.kind == "paired" else "detection_arms"
    method = method if part.dose is None else "detection_dose_trend"
    return frame.assign(
        n_reference=counts, n_target=counts, n=counts, note=note, method=method, p_method="", ci_method="",
        n_informative=np.nan, smallest_p=np.nan,
    )  # fmt: skip

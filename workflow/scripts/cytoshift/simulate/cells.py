"""What do the blood count, the flow cytometer and the questionnaires say?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cytoshift.simulate.design import Count, Fraction, Outcome, Total


def count_cells(
    counts: Sequence[Count], total: Total | None, samples: Sequence[str], values: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """Report absolute counts at the analyser's resolution, with the total equal to the sum of the differential.

    Parameters: `counts`; their `total`, or None; `samples`; `values`, true log2 10^9/L, samples × counts.
    Returns the table (Sample, then one column per population in 10^9/L, the total first) and each sample's true log2
    total (empty without a differential).
    """
    cells = np.exp2(values)
    printed = {count.written: np.round(cells[:, j], count.decimals) for j, count in enumerate(counts)}
    parts = [j for j, count in enumerate(counts) if count.in_total]
    columns: dict[str, object] = {"Sample": list(samples)}
    if total is not None:
        # The printed parts are summed, so that the sheet is consistent to its last digit.
        columns[total.written] = np.round(sum((printed[counts[j].written] for j in parts), np.zeros(len(samples))), 2)
    return pd.DataFrame({**columns, **printed}), np.log2(cells[:, parts].sum(axis=1)) if parts else np.empty(0)


def gate_fractions(
    fractions: Sequence[Fraction], samples: Sequence[str], values: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """Report populations in % of their parent.

    Parameters: `fractions`; `samples`; `values`, true logit share (of the remainder, where a fraction comes `after`
    others), samples × fractions.
    Returns the table (Sample, then one column per population in %) and the true logit of each fraction of its parent.
    """
    share = 1 / (1 + np.exp(-values))
    position = {fraction.written: j for j, fraction in enumerate(fractions)}
    for j, fraction in enumerate(fractions):
        taken = [position[name] for name in fraction.after]
        share[:, j] *= 1 - share[:, taken].sum(axis=1)
    table = pd.DataFrame(
        {
            "Sample": list(samples),
            **{f.written: np.round(100 * share[:, j], f.decimals) for j, f in enumerate(fractions)},
        }
    )
    return table, np.log(share / (1 - share))


def score_outcomes(outcomes: Sequence[Outcome], values: np.ndarray) -> pd.DataFrame:
    """Report questionnaire scores as whole numbers within their range.

    Parameters: `outcomes`; `values`, latent scores, rows × outcomes. Returns one integer column per outcome.
    """
    return pd.DataFrame(
        {o.written: np.clip(np.rint(values[:, j]), o.lowest, o.highest).astype(int) for j, o in enumerate(outcomes)}
    )

"""How does a population stand to the other populations of its parent: shares as centred log-ratios.

Shares of one whole cannot move alone: where one rises, others fall. The log-ratio to the geometric mean of the siblings
(Aitchison 1986) asks whether a population moved in relation to them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.vocabulary.measures import plain_id

FEWEST_SIBLINGS = 3
# A sibling known in less than this share of the subjects of the best known one would cost the others their subjects.
LEAST_KNOWN = 0.5


def centred_log_ratios(logit: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """clr_i = ln p_i − mean over the siblings of ln p, from logits of shares.

    `logit` (rows, features) natural, NaN where missing; `groups` (features,) says which features are siblings, −1 for
    none. Returns (rows, features): NaN where any sibling is missing, and for features without siblings. Siblings need
    not add up to their parent: the answer is about those that were measured.
    """
    # ln p = −ln(1 + e^−x) keeps its digits for the smallest shares
    with np.errstate(invalid="ignore"):  # logaddexp warns of a missing value
        log_share = -np.logaddexp(0.0, -np.asarray(logit, dtype=float))
    ratios = np.full(log_share.shape, np.nan)
    for group in range(int(groups.max(initial=-1)) + 1):
        own = groups == group
        ratios[:, own] = log_share[:, own] - log_share[:, own].mean(axis=1, keepdims=True)
    return ratios


def sibling_groups(features: pd.DataFrame, known: np.ndarray) -> np.ndarray:
    """Which features are shares of the same parent in the same source: group numbers (features,), −1 for none.

    `features` has columns source, layer, scale, parent; `known` (features,) counts the subjects with values. A group
    has three features or more, each known in at least half as many subjects as the best known.
    """
    share = ((features["layer"] == "cell") & (features["scale"] == "logit") & (features["parent"] != "")).to_numpy()
    # a parent that its source holds in two measures is one parent
    parent = [plain_id(*names, "events") for names in zip(features["parent"], features["source"], strict=True)]
    key = pd.MultiIndex.from_arrays([features["source"], parent])
    groups, found = np.full(len(features), -1), 0
    for value in key[share & (known > 0)].unique():
        own = share & np.array(key == value) & (known > 0)
        own &= known >= LEAST_KNOWN * known[own].max()
        if own.sum() >= FEWEST_SIBLINGS:
            groups[own] = found
            found += 1
    return groups

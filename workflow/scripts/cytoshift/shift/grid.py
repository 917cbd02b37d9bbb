"""The panel as arrays: every sample in a row, every feature in a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.shift.censoring.substitution import POLICIES

OBSERVED, BELOW, ABOVE, EXTRAPOLATED, MISSING = range(5)
CODES = {"observed": OBSERVED, "below": BELOW, "above": ABOVE, "extrapolated": EXTRAPOLATED, "missing": MISSING}
STATUS_OF_CODE = np.array(list(CODES), dtype=object)
DESCRIPTION = ["source", "layer", "feature", "as_written", "label", "scale", "parent"]


@dataclass(frozen=True)
class Grid:
    """Values of shape (samples, features).

    `features` describes the columns (source, layer, feature, as_written, label, scale, parent), `sample` the rows.
    `tested` is the value on the analysis scale with non-detects substituted by the plan's policy, NaN where missing;
    `shown` has non-detects at their limit; `status` holds codes (OBSERVED … MISSING); `detected` is 1 where more than
    half of the wells were, else 0, NaN where missing; `plate` holds, by source, the commonest plate of each sample (''
    where it has none), for the sources that have plates.
    """

    sample: pd.Index
    features: pd.DataFrame
    tested: np.ndarray
    shown: np.ndarray
    status: np.ndarray
    detected: np.ndarray
    plate: dict[str, np.ndarray]


def make_grid(panel: pd.DataFrame, policy: str) -> Grid:
    """Arrange a PANEL table as arrays, features in order of first appearance; `policy` is a key of POLICIES."""
    features = panel[DESCRIPTION].drop_duplicates("feature").reset_index(drop=True)
    samples = pd.Index(panel["sample"].unique())
    row = samples.get_indexer(panel["sample"])
    column = pd.Index(features["feature"]).get_indexer(panel["feature"])
    shape = (len(samples), len(features))
    codes = panel["status"].map(CODES).fillna(MISSING).to_numpy(dtype=np.int8)
    shown = _limit_or_value(panel, codes)
    grid_status = np.full(shape, MISSING, dtype=np.int8)
    grid_shown, grid_tested = np.full(shape, np.nan), np.full(shape, np.nan)
    grid_status[row, column] = codes
    grid_shown[row, column] = shown
    tested = shown.copy()
    for scale in features["scale"].unique():
        below = (codes == BELOW) & (panel["scale"] == scale).to_numpy()
        tested[below] = POLICIES[policy](shown[below], scale)
    if policy == "drop":
        tested[codes == ABOVE] = np.nan
    grid_tested[row, column] = tested
    grid_status[np.isnan(grid_shown)] = MISSING
    detected = np.full(shape, np.nan)
    detected[row, column] = panel["detected"].to_numpy(dtype=bool)
    detected[grid_status == MISSING] = np.nan
    plates = {
        str(source): _commonest_plate(part, samples)
        for source, part in panel[panel["plate"] != ""].groupby("source", sort=True)
    }
    return Grid(samples, features, grid_tested, grid_shown, grid_status, detected, plates)


def _limit_or_value(panel: pd.DataFrame, codes: np.ndarray) -> np.ndarray:
    shown = panel["value"].to_numpy(dtype=float, copy=True)
    shown[codes == BELOW] = panel["upper"].to_numpy(dtype=float)[codes == BELOW]
    shown[codes == ABOVE] = panel["lower"].to_numpy(dtype=float)[codes == ABOVE]
    shown[codes == MISSING] = np.nan
    shown[~np.isfinite(shown)] = np.nan
    return shown


def _commonest_plate(panel: pd.DataFrame, samples: pd.Index) -> np.ndarray:
    counted = panel[["sample", "plate"]].value_counts(sort=False).rename("wells").reset_index()
    counted = counted.sort_values(["sample", "wells", "plate"], ascending=[True, False, True], kind="stable")
    first = counted.drop_duplicates("sample").set_index("sample")["plate"]
    return first.reindex(samples).fillna("").to_numpy(dtype=object)

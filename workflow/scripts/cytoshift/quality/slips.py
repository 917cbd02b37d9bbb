"""Which single values are a factor of 1,000 (or a million) off: written in another unit than the rest of the column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding
from cytoshift.study.settings import UnitSlip

FACTORS = (3, 6)  # powers of ten between units in use: ng and pg, L and mL, µL and nL
OWN_TOLERANCE = 0.5  # of the subject's median, in powers of ten, once repaired
GAP = 1.0  # powers of ten between a slip and everybody else's range
MARGIN = 0.3  # by which a repaired value may leave everybody else's range
FEWEST_OTHERS = 2
FEWEST_IN_ALL = 8


def find_slips(values: pd.DataFrame, subjects: pd.Series, rule: UnitSlip) -> tuple[pd.Index, list[Finding]]:
    """Find values far outside everybody's range that fall into their subject's when multiplied by 1,000 or a million.

    `values` as from `collapse_replicates`; `subjects` maps sample to subject; `rule` is the plan's. A slip lies more
    than a factor of ten outside the range of all other values of the feature, and repaired lies inside it and within
    a factor of three of the subject's own median. Excluded in place when the rule says so, never repaired. Returns
    the index of the slips in `values` and a finding for each.
    """
    measured = values["status"].isin(["observed", "extrapolated"]) & ~values["excluded"] & (values["value"] > 0)
    measured &= values["measure"].isin(["concentration", "count_per_ul"])
    frame = values.loc[measured, ["feature", "sample", "value", "label", "unit", "plate"]].copy()
    frame["power"] = np.log10(frame["value"])
    frame["subject"] = frame["sample"].map(subjects)
    own = frame.groupby(["feature", "subject"])["power"]
    frame["own_median"], frame["own_count"] = own.transform("median"), own.transform("size")
    everyone = frame.groupby("feature")["power"]
    frame["median"] = everyone.transform("median")
    frame["in_all"] = everyone.transform("size")
    off = frame["power"] - frame["own_median"]
    frame["steps"] = 0
    for step in FACTORS:
        near = ((off.abs() - step).abs() <= OWN_TOLERANCE) & ((frame["power"] - frame["median"]).abs() > GAP)
        frame.loc[near, "steps"] = np.sign(off[near]).astype(int) * step
    enough = (frame["own_count"] > FEWEST_OTHERS) & (frame["in_all"] >= FEWEST_IN_ALL)
    suspect = (frame["steps"] != 0) & enough
    others = frame[~suspect].groupby("feature")["power"].agg(["min", "max"])
    frame = frame.join(others, on="feature")[suspect]
    repaired = frame["power"] - frame["steps"]
    outside = (frame["power"] < frame["min"] - GAP) | (frame["power"] > frame["max"] + GAP)
    slips = frame[outside & repaired.between(frame["min"] - MARGIN, frame["max"] + MARGIN)]
    if rule.on_fail == "exclude":
        values.loc[slips.index, "excluded"] = True
    return slips.index, [_describe(slip, rule) for slip in slips.to_dict("records")]


def _describe(slip: dict, rule: UnitSlip) -> Finding:
    factor = 10 ** abs(int(slip["steps"]))
    word = "smaller" if slip["steps"] < 0 else "larger"
    numbers = {
        "value": float(slip["value"]),
        "subject_median": 10 ** float(slip["own_median"]),
        "others_from": 10 ** float(slip["min"]),
        "others_to": 10 ** float(slip["max"]),
        "factor": factor,
    }
    message = (
        f"{slip['label']} of sample {slip['sample']} is {slip['value']:.4g} {slip['unit']}, about {factor:,} times "
        f"{word} than the subject's other values (median {numbers['subject_median']:.4g}): probably written in "
        "another unit."
    )
    return finding(
        "quality",
        "unit_slip",
        message,
        numbers,
        subject=slip["subject"],
        sample=slip["sample"],
        feature=slip["feature"],
        plate=slip["plate"],
        action=action_of(rule.on_fail),
    )

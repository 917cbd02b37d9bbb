"""Which single values are a factor of 1,000 (or a million) off: written in another unit than the rest of the column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding
from cytoshift.quality.robust import NORMAL_MAD
from cytoshift.study.settings import UnitSlip

FACTORS = (3, 6)  # powers of ten between units in use: ng and pg, L and mL, µL and nL
OWN_TOLERANCE = 0.5  # of the subject's median, in powers of ten, once repaired
GAP = 1.0  # powers of ten between a slip and everybody else's range
MARGIN = 0.3  # by which a repaired value may leave everybody else's range
FEWEST_OWN = 3  # with fewer values of the subject, everybody's range decides
FEWEST_IN_ALL = 8
MOST_SUSPECTS = 8  # one in so many: more are another group of people, no slips
SPREAD = 4.0  # robust standard deviations that count as everybody's range before it is known


def find_slips(values: pd.DataFrame, subjects: pd.Series, rule: UnitSlip) -> tuple[pd.Index, list[Finding]]:
    """Find values far outside everybody's range that fall into it when multiplied or divided by 1,000 or a million.

    `values` as from `collapse_replicates`; `subjects` maps sample to subject; `rule` is the plan's. A slip lies more
    than a factor of ten outside the range of all other values of the feature, and repaired lies inside it and within
    a factor of three of the subject's own median (of the other value where the subject has two; a single value is
    judged by everybody's range alone). Excluded in place when the rule says so, never repaired. Returns the index of
    the slips in `values` and a finding for each.
    """
    frame = _measured(values, subjects)
    few = frame["own_count"] < FEWEST_OWN
    off = frame["power"] - frame["reference"]
    frame["steps"] = 0
    for step in FACTORS:
        near = ((off.abs() - step).abs() <= frame["tolerance"]) & ((frame["power"] - frame["median"]).abs() > GAP)
        frame.loc[near, "steps"] = np.sign(off[near]).astype(int) * step
    suspect = (frame["steps"] != 0) & (frame["in_all"] >= FEWEST_IN_ALL)
    # of a pair that lies apart, the one nearer to everybody's median is not the slip
    beyond = (frame["power"] - frame["median"]).abs() > (frame["power"] - frame["steps"] - frame["median"]).abs()
    suspect &= ~few | beyond
    suspects_of_few = (suspect & few).groupby(frame["feature"]).transform("sum")
    suspect &= ~few | (suspects_of_few <= frame["in_all"] // MOST_SUSPECTS)
    others = frame[~suspect].groupby("feature")["power"].agg(["min", "max"])
    settled = frame[~suspect]
    frame = frame.join(others, on="feature")[suspect]
    _leave_out_partners(frame, settled)
    repaired = frame["power"] - frame["steps"]
    outside = (frame["power"] < frame["min"] - GAP) | (frame["power"] > frame["max"] + GAP)
    margin = np.where(frame["own_count"] > 1, MARGIN, 0.0)
    slips = frame[outside & (repaired >= frame["min"] - margin) & (repaired <= frame["max"] + margin)]
    if rule.on_fail == "exclude":
        values.loc[slips.index, "excluded"] = True
    return slips.index, [_describe(slip, rule) for slip in slips.to_dict("records")]


def _measured(values: pd.DataFrame, subjects: pd.Series) -> pd.DataFrame:
    """The numbers with what each is compared to: `reference` and `tolerance`, in powers of ten."""
    measured = values["status"].isin(["observed", "extrapolated"]) & ~values["excluded"] & (values["value"] > 0)
    measured &= values["measure"].isin(["concentration", "count_per_ul"])
    frame = values.loc[measured, ["feature", "sample", "value", "label", "unit", "plate"]].copy()
    frame["power"] = np.log10(frame["value"])
    frame["subject"] = frame["sample"].map(subjects)
    own = frame.groupby(["feature", "subject"])["power"]
    frame["own_count"] = own.transform("size")
    everyone = frame.groupby("feature")["power"]
    frame["median"] = everyone.transform("median")
    frame["in_all"] = everyone.transform("size")
    deviation = (frame["power"] - frame["median"]).abs().groupby(frame["feature"]).transform("median")
    pair, alone = frame["own_count"] == 2, frame["own_count"] == 1
    frame["reference"] = own.transform("median")
    frame.loc[pair, "reference"] = (own.transform("sum") - frame["power"])[pair]
    frame.loc[alone, "reference"] = frame.loc[alone, "median"]
    wide = (SPREAD * NORMAL_MAD * deviation).clip(OWN_TOLERANCE, FACTORS[0] / 2)
    frame["tolerance"] = wide.where(alone, OWN_TOLERANCE)
    return frame


def _leave_out_partners(suspects: pd.DataFrame, settled: pd.DataFrame) -> None:
    """Where a subject has two values, everybody's range is that of the other subjects; in place."""
    powers = {str(feature): part for feature, part in settled.groupby("feature")[["subject", "power"]]}
    for place, feature, subject in suspects.loc[suspects["own_count"] == 2, ["feature", "subject"]].itertuples():
        part = powers.get(feature, settled[:0])
        others = part.loc[part["subject"] != subject, "power"]
        suspects.loc[place, ["min", "max"]] = [others.min(), others.max()]


def _describe(slip: dict, rule: UnitSlip) -> Finding:
    factor = 10 ** abs(int(slip["steps"]))
    word = "smaller" if slip["steps"] < 0 else "larger"
    numbers: dict[str, float] = {"value": float(slip["value"])}
    reference = 10 ** float(slip["reference"])
    lowest, highest = 10 ** float(slip["min"]), 10 ** float(slip["max"])
    if slip["own_count"] == 1:
        compared = f"everybody else's values ({lowest:.4g} to {highest:.4g})"
    elif slip["own_count"] < FEWEST_OWN:
        numbers["subject_other"] = reference
        compared = f"the subject's other value ({reference:.4g})"
    else:
        numbers["subject_median"] = reference
        compared = f"the subject's other values (median {reference:.4g})"
    numbers |= {"others_from": lowest, "others_to": highest, "factor": factor}
    message = (
        f"{slip['label']} of sample {slip['sample']} is {slip['value']:.4g} {slip['unit']}, about {factor:,} times "
        f"{word} than {compared}: probably written in another unit."
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

"""Which features cannot say anything: never measured, never detected, or the same everywhere."""

from __future__ import annotations

import pandas as pd

from cytoshift.findings import Finding, finding


def find_constants(values: pd.DataFrame) -> list[Finding]:
    """Report features that are all missing, outside their range in every sample, or one number throughout.

    `values` as from `collapse_replicates` without excluded rows.
    """
    found = []
    known = values[values["status"] != "missing"]
    numbers = known[known["value"].notna()]
    per_feature = pd.DataFrame(
        {
            "values": values.groupby("feature", sort=False).size(),
            "label": values.groupby("feature", sort=False)["label"].first(),
            "known": known.groupby("feature").size(),
            "numbers": numbers.groupby("feature").size(),
            "distinct": numbers.groupby("feature")["value"].nunique(),
            "one": numbers.groupby("feature")["value"].first(),
        }
    ).fillna({"known": 0, "numbers": 0, "distinct": 0})
    for feature, row in per_feature.iterrows():
        counts = {"values": int(row["values"]), "known": int(row["known"]), "numbers": int(row["numbers"])}
        if row["known"] == 0:
            check, message = "all_missing", f"{row['label']}: none of {counts['values']} values is known."
        elif row["numbers"] == 0:
            check = "never_in_range"
            message = f"{row['label']}: all {counts['known']} values lie outside the measurable range."
        elif row["distinct"] == 1 and row["numbers"] == row["known"] and row["numbers"] > 1:
            check = "constant"
            message = f"{row['label']}: all {counts['numbers']} values are {row['one']:.6g}."
        else:
            continue
        found.append(finding("quality", check, message, counts, feature=str(feature)))
    return found


def find_gaps(values: pd.DataFrame) -> list[Finding]:
    """Report samples without any value from a source that measured others, and features that some subjects lack.

    A gap without a limit is missing, not below; a gap that follows the subject rather than the level is worth
    knowing. `values` as from `collapse_replicates`, with a column `subject`.
    """
    found = []
    for source, part in values[values["measure"] != "score"].groupby("source", sort=False):
        known = part["status"] != "missing"
        empty = ~known.groupby(part["sample"]).any()
        if empty.any():
            numbers = {"empty_samples": int(empty.sum()), "samples": len(empty)}
            message = (
                f"{source}: {numbers['empty_samples']} of {len(empty)} samples have no value at all: missing, not low."
            )
            found.append(finding("quality", "empty_samples", message, numbers, severity="note", action="nothing"))
        rest = part[~part["sample"].isin(empty.index[empty])]
        found += _gaps_by_subject(rest)
    return found


def _gaps_by_subject(part: pd.DataFrame) -> list[Finding]:
    found = []
    missing = part["status"] == "missing"
    for feature, here in part[part["feature"].isin(part.loc[missing, "feature"])].groupby("feature", sort=False):
        gap = here["status"] == "missing"
        share = gap.groupby(here["subject"]).agg(["mean", "size"])
        wholly = share[(share["mean"] == 1) & (share["size"] > 1)]
        if wholly.empty or len(wholly) == len(share):
            continue
        message = (
            f"{here['label'].iloc[0]}: never measured in {len(wholly)} of {len(share)} subjects "
            f"({int(wholly['size'].sum())} of {int(gap.sum())} gaps); such gaps say nothing about the level."
        )
        numbers = {"subjects": len(wholly), "of": len(share), "gaps": int(gap.sum()), "values": len(here)}
        found.append(
            finding(
                "quality",
                "missing_by_subject",
                message,
                numbers,
                severity="note",
                feature=str(feature),
                action="nothing",
            )
        )
    return found

"""Ratios of features, such as neutrophils over lymphocytes, with the bounds that non-detects leave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.study.settings import Index

NARROW = 0.05  # a sum known within this share, relative to its middle, counts as a number


def add_indices(panel: pd.DataFrame, indices: list[Index]) -> tuple[pd.DataFrame, list[Finding]]:
    """Append log2 ratios of sums to a panel.

    `panel` has the PANEL columns; `indices` come from the plan. Each index is log2(sum of numerators / sum of
    denominators) of the back-transformed features. A non-detect enters as its interval. A ratio known within 5 % is
    observed (its geometric middle); one that is bounded on one side is below or above; one bounded on both keeps the
    end that is blurred least (the wider interval is still true); one without any bound, or with a missing part, is
    missing. Returns the panel and findings. Raises Problems for a feature the panel does not hold, a score, or a sum
    over different units.
    """
    problems = [problem for index in indices for problem in _problems(panel, index)]
    if problems:
        raise Problems(problems)
    parts, found = [panel], []
    for index in indices:
        rows, more = _index_rows(panel, index)
        parts.append(rows)
        found += more
    return pd.concat(parts, ignore_index=True) if indices else panel, found


def _problems(panel: pd.DataFrame, index: Index) -> list[Problem]:
    units = panel.drop_duplicates("feature").set_index("feature")[["unit", "scale", "parent"]]
    share = (units["scale"] == "logit") & (units["parent"] != "")
    units["unit"] = units["unit"].mask(share, "fraction of " + units["parent"])
    problems = []
    for side, features in (("numerator", index.numerator), ("denominator", index.denominator)):
        key = f"indices, {index.id}, {side}"
        known = [name for name in features if name in units.index]
        for name in features:
            if name not in units.index:
                hint = did_you_mean(name, units.index)
                problems.append(Problem("study file", key, f"{name!r} is not a feature of this study{hint}"))
            elif units.loc[name, "scale"] == "identity":
                problems.append(Problem("study file", key, f"{name!r} is a score; a ratio needs amounts"))
        unit_of = {name: str(units.loc[name, "unit"]) for name in known}
        if len(set(unit_of.values())) > 1:
            written = ", ".join(f"{name} in {unit_of[name]}" for name in known)
            problems.append(Problem("study file", key, f"adds different units ({written}); give features of one unit"))
    return problems


def _index_rows(panel: pd.DataFrame, index: Index) -> tuple[pd.DataFrame, list[Finding]]:
    features = [*index.numerator, *index.denominator]
    here = panel[panel["feature"].isin(features)]
    samples = pd.Index(here["sample"].unique())
    above, below = (_sum(here, samples, side) for side in (index.numerator, index.denominator))
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.log2(above[0]) - np.log2(below[1]), np.log2(above[1]) - np.log2(below[0])
        of_above, of_below = np.log2(above[1] / above[0]), np.log2(below[1] / below[0])
        centre = (low + high) / 2
    known = ~np.isnan(low) & ~np.isnan(high)
    narrow = known & (high - low <= np.log2((1 + NARROW) / (1 - NARROW)))
    # a ratio bounded on both sides gives up the end that the wider sum blurs
    is_below = known & ~narrow & np.isfinite(high) & (np.isinf(low) | (of_above >= of_below))
    is_above = known & ~narrow & np.isfinite(low) & ~is_below
    status = np.select([narrow, is_below, is_above], ["observed", "below", "above"], "missing")
    middle = np.where(narrow, centre, np.nan)
    rows = pd.DataFrame(
        {
            "sample": samples,
            "source": "",
            "layer": "index",
            "feature": index.id,
            "as_written": f"{' + '.join(index.numerator)} / {' + '.join(index.denominator)}",
            "label": index.label or index.id,
            "plate": "",
            "scale": "log2",
            "value": middle,
            "lower": np.select([narrow, is_below, is_above], [middle, -np.inf, low], np.nan),
            "upper": np.select([narrow, is_below, is_above], [middle, high, np.inf], np.nan),
            "status": status,
            "detected": _all_detected(here, samples, features) & (status != "missing"),
            "unit": "ratio",
        }
    )
    return rows, _findings(index, status, narrow & (high > low))


def _sum(here: pd.DataFrame, samples: pd.Index, features: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the sum of features per sample; NaN where a part is missing."""
    low, high = np.zeros(len(samples)), np.zeros(len(samples))
    for feature in features:
        part = here[here["feature"] == feature].drop_duplicates("sample").set_index("sample").reindex(samples)
        logit = (part["scale"] == "logit").to_numpy()
        low += _back(part["lower"].to_numpy(dtype=float), logit)
        high += _back(part["upper"].to_numpy(dtype=float), logit)
    return low, high


def _all_detected(here: pd.DataFrame, samples: pd.Index, features: list[str]) -> np.ndarray:
    """Which samples had every part detected (samples,)."""
    detected = here[here["detected"].astype(bool)].groupby("sample")["feature"].nunique()
    return detected.reindex(samples).fillna(0).to_numpy() == len(set(features))


def _back(number: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """From log2 or natural logit to the amount."""
    with np.errstate(over="ignore"):
        return np.where(logit, 1 / (1 + np.exp(-np.where(logit, number, 0.0))), np.exp2(np.where(logit, 0.0, number)))


def _findings(index: Index, status: np.ndarray, approximated: np.ndarray) -> list[Finding]:
    counts = {word: int((status == word).sum()) for word in ("observed", "below", "above", "missing")}
    if counts["observed"] == len(status) and not approximated.any():
        return []
    message = (
        f"{index.label or index.id}: of {len(status)} ratios {counts['below']} are known only to be below and "
        f"{counts['above']} only above a bound, because a part is a non-detect; {counts['missing']} are missing."
    )
    if approximated.any():
        message += f" In {int(approximated.sum())} a non-detect changes the ratio by at most 5 %; its middle is used."
    numbers = {**counts, "approximated": int(approximated.sum())}
    return [finding("normalize", "index_bounds", message, numbers, severity="note", feature=index.id, action="nothing")]

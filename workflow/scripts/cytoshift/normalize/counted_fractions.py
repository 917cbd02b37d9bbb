"""Is a population there twice, as events and as a fraction of the same parent? It is one feature, from its counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.vocabulary.measures import plain_id

SAME = ["source", "population", "whole"]


def counts_over_fractions(values: pd.DataFrame, counted: np.ndarray) -> tuple[pd.DataFrame, list[Finding]]:
    """Give a fraction that the file states the number that its counts give, and leave the counts' own feature out.

    `values` has the VALUES columns with a unique index; `counted` (rows,) marks those made of events. Both are one
    where source, population and parent are; the feature keeps the name of the fraction. A sample without the counts
    keeps the fraction as it was written. Returns the values and findings.
    """
    written = (values["measure"] == "fraction_of_parent").to_numpy() & ~counted
    features = _features(values[written], "fraction_of_parent")
    both = features.merge(_features(values[counted], "events"), on=SAME, suffixes=("", "_counted"))
    if both.empty:
        return values, []
    stated = values[written & values["feature"].isin(both["feature"]).to_numpy()]
    moved = values[counted & values["feature"].isin(both["feature_counted"]).to_numpy()]
    others = values.drop(index=stated.index).drop(index=moved.index)
    for name in ("parent", "label", "as_written", "feature"):  # the feature last: it is what the others are found by
        moved = moved.assign(**{name: moved["feature"].map(both.set_index("feature_counted")[name])})
    numbers = moved[moved["status"] != "missing"]
    gaps = moved[(moved["status"] == "missing") & ~_keys(moved).isin(_keys(stated))]
    left = stated[~_keys(stated).isin(_keys(numbers))]
    left = left.assign(unit=left["feature"].map(moved.drop_duplicates("feature").set_index("feature")["unit"]))
    found = [_finding(str(source), part) for source, part in both.groupby("source", sort=False)]
    return pd.concat([others, left, numbers, gaps]).sort_index(), found


def _features(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per feature: its source, population and the population whose share it is."""
    once = rows.drop_duplicates("feature")[["source", "feature", "parent", "label", "as_written"]]
    named = list(zip(once["feature"], once["parent"], once["source"], strict=True))
    population = [plain_id(feature, source, measure) for feature, _, source in named]
    whole = [plain_id(parent, source, "events") for _, parent, source in named]
    return once.assign(population=population, whole=whole)


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["sample", "feature"]])


def _finding(source: str, both: pd.DataFrame) -> Finding:
    message = (
        f"{source}: {plural(len(both), 'population')} there as events and as a fraction of the same parent: one "
        f"feature each, from the events, (count + 0.5) / (total + 1): {listed(both['feature'], 6)}."
    )
    return finding("normalize", "counts_over_fractions", message, {"features": len(both)}, severity="note")

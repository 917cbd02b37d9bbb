"""Changes added up, non-detects included, against R: likelihood by mvtnorm, derivatives by numDeriv, or t.test.

How the numbers were made, by which versions, and why each tolerance: pair_sums/README.md.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.censoring.pair_sums import PairSum, pair_sum, sum_change, sum_scores

FOLDER = Path(__file__).parent / "pair_sums"
KINDS = ["two_targets", "three_targets", "two_references", "matched", "difference"]


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def sums_of(kind: str) -> tuple[list[str], PairSum]:
    """The data sets of a kind as analytes, those with fewer subjects filled up with missing ones."""
    values, parts = read("values").query("kind == @kind"), read("sums").query("kind == @kind")
    sets = list(dict.fromkeys(values["set"]))
    limits = {}
    for visit, rows in values.groupby("visit"):
        wide = np.full((2, values["subject"].max(), len(sets)), np.nan)
        wide[:, rows["subject"] - 1, rows["set"].map(sets.index)] = rows[["lower", "upper"]].to_numpy().T
        limits[visit] = wide
    pairs = [
        pair_bounds(*limits[reference], *limits[target])
        for reference, target in zip(parts["reference"], parts["target"], strict=True)
    ]
    return sets, pair_sum(pairs, parts["weight"].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_sums_of_changes_agree_with_numerical_derivatives_in_r(kind: str) -> None:
    sets, pairs = sums_of(kind)
    expected = read("changes").set_index("set").loc[sets]
    found = sum_change(pairs)
    known = expected.index.str.endswith("_known")
    opened = expected.index.str.endswith("_open")
    assert known.sum() == 1
    assert (~known & ~opened).sum() == 6
    shown = found.estimates
    np.testing.assert_array_equal(shown.df[~opened], expected["df"][~opened])
    for name in ("estimate", "ci_low", "ci_high"):
        np.testing.assert_allclose(getattr(shown, name)[known], expected[name][known], atol=1e-10, err_msg=name)
        np.testing.assert_allclose(getattr(shown, name), expected[name], atol=1e-8, err_msg=name)
    for name in ("se", "statistic"):
        ours, theirs = getattr(shown, name)[~opened], expected[name][~opened]
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, err_msg=name)
    np.testing.assert_allclose(found.sd, expected["sd"], rtol=1e-8)
    p_value = expected["p_value"].where(~opened, expected["p_of_scores"])
    np.testing.assert_allclose(shown.p_value, p_value, rtol=1e-8)
    np.testing.assert_allclose(found.beside, expected["p_of_scores"], rtol=1e-8)
    assert (found.by_scores == opened).all()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_agree_with_numerical_slopes_in_r(kind: str) -> None:
    sets, pairs = sums_of(kind)
    expected = read("scores").query("set in @sets")
    found = sum_scores(pairs)
    assert np.isfinite(found).sum() == len(expected)
    ours = found[expected["subject"] - 1, expected["set"].map(sets.index)]
    largest = expected["score"].abs().groupby(expected["set"]).transform("max")
    np.testing.assert_allclose(ours / largest, expected["score"] / largest, atol=1e-8)

"""Fractions and counts that contradict each other, parts that do not make up their whole; honest panels left alone."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.quality.composition import PARTS, find_inconsistent_cells
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.study.settings import MaxReplicateCv
from quality_tables import checks, make_cells, make_rows, numbers_of

UNITS = {"events": "events", "fraction_of_parent": "fraction", "count_per_ul": "cells/uL"}


def found(rows, resolution=None):
    """Findings on (sample, population, value, measure, parent)."""
    columns = ("sample", "population", "value", "measure", "parent")
    table = make_cells(rows, columns, source="flow", unit=[UNITS[row[3]] for row in rows], resolution=resolution)
    unified = make_rows(cells=table)
    values = collapse_replicates(unified, set(), MaxReplicateCv()).values
    return find_inconsistent_cells(values, unified[["feature", "parent"]].drop_duplicates())


def tube(sample, total, count, fraction):
    return [
        (sample, "t_cells", total, "events", ""),
        (sample, "treg_events", count, "events", "t_cells"),
        (sample, "treg_fraction", fraction, "fraction_of_parent", "t_cells"),
    ]


def test_a_share_that_is_not_its_count_over_its_parents_is_found():
    good = tube("s1", 8000, 400, 0.05) + tube("s2", 9000, 500, 0.0556)  # as FlowJo rounds it
    assert found(good) == []
    bad = found(good + tube("s3", 9000, 500, 0.5))
    assert checks(bad) == ["fraction_disagrees_with_counts"]
    assert bad[0]["feature"] == "treg_fraction"
    assert "in 1 of 3 samples (s3)" in bad[0]["message"]
    assert (numbers_of(bad[0])["fraction"], numbers_of(bad[0])["of_counts"]) == ("0.5", "0.0555556")


def test_a_non_detect_and_a_gap_contradict_nothing():
    assert found(tube("s1", 8000, "<1", 0.5) + tube("s2", None, 400, 0.5)) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 20000), st.floats(0, 1), st.integers(2, 4))
def test_no_rounding_of_an_honest_share_is_found(total, share, digits):
    count = round(total * share)
    rows = tube("s1", total, count, float(f"{count / total:.{digits}g}"))
    steps = [1.0, 1.0, 10.0**-digits]
    numbers = [(row, step) for row, step in zip(rows, steps, strict=True) if row[2] > 0]
    assert found([row for row, _ in numbers], [step for _, step in numbers]) == []


def test_absolute_counts_hold_their_share_too_and_coarse_counts_allow_for_it():
    rows = [("s1", "leukocytes", 6000, "count_per_ul", ""), ("s1", "eosinophils", 100, "count_per_ul", "")]
    share = [("s1", "eosinophils_fraction", 0.023, "fraction_of_parent", "leukocytes")]
    assert found(rows + share, [100.0, 100.0, 0.001]) == []
    assert checks(found(rows + share, [1.0, 1.0, 0.001])) == ["fraction_disagrees_with_counts"]


def test_a_count_larger_than_the_population_around_it_is_found_without_being_told_which_that_is():
    rows = [("s1", "leukocytes", 6000, "count_per_ul", ""), ("s1", "cd4_t_cells", 900, "count_per_ul", "")]
    rows += [("s2", "leukocytes", 6000, "count_per_ul", ""), ("s2", "cd4_t_cells", 9000, "count_per_ul", "")]
    bad = found(rows)
    assert checks(bad) == ["part_exceeds_parent"]
    assert bad[0]["message"] == "cd4_t_cells exceeds leukocytes, its parent, in 1 of 2 samples (s2)."


def shares(sums, names=("cd4_t_cells", "cd8_t_cells", "dn_t_cells"), parent="t_cells"):
    weights = [0.6, 0.3, *([0.1 / (len(names) - 2)] * (len(names) - 2))]
    return [
        (f"s{k}", name, total * weight, "fraction_of_parent", parent)
        for k, total in enumerate(sums)
        for name, weight in zip(names, weights, strict=True)
    ]


def test_siblings_that_make_up_their_parent_everywhere_but_once():
    bad = found(shares([1.0, 0.99, 1.01, 1.0, 0.995, 0.8]))
    assert checks(bad) == ["fractions_off_sum"]
    assert "add up to 1 in 5 of 6 samples, not in s5 (0.8 to 0.8)" in bad[0]["message"]


@pytest.mark.parametrize(
    "sums", [[0.7, 0.8, 0.75, 0.9, 0.6, 0.5], [1.4, 1.3, 1.0, 1.2, 1.5, 1.6], [1.0, 0.8, 1.0, 1.0]]
)
def test_gated_parts_overlaps_and_few_samples_are_no_partition(sums):
    assert found(shares(sums)) == []


def test_a_differential_is_known_to_make_up_the_leukocytes():
    assert found(shares([1.0, 0.97], PARTS, "leukocytes")) == []
    bad = found(shares([1.0, 0.85], PARTS, "leukocytes"))
    assert checks(bad) == ["fractions_off_sum"]
    assert numbers_of(bad[0])["smallest"] == "0.85"


def test_two_sources_are_judged_apart():
    one = make_cells(
        [("s1", "treg", 0.5, "fraction_of_parent", "t_cells")],
        ("sample", "population", "value", "measure", "parent"), source="a", unit="fraction",
    )  # fmt: skip
    other = make_cells(
        [("s1", "treg", 10, "events", "t_cells"), ("s1", "t_cells", 1000, "events", "")],
        ("sample", "population", "value", "measure", "parent"), source="b", unit="events",
    )  # fmt: skip
    unified = make_rows(cells=pd.concat([one, other], ignore_index=True))
    values = collapse_replicates(unified, set(), MaxReplicateCv()).values
    assert find_inconsistent_cells(values, unified[["feature", "parent"]].drop_duplicates()) == []

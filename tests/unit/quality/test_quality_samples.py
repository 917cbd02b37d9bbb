"""Samples that failed as a whole, and the map of the samples."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.quality.failed import find_failed_samples
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.sample_map import map_samples, robust_distance
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.study.settings import FailedSample, MaxReplicateCv, OutlierMads
from quality_tables import exercise, make_measurements, make_rows, make_samples, numbers_of, periodontitis_wells
from shared_data import requires_shared

ANALYTES, VISITS = 10, ("v1", "v2", "v3")


def study(change=None, blank=0, visit_effect=0.0):
    """Ten subjects × three visits × ten analytes; `change` (log2) and blanks hit sample s4-v2."""
    generator = np.random.default_rng(8)
    level = generator.normal(5, 1, (10, 1, ANALYTES)) + generator.normal(0, 0.3, (10, 3, ANALYTES))
    level[:, 1] += visit_effect
    rows, samples = [], []
    for s in range(10):
        for v, visit in enumerate(VISITS):
            samples.append((f"s{s}-{visit}", f"s{s}", visit, ""))
            for a in range(ANALYTES):
                here = (s, v) == (4, 1)
                number = 2 ** (level[s, v, a] + (change[a] if here and change is not None else 0.0))
                rows.append((f"s{s}-{visit}", f"a{a}", None if here and a < blank else number))
    values = collapse_replicates(make_rows(make_measurements(rows)), set(), MaxReplicateCv()).values
    return values, make_samples(samples)


FAILED = {
    "low in everything": {"change": [-5.0] * 10},
    "high in everything": {"change": [5.0] * 10},
    "low in half, missing in some": {"change": [-5.0] * 6 + [0.0] * 4, "blank": 2},
    "mostly missing": {"blank": 8},
}
SOUND = {
    "nothing": {},
    "low in a few": {"change": [-5.0] * 3 + [0.0] * 7},
    "up and down, as biology does": {"change": [-5.0] * 4 + [5.0] * 4 + [0.0] * 2},
    "a strong effect at the visit": {"visit_effect": 4.0},
}


@pytest.mark.parametrize("case", FAILED.values(), ids=FAILED.keys())
def test_failed_samples(case):
    failed, found = find_failed_samples(*study(**case), FailedSample())
    assert failed == ["s4-v2"]
    assert found[0]["subject"] == "s4"
    assert float(numbers_of(found[0])["share"]) > 0.4


@pytest.mark.parametrize("case", SOUND.values(), ids=SOUND.keys())
def test_sound_samples(case):
    assert find_failed_samples(*study(**case), FailedSample()) == ([], [])


def test_a_sample_that_was_not_measured_did_not_fail():
    values, samples = study(blank=10)
    assert find_failed_samples(values, samples, FailedSample())[0] == []


@requires_shared
def test_periodontitis_has_exactly_one_failed_sample():
    samples, measurements = periodontitis_wells()
    values = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv()).values
    assert find_failed_samples(values, samples, FailedSample())[0] == ["A11-8f"]


@requires_shared
def test_exercise_has_two_samples_that_look_exchanged():
    samples, cytokines, cells = exercise()
    rows = settle_duplicates(make_rows(cytokines, cells), "drop").rows
    censor_nonpositive(rows)
    values = collapse_replicates(rows, set(), MaxReplicateCv()).values
    failed, _ = find_failed_samples(values[~values["excluded"]], samples, FailedSample())
    assert failed == ["10|h1_5|P3", "14|h1_5|P2"]


def test_the_map_finds_the_outlier_and_explains_itself():
    values, samples = study(change=[-6.0] * 10)
    table, outliers, found = map_samples(values, samples, OutlierMads())
    assert outliers == ["s4-v2"]
    assert table.loc[table["outlier"], "sample"].tolist() == ["s4-v2"]
    assert float(numbers_of(found[0])["distance_mads"]) > 5
    assert 0 < table["explained_pc2"].iloc[0] <= table["explained_pc1"].iloc[0] < 1


def test_the_map_does_not_depend_on_row_order():
    values, samples = study()
    shuffled = values.sample(frac=1, random_state=1).reset_index(drop=True)
    one, other = (map_samples(v, samples, OutlierMads())[0] for v in (values, shuffled))
    pd.testing.assert_frame_equal(one, other)


def test_the_first_component_agrees_with_the_singular_vectors():
    values, samples = study()
    table = map_samples(values, samples, OutlierMads())[0]
    numbers = np.log2(values.pivot_table(index="sample", columns="feature", values="value").to_numpy())
    standard = numbers - np.median(numbers, axis=0)
    standard /= standard.std(axis=0, ddof=1)
    standard -= standard.mean(axis=0)
    u, s, vt = np.linalg.svd(standard, full_matrices=False)
    sign = np.sign(vt[0, np.argmax(np.abs(vt[0]))])
    np.testing.assert_allclose(table["pc1"], sign * u[:, 0] * s[0], atol=1e-8)
    assert table["explained_pc1"].iloc[0] == pytest.approx(s[0] ** 2 / (s**2).sum())


def test_too_few_samples_have_no_map():
    values, samples = study()
    table, outliers, found = map_samples(values[values["sample"].isin(["s1-v1", "s1-v2"])], samples, OutlierMads())
    assert (len(table), outliers, found) == (0, [], [])


def test_distances_of_equal_samples_are_zero():
    assert robust_distance(np.ones((6, 2))).tolist() == [0.0] * 6

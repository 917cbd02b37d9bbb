"""Subjects and their pairs; features that say nothing; cell counts that do not add up."""

import pytest

from cytoshift.quality.composition import find_inconsistent_cells
from cytoshift.quality.constants import find_constants, find_gaps
from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.subjects import find_conflicting_subjects, find_unpaired
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.study.settings import Arm, MaxReplicateCv, Visit
from quality_tables import checks, exercise, make_cells, make_measurements, make_rows, make_samples, numbers_of
from shared_data import requires_shared

VISITS = [Visit(id="before"), Visit(id="after")]


def values_of(rows):
    return collapse_replicates(rows, set(), MaxReplicateCv()).values


def test_a_subject_seen_once_has_no_pair():
    samples = make_samples([("1", "s1", "before", ""), ("2", "s1", "after", ""), ("3", "s2", "before", "")])
    found = find_unpaired(samples, VISITS, [], crossover=False)
    assert checks(found) == ["subject_without_pair", "missed_visit"]
    assert found[0]["subject"] == "s2"
    assert numbers_of(found[1]) == {"arm": "", "visit": "after", "subjects": "1"}


def test_a_group_measured_once_by_plan_is_no_lost_pair():
    samples = make_samples(
        [("1", "s1", "before", "ldn"), ("2", "s1", "after", "ldn"), ("3", "h1", "before", "healthy")]
    )
    arms = [Arm(id="ldn"), Arm(id="healthy", visits=["before"])]
    assert find_unpaired(samples, VISITS, arms, crossover=False) == []


def test_a_crossover_subject_is_expected_under_every_condition():
    samples = make_samples(
        [("1", "s1", "before", "rest"), ("2", "s1", "before", "bike"), ("3", "s2", "before", "rest")]
    )
    arms = [Arm(id="rest"), Arm(id="bike")]
    found = find_unpaired(samples, VISITS[:1], arms, crossover=True)
    assert [f["subject"] for f in found if f["check"] == "subject_without_pair"] == ["s2"]


def test_twice_at_a_visit_and_in_two_arms():
    samples = make_samples([("1", "s1", "before", "a"), ("2", "s1", "before", "a"), ("3", "s1", "after", "b")])
    assert checks(find_conflicting_subjects(samples, crossover=False)) == [
        "subject_twice_at_visit",
        "subject_in_two_arms",
    ]
    assert checks(find_conflicting_subjects(samples, crossover=True)) == ["subject_twice_at_visit"]
    assert find_conflicting_subjects(samples.assign(specimen=["serum", "csf", "serum"]), crossover=True) == []


@pytest.mark.parametrize(("values", "check"), [
    ([2.0, 2.0, 2.0], ["constant"]), ([None, None, None], ["all_missing"]), (["<1", "<1", ">9"], ["never_in_range"]),
    ([2.0, 2.0, "<1"], []), ([2.0, 2.0, 3.0], []),
])  # fmt: skip
def test_features_that_say_nothing(values, check):
    rows = make_rows(make_measurements([(f"s{k}", "il6", value) for k, value in enumerate(values)]))
    assert checks(find_constants(values_of(rows))) == check


def test_gaps_by_subject_are_not_low_values():
    rows = [
        (f"s{s}-{v}", a, None if (s, a) == (1, "il6") or s == 3 else 4.0 + s)
        for s in range(4)
        for v in range(2)
        for a in ("il6", "tnf")
    ]
    values = values_of(make_rows(make_measurements(rows)))
    found = find_gaps(values.assign(subject=values["sample"].str[:2]))
    assert checks(found) == ["empty_samples", "missing_by_subject"]
    assert numbers_of(found[0]) == {"empty_samples": "2", "samples": "8"}
    assert (found[1]["feature"], numbers_of(found[1])["subjects"]) == ("il6", "1")


def blood(**counts):
    normal = {
        "leukocytes": 6000,
        "neutrophils": 3500,
        "lymphocytes": 1800,
        "monocytes": 500,
        "eosinophils": 200,
        "basophils": 0,
    }
    cells = [("s1", name, counts.get(name, number)) for name, number in normal.items()]
    rows = make_rows(cells=make_cells(cells, resolution=100.0, parent="leukocytes"))
    rows.loc[rows["feature"] == "leukocytes", "parent"] = ""
    censor_nonpositive(rows)
    return find_inconsistent_cells(values_of(rows), rows[["feature", "parent"]])


def test_leukocytes_are_the_sum_of_their_types():
    assert checks(blood()) == ["sum_agrees"]
    assert checks(blood(neutrophils=2000)) == ["sum_off_total"]
    assert checks(blood(neutrophils=6500)) == ["part_exceeds_parent", "sum_off_total"]


def test_a_count_below_its_limit_adds_anything_up_to_it():
    assert checks(blood(basophils="<100")) == ["sum_agrees"]
    assert checks(blood(neutrophils=1500, basophils="<4000")) == ["sum_agrees"]
    assert checks(blood(neutrophils=1500, basophils="<100")) == ["sum_off_total"]
    assert checks(blood(neutrophils=4500, basophils="<4000")) == ["sum_off_total"]


def test_a_zero_count_that_is_a_non_detect_already_drops_no_sample_from_the_sum():
    rows = [("s1", "leukocytes", 6000), ("s1", "neutrophils", 3500), ("s1", "lymphocytes", 1800)]
    rows += [("s1", "monocytes", 500), ("s1", "eosinophils", 200), ("s1", "basophils", "<50")]
    cells = make_rows(cells=make_cells(rows))  # no resolution: nothing says that this was a zero
    found = find_inconsistent_cells(values_of(cells), cells[["feature", "parent"]])
    assert checks(found) == ["sum_agrees"]
    assert numbers_of(found[0])["samples"] == "1"
    assert float(numbers_of(found[0])["largest"]) == 0.0


def test_a_fraction_is_at_most_one():
    cells = make_cells([("s1", "treg", 1.2), ("s2", "treg", 0.04)], measure="fraction_of_parent", unit="fraction")
    found = find_inconsistent_cells(values_of(make_rows(cells=cells)), make_rows(cells=cells)[["feature", "parent"]])
    assert checks(found) == ["fraction_out_of_range"]


@requires_shared
def test_exercise_counts_agree_and_gaps_follow_the_subject():
    samples, cytokines, cells = exercise()
    rows = settle_duplicates(make_rows(cytokines, cells), "first").rows
    parents = rows[["feature", "parent"]].drop_duplicates()
    censor_nonpositive(rows)
    values = values_of(rows)
    found = find_inconsistent_cells(values, parents)
    assert checks(found) == ["sum_agrees"]
    assert numbers_of(found[0])["samples"] == "549"
    assert float(numbers_of(found[0])["largest"]) < 0.06
    gaps = find_gaps(values.assign(subject=values["sample"].map(samples.set_index("sample")["subject"])))
    assert numbers_of(gaps[0]) == {"empty_samples": "31", "samples": "600"}
    assert {f["feature"] for f in gaps if f["check"] == "missing_by_subject"} == {"gcsf", "il6", "il10"}

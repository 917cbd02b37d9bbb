"""The whole review: values, samples kept, findings."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform
from cytoshift.quality.review import review
from cytoshift.study.problem import Problems
from cytoshift.tables import NAMES, OUTCOMES, REPLICATES, SAMPLE_MAP, VALUES
from quality_tables import (
    NO_CELLS,
    NO_NAMES,
    NO_OUTCOMES,
    checks,
    exercise,
    make_cells,
    make_measurements,
    make_plan,
    make_samples,
    periodontitis_export,
)  # fmt: skip
from shared_data import requires_shared

ARMS = [{"id": "case"}, {"id": "control"}]


@pytest.fixture
def samples():
    return make_samples([(f"s{k}-{v}", f"s{k}", v, "") for k in range(3) for v in ("v1", "v2")])


def measure(samples, analyte="il6", **constant):
    return make_measurements([(s, analyte, 5.0 + 1.37 * k) for k, s in enumerate(samples["sample"])], **constant)


def test_two_sources_of_one_analyte_are_two_features(samples):
    both = pd.concat([measure(samples), measure(samples, source="elisa"), measure(samples, "tnf")], ignore_index=True)
    names = conform(pd.DataFrame({"source": ["msd"], "feature": ["tnf"], "label": ["TNF-α"]}), NAMES)
    outcomes = conform(
        pd.DataFrame({"sample": samples["sample"], "outcome": "fatigue", "score": range(6), "source_column": "MFIS"}),
        OUTCOMES,
    )
    result = review(
        samples, both, make_cells([("s0-v1", "leukocytes", 5.0)]), outcomes, names, None, make_plan(["v1", "v2"])
    )
    features = result.values.drop_duplicates("feature").set_index("feature")
    assert set(features.index) == {"il6@msd", "il6@elisa", "tnf", "leukocytes", "fatigue"}
    assert features["layer"].to_dict()["fatigue"] == "outcome"
    assert features["measure"].to_dict() == {
        "il6@msd": "concentration", "il6@elisa": "concentration", "tnf": "concentration", "leukocytes": "count_per_ul",
        "fatigue": "score",
    }  # fmt: skip
    assert features.loc["tnf", "label"] == "TNF-α"
    assert features.loc["fatigue", "as_written"] == "MFIS"


def test_every_table_is_as_defined(samples):
    result = review(samples, measure(samples), NO_CELLS, NO_OUTCOMES, NO_NAMES, None, make_plan(["v1", "v2"]))
    for frame, table in ((result.values, VALUES), (result.replicates, REPLICATES), (result.sample_map, SAMPLE_MAP)):
        pd.testing.assert_frame_equal(frame, conform(frame, table))
    assert result.samples["kept"].tolist() == ["yes"] * 6


def test_what_the_plan_leaves_out_is_marked_everywhere(samples):
    plan = make_plan(["v1", "v2"], exclude=[{"subject": "s1", "reason": "withdrew consent"}])
    result = review(samples, measure(samples), NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan)
    assert result.samples.loc[result.samples["kept"] == "no", "subject"].tolist() == ["s1", "s1"]
    assert set(result.samples["left_out"]) == {"", "withdrew consent"}
    assert result.values.loc[result.values["excluded"], "sample"].tolist() == ["s1-v1", "s1-v2"]


def test_conflicting_duplicates_stop_the_study(samples):
    twice = pd.concat([measure(samples), measure(samples.iloc[::-1])], ignore_index=True)
    with pytest.raises(Problems):
        review(samples, twice, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, make_plan(["v1", "v2"]))


def test_floors_are_left_alone_when_the_plan_says_so():
    samples = make_samples([(f"s{k}", f"s{k}", "v1", "") for k in range(30)])
    rows = make_measurements([(f"s{k}", "il6", 1.0 if k < 8 else k + 0.3) for k in range(30)])
    for detect, status in ((True, {"below", "observed"}), (False, {"observed"})):
        plan = make_plan(["v1"], limits={"detect_floors": detect})
        assert set(review(samples, rows, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan).values["status"]) == status


def test_nothing_measured_is_an_empty_review(samples):
    nothing = measure(samples).iloc[:0]
    result = review(samples, nothing, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, make_plan(["v1", "v2"]))
    assert len(result.values) == 0
    assert len(result.samples) == 6


@pytest.mark.parametrize("value", [None, "<2", ">9", 0.0, 7.0])
def test_a_study_of_one_number_everywhere_is_reviewed(samples, value):
    rows = make_measurements([(sample, f"a{k}", value) for sample in samples["sample"] for k in range(6)])
    result = review(samples, rows, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, make_plan(["v1", "v2"]))
    useless = {None: "all_missing", "<2": "never_in_range", ">9": "never_in_range", 0.0: "all_missing", 7.0: "constant"}
    assert checks(result.findings).count(useless[value]) == 6
    assert len(result.sample_map) == 0


@requires_shared
def test_periodontitis_export():
    plan = make_plan([f"v{k}" for k in range(7)], ARMS, design="parallel", randomised=False)
    result = review(*periodontitis_export(), NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan)
    kept = result.samples[result.samples["kept"] == "yes"]
    assert kept.groupby("visit").size().to_dict() == {"v1": 52, "v2": 52, "v3": 52, "v4": 50, "v5": 48, "v6": 48}
    found = result.findings
    assert found.loc[found["check"] == "failed_sample", "sample"].tolist() == ["A11-8f"]
    assert {"derived_visit", "plate_confounded_with_arm", "visits_out_of_order", "zero_concentration"} <= set(
        found["check"]
    )
    assert "unit_slip" not in set(found["check"])
    used = result.values[~result.values["excluded"]]
    below = used[used["status"] == "below"].groupby("feature").size()
    assert (below["gmcsf"], below["il1alpha"], below["mip1alpha"], below["rankl"] >= 63) == (52, 240, 39, True)


@requires_shared
def test_exercise():
    times = ("0", "0.5", "1", "1.5", "2", "3", "6", "24")
    visits = [{"id": "h" + time.replace(".", "_"), "time": float(time)} for time in times]
    arms = [
        {"id": f"p{k}", "label": label} for k, label in enumerate(("Rest", "70 %", "70 % dry", "50 %", "55/85 %"), 1)
    ]
    samples, cytokines, cells = exercise()
    plan = make_plan(visits, arms, design="crossover", randomised=False, duplicates="drop")
    result = review(samples, cytokines, cells, NO_OUTCOMES, NO_NAMES, None, plan)
    counted = checks(result.findings)
    assert counted.count("unit_slip") == 3
    assert counted.count("duplicate_conflict") == 23
    first = result.findings[result.findings["check"] == "condition_always_first"]
    assert first["message"].iloc[0].startswith("Rest was always the first condition (15 of 15 subjects)")
    gaps = result.values[(result.values["feature"] == "il6") & result.values["value"].isna()]
    assert set(gaps["status"]) == {"missing"}
    assert np.isnan(gaps["upper"]).all()

"""Whose change exceeds variation: the sources of variation, what they exclude, and who is counted."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform, empty
from cytoshift.shift.subjects.reference_change import SubjectTables, change_ratios, compare_subjects
from cytoshift.study.problem import Problems
from cytoshift.study.study import SubjectsPlan
from cytoshift.tables import CONTROLS, PAIRS, PANEL, PLATE_FACTORS, REFERENCE_CHANGE, REPLICATES, SAMPLES

ARMS = [{"id": "placebo", "control": True}, {"id": "ldn"}]
EFFECT = {"id": "effect", "reference": "v1", "target": "v2", "arm": "ldn", "against": "placebo"}
WITHIN = {"id": "within", "reference": "v1", "target": "v2"}


def make_plan(**changes: Any) -> SubjectsPlan:
    plan: dict[str, Any] = {
        "design": "parallel", "visits": [{"id": f"v{k}"} for k in (0, 1, 2)], "arms": ARMS,
        "normalize": {"plates": "none"}, "variation": [], "contrasts": [EFFECT],
    }  # fmt: skip
    return SubjectsPlan.model_validate(plan | changes)


def single(**changes: Any) -> SubjectsPlan:
    return make_plan(**{"design": "single_arm", "arms": [], "contrasts": [WITHIN]} | changes)


def make_tables(
    values: dict[str, dict[str, list[float]]],
    *,
    scale: str = "log2",
    layer: str = "cytokine",
    plates: dict[str, str] | None = None,
    controls: list[tuple[str, str, float]] = (),
    wells: list[tuple[str, int, float]] = (),
    factors: list[tuple[str, float]] = (),
    types: dict[str, str] | None = None,
) -> SubjectTables:
    """One feature, il6, of subjects by arm: {arm: {visit: values}}; below 0 a non-detect at −value, NaN missing.

    `plates` by visit; `controls` (control, plate, log2), `wells` (sample, wells, CV), `factors` (plate, offset).
    """
    panel, samples, pairs = [], [], []
    for arm, visits in values.items():
        for visit, numbers in visits.items():
            for k, number in enumerate(numbers):
                sample, below = f"{arm}{k}-{visit}", number < 0 and scale == "log2"
                samples.append({"sample": sample, "subject": f"{arm}{k}", "visit": visit, "arm": arm, "type": "sample"})
                panel.append({
                    "sample": sample, "source": "msd", "layer": layer, "feature": "il6", "label": "IL-6",
                    "plate": (plates or {}).get(visit, ""), "scale": scale, "value": np.nan if below else number,
                    "lower": -np.inf if below else number, "upper": abs(number) if below else number,
                    "status": "below" if below else "missing" if np.isnan(number) else "observed",
                })  # fmt: skip
        for k, (before, after) in enumerate(zip(visits["v1"], visits["v2"], strict=True)):
            ends = {f"{side}_status": "below" if number < 0 and scale == "log2" else "observed"
                    for side, number in (("reference", before), ("target", after))}  # fmt: skip
            size = abs if scale == "log2" else float
            for contrast, role in (("effect", "against" if arm == "placebo" else "arm"), ("within", "arm")):
                pairs.append({"contrast": contrast, "feature": "il6", "subject": f"{arm}{k}", "arm": arm, "role": role,
                              "used": not np.isnan(before + after), "reference": size(before),
                              "target": size(after)} | ends)  # fmt: skip
    samples += [{"sample": name, "type": word} for name, word in (types or {}).items()]
    points = [{"source": "msd", "analyte": "il6", "control": name, "plate": plate, "value": value}
              for name, plate, value in controls]  # fmt: skip
    repeats = [{"source": "msd", "analyte": "il6", "sample": sample, "wells": count, "numbers": count, "cv": cv}
               for sample, count, cv in wells]  # fmt: skip
    offsets = [{"source": "msd", "feature": "il6", "plate": plate, "offset": offset, "scale": 1.0}
               for plate, offset in factors]  # fmt: skip
    tables = ((panel, PANEL), (samples, SAMPLES), (pairs, PAIRS), (points, CONTROLS), (repeats, REPLICATES),
              (offsets, PLATE_FACTORS))  # fmt: skip
    return SubjectTables(*(conform(pd.DataFrame(rows), table) if rows else empty(table) for rows, table in tables))


def row_of(tables: SubjectTables, plan: SubjectsPlan) -> pd.Series:
    table = compare_subjects(tables, plan)
    pd.testing.assert_frame_equal(table, conform(table, REFERENCE_CHANGE))
    assert len(table) == 1
    return table.iloc[0]


CONTROL_POINTS = [("low", "p1", 3.0), ("low", "p2", 3.2), ("high", "p1", 8.0), ("high", "p2", 8.2), ("high", "p3", 8.1)]
# by hand: (0.02 + 0.02)/3 on log2
RUN_VARIANCE = 0.04 / 3 * np.log(2) ** 2
LN2 = np.log(2)
PLACEBO = {"v1": [5.0] * 7, "v2": [5.6, 4.4, 5.3, 4.7, 5.9, 4.1, 5.0]}
CHANGE_VARIANCE = 2 * (0.6**2 + 0.3**2 + 0.9**2) / 6
CITED = [{"features": ["il6"], "within_subject_cv": 0.3, "source": "Ridker 1999"}]


def treated(*changes: float) -> dict[str, list[float]]:
    return {"v1": [6.0] * len(changes), "v2": [6.0 + change for change in changes]}


def test_a_cited_cv_and_controls_give_the_textbook_value_and_the_subjects_beyond_it():
    tables = make_tables({"": treated(-1.6, -1.4, 0.0, 1.4, 1.6)}, controls=CONTROL_POINTS)
    row = row_of(tables, single(variation=CITED))
    sigma = np.sqrt(RUN_VARIANCE + np.log(1 + 0.3**2))
    assert row["kind"] == "reference_change_value"
    np.testing.assert_allclose(row["limit_low"], np.exp(-1.96 * np.sqrt(2) * sigma))
    np.testing.assert_allclose(row["limit_high"] * row["limit_low"], 1.0)
    assert (row["analytical_source"], row["analytical_df"], row["within_source"]) == ("controls", 3, "plan")
    edge = 1.96 * np.sqrt(2) * sigma / LN2
    assert 1.2 < edge < 1.4
    assert row[["n_subjects", "n_decreased", "n_increased", "n_undetermined"]].tolist() == [5, 2, 2, 0]
    assert np.isnan(row["within_df"])
    assert "Ridker 1999" in row["note"]
    assert "3 degrees of freedom" in row["note"]


def test_without_variation_within_subjects_it_is_an_analytical_limit_and_nobody_is_counted():
    tables = make_tables({"": treated(-3, 0, 0, 0, 3)}, controls=CONTROL_POINTS)
    row = row_of(tables, single())
    assert row["kind"] == "analytical_change_limit"
    np.testing.assert_allclose([row["limit_low"], row["limit_high"]], change_ratios(np.sqrt(RUN_VARIANCE)))
    assert row["n_subjects"] == 5
    assert row[["n_decreased", "n_increased", "n_undetermined"]].isna().all()
    assert "no control arm" in row["note"]


def test_the_control_arm_gives_half_the_variance_of_its_changes_less_the_analytical_part():
    tables = make_tables({"placebo": PLACEBO, "ldn": treated(-4, -1, 0, 4)}, controls=CONTROL_POINTS)
    row = row_of(tables, make_plan())
    total = CHANGE_VARIANCE / 2 * LN2**2
    np.testing.assert_allclose(row["sigma_within"], np.sqrt(total - RUN_VARIANCE))
    np.testing.assert_allclose(row["sigma"], np.sqrt(total))
    assert (row["within_source"], row["within_df"]) == ("control_arm", 6)
    assert row[["n_subjects", "n_decreased", "n_increased"]].tolist() == [4, 1, 1]
    assert row[["against_subjects", "against_decreased", "against_increased"]].tolist() == [7, 0, 0]


def test_without_controls_the_control_arms_changes_hold_the_analytical_part():
    row = row_of(make_tables({"placebo": PLACEBO, "ldn": treated(-4, 0, 4)}), make_plan())
    assert (row["kind"], row["analytical_source"]) == ("reference_change_value", "included")
    np.testing.assert_allclose(row["sigma"], np.sqrt(CHANGE_VARIANCE / 2) * LN2)
    assert np.isnan(row["sigma_analytical"])


def test_a_control_arm_steadier_than_the_assay_adds_nothing():
    steady = {"v1": [5.0] * 7, "v2": [5.01, 4.99, 5.0, 5.02, 4.98, 5.0, 5.0]}
    row = row_of(make_tables({"placebo": steady, "ldn": treated(0, 4)}, controls=CONTROL_POINTS), make_plan())
    assert row["sigma_within"] == 0
    np.testing.assert_allclose(row["sigma"], np.sqrt(RUN_VARIANCE))
    assert "none within subjects" in row["note"]


def test_a_small_control_arm_judges_nobody():
    few = {visit: numbers[:5] for visit, numbers in PLACEBO.items()}
    row = row_of(make_tables({"placebo": few, "ldn": treated(-4)}, controls=CONTROL_POINTS), make_plan())
    assert row["kind"] == "analytical_change_limit"
    assert "the control arm: 4 degrees of freedom of 5 needed" in row["note"]


def test_a_control_arm_with_many_non_detects_judges_nobody():
    many = PLACEBO | {"v1": [-5.0] * 4 + [5.0] * 3}
    row = row_of(make_tables({"placebo": many, "ldn": treated(-4)}), make_plan())
    assert row["kind"] == ""
    assert "more than 20 % non-detects" in row["note"]
    assert np.isnan(row["limit_low"])


def test_replicate_wells_count_only_where_both_visits_share_a_plate():
    wells = [(f"{k}-{visit}", 2, 0.1) for k in range(3) for visit in ("v1", "v2")]
    values, said = {"": treated(-1, 0, 1)}, single(variation=CITED)
    shared = row_of(make_tables(values, plates={"v1": "p1", "v2": "p1"}, wells=wells, controls=CONTROL_POINTS), said)
    apart = row_of(make_tables(values, plates={"v1": "p1", "v2": "p2"}, wells=wells, controls=CONTROL_POINTS), said)
    assert (shared["analytical_source"], apart["analytical_source"]) == ("replicates", "controls")
    np.testing.assert_allclose(shared["sigma_analytical"], np.sqrt(np.log(1.01) / 2))  # a value is a mean of two wells
    np.testing.assert_allclose(apart["sigma_analytical"], np.sqrt(RUN_VARIANCE))
    assert shared["analytical_df"] == 6


def test_a_control_arm_on_shared_plates_says_nothing_of_differences_between_plates():
    """Its pairs hold no between-run part, the treated subjects' pairs do."""
    tables = make_tables({"placebo": PLACEBO, "ldn": treated(-4, 0)}, plates={"v1": "p1", "v2": "p1"})
    moved = tables.panel["sample"].str.startswith("ldn") & tables.panel["sample"].str.endswith("v2")
    tables.panel.loc[moved, "plate"] = "p2"
    row = row_of(tables, make_plan())
    assert row["kind"] == ""
    assert "analytical variation unknown" in row["note"]


def test_controls_are_aligned_as_the_samples_were():
    offsets = [("p1", 0.1), ("p2", -0.1), ("p3", 0.0)]
    plan = single(variation=CITED, normalize={"plates": "plate_median"})
    row = row_of(make_tables({"": treated(0, 1)}, controls=CONTROL_POINTS, factors=offsets), plan)
    # p1 and p2 now agree: low 3.1, 3.1; high 8.1, 8.1, 8.1
    np.testing.assert_allclose(row["sigma_analytical"], 0.0, atol=1e-9)


def test_controls_that_aligned_the_plates_are_taken_as_measured_and_said_to_be():
    offsets = [("p1", 0.1), ("p2", -0.1), ("p3", 0.0)]
    plan = single(variation=CITED, normalize={"plates": "reference_samples"})
    types = {"low": "bridge", "high": "bridge"}
    row = row_of(make_tables({"": treated(0, 1)}, controls=CONTROL_POINTS, factors=offsets, types=types), plan)
    np.testing.assert_allclose(row["sigma_analytical"], np.sqrt(RUN_VARIANCE))
    assert "too wide" in row["note"]


def test_non_detects_are_counted_only_where_their_bound_says_enough():
    """The limit is about 1.3 on log2: far below is a decrease, near it is open, above a bound is open."""
    values = {"": {"v1": [6.0, 6.0, -4.0, -4.0], "v2": [-4.0, -5.9, 7.0, -4.0]}}
    row = row_of(make_tables(values, controls=CONTROL_POINTS), single(variation=CITED))
    assert row[["n_subjects", "n_decreased", "n_increased", "n_undetermined"]].tolist() == [4, 1, 1, 2]


def test_visits_averaged_as_reference_tell_and_tighten_the_limit():
    rng = np.random.default_rng(4)
    values = {"": {visit: list(rng.normal(6, 0.4, 8)) for visit in ("v0", "v1", "v2")}}
    contrast = {"id": "within", "reference": {"mean": ["v0", "v1"]}, "target": "v2"}
    row = row_of(make_tables(values), single(contrasts=[contrast]))
    difference = np.subtract(values[""]["v1"], values[""]["v0"])
    sigma = np.sqrt(difference.var(ddof=1) / 2) * LN2
    assert (row["within_source"], row["within_df"]) == ("repeat_visits", 7)
    np.testing.assert_allclose(row["limit_high"], np.exp(1.96 * np.sqrt(1.5) * sigma))


def test_a_run_in_that_the_plan_names_comes_before_the_control_arm():
    rng = np.random.default_rng(5)
    run_in = {"v0": list(rng.normal(6, 0.4, 7)), "v1": list(rng.normal(6, 0.4, 7)), "v2": [6.0] * 7}
    tables = make_tables({"placebo": run_in, "ldn": run_in})
    row = row_of(tables, make_plan(variation=[{"features": ["all"], "visits": ["v0", "v1"]}]))
    assert (row["within_source"], row["within_df"]) == ("visits", 13)


def test_an_analytical_cv_of_the_plan_stands_in_for_controls():
    said = [{"features": ["role:pro_inflammatory"], "within_subject_cv": 0.3, "analytical_cv": 0.08, "source": "kit"}]
    row = row_of(make_tables({"": treated(0, 1)}), single(variation=said))
    assert (row["kind"], row["analytical_source"]) == ("reference_change_value", "plan")
    np.testing.assert_allclose(row["sigma"] ** 2, np.log(1.0064) + np.log(1.09))


def test_the_first_entry_that_names_a_feature_counts():
    said = [CITED[0], {"features": ["all"], "within_subject_cv": 0.9, "source": "guess"}]
    tables = make_tables({"": treated(0, 1)}, controls=CONTROL_POINTS)
    np.testing.assert_allclose(row_of(tables, single(variation=said))["sigma_within"] ** 2, np.log(1.09))


@pytest.mark.parametrize(("scale", "layer"), [("logit", "cell"), ("identity", "outcome")])
def test_fractions_and_scores_take_no_cv_and_are_judged_by_the_control_arm(scale, layer):
    tables = make_tables({"placebo": PLACEBO, "ldn": treated(-4, 0, 4)}, scale=scale, layer=layer)
    without = row_of(tables, single(variation=CITED))
    assert without["kind"] == ""
    assert "says nothing of fractions and scores" in without["note"]
    row = row_of(tables, make_plan())
    half = 1.96 * np.sqrt(2) * np.sqrt(CHANGE_VARIANCE / 2)
    np.testing.assert_allclose(row["limit_high"], np.exp(half) if scale == "logit" else half)
    assert row[["n_decreased", "n_increased"]].tolist() == [1, 1]


def test_arms_at_one_visit_have_no_change_to_judge():
    tables = make_tables({"placebo": PLACEBO, "ldn": treated(0)})
    contrast = {"id": "effect", "at": "v1", "arm": "ldn", "against": "placebo"}
    assert compare_subjects(tables, make_plan(contrasts=[contrast])).empty


def test_a_feature_that_the_data_do_not_hold_is_refused():
    said = [{"features": ["il7"], "within_subject_cv": 0.3, "source": "x"}]
    with pytest.raises(Problems, match=r"variation\[1\].features: 'il7' is not in the data; did you mean 'il6'"):
        compare_subjects(make_tables({"": treated(0)}), single(variation=said))


def test_of_unchanged_subjects_five_per_cent_are_counted():
    """Two arms without any effect; the limit learned on one, 3 SE of 4,000 at 0.05 are 0.0103."""
    rng = np.random.default_rng(11)
    subject = rng.normal(6, 1, (2, 4000))
    values = {arm: {visit: list(subject[k] + rng.normal(0, 0.3, 4000)) for visit in ("v1", "v2")}
              for k, arm in enumerate(("placebo", "ldn"))}  # fmt: skip
    row = row_of(make_tables(values), make_plan())
    assert (row["n_decreased"] + row["n_increased"]) / 4000 == pytest.approx(0.05, abs=0.0103)

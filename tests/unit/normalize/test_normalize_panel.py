"""From measured values to the panel: scales, plates, indices."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform
from cytoshift.normalize.panel import normalize
from cytoshift.normalize.plates import apply_plate_offsets, fit_plate_offsets
from cytoshift.study.problem import Problems
from cytoshift.study.study import NormalizePlan
from cytoshift.tables import PANEL, VALUES
from quality_tables import make_samples


def make_plan(plates="none", indices=()):
    return NormalizePlan.model_validate({"normalize": {"plates": plates}, "outcomes": [], "indices": list(indices)})


def make_values(rows: list[tuple], **constant: Any) -> pd.DataFrame:
    """Values of (sample, feature, value, plate); "<2" and ">9" are non-detects."""
    frame = pd.DataFrame(rows, columns=["sample", "feature", "value", "plate"][: len(rows[0])])
    text = frame["value"].astype(str)
    number = pd.to_numeric(text.str.lstrip("<>"), errors="coerce")
    below, above = text.str.startswith("<"), text.str.startswith(">")
    frame = frame.assign(
        value=number.where(~below & ~above),
        lower=number.where(~below, 0.0),
        upper=number.where(~above, np.inf),
        status=np.select([below, above, number.isna()], ["below", "above", "missing"], "observed"),
    )
    defaults = {"source": "msd", "layer": "cytokine", "measure": "concentration", "unit": "pg/mL"}
    detected = frame["status"].isin(["observed", "above"])
    for name, value in {**defaults, "label": frame["feature"], "detected": detected, **constant}.items():
        frame[name] = value
    return conform(frame, VALUES)


def samples_of(values, types=None):
    names = sorted(values["sample"].unique())
    rows = [(name, name.split("-")[0], name.split("-")[-1], "", (types or {}).get(name, "sample")) for name in names]
    return make_samples(rows, ("sample", "subject", "visit", "arm", "type"))


def panel_of(values, plan=None, types=None):
    result = normalize(values, samples_of(values, types), plan or make_plan())
    return result.panel.set_index(["sample", "feature"])


SCALES = {
    "concentration": (8.0, "concentration", "log2", 3.0),
    "NPX stays": (8.0, "log_concentration", "log2", 8.0),
    "count": (8.0, "count_per_ul", "log2", 3.0),
    "fraction": (0.2, "fraction_of_parent", "logit", np.log(0.25)),
    "score": (8.0, "score", "identity", 8.0),
}


@pytest.mark.parametrize(("number", "measure", "scale", "expected"), SCALES.values(), ids=SCALES.keys())
def test_scales(number, measure, scale, expected):
    row = panel_of(make_values([("s1", "x", number)], measure=measure)).loc[("s1", "x")]
    assert row["scale"] == scale
    assert [row["value"], row["lower"], row["upper"]] == pytest.approx([expected] * 3)


@pytest.mark.parametrize(("measure", "limit"), [("concentration", 1.0), ("log_concentration", 2.0)])
def test_non_detects_stay_intervals(measure, limit):
    panel = panel_of(make_values([("s1", "x", "<2"), ("s2", "x", ">2"), ("s3", "x", None)], measure=measure))
    below, above, missing = (panel.loc[(name, "x")] for name in ("s1", "s2", "s3"))
    assert (below["status"], below["lower"], below["upper"]) == ("below", -np.inf, limit)
    assert (above["status"], above["lower"], above["upper"]) == ("above", limit, np.inf)
    assert np.isnan(below["value"])
    assert missing["status"] == "missing"
    assert np.isnan([missing["value"], missing["lower"], missing["upper"]]).all()


def test_fractions_of_0_and_1_move_inside_and_are_flagged():
    fractions = [0.0, 0.02, 0.5, 0.96, 1.0]
    values = make_values(
        [(f"s{k}", "treg", number) for k, number in enumerate(fractions)], measure="fraction_of_parent"
    )
    result = normalize(values, samples_of(values), make_plan())
    inside = 1 / (1 + np.exp(-result.panel["value"].to_numpy()))
    assert inside == pytest.approx([0.01, 0.02, 0.5, 0.96, 0.98])
    assert result.findings["check"].tolist() == ["fraction_of_0", "fraction_of_1"]


def test_a_fraction_that_is_zero_everywhere_has_nothing_to_halve():
    values = make_values([("s1", "treg", 0.0), ("s2", "treg", 0.0)], measure="fraction_of_parent")
    result = normalize(values, samples_of(values), make_plan())
    assert set(result.panel["status"]) == {"missing"}
    assert not result.panel["detected"].any()
    assert result.findings["check"].tolist() == ["outside_scale"]


def test_a_number_the_scale_cannot_hold_is_missing_with_a_finding():
    values = make_values([("s1", "treg", 1.3), ("s2", "treg", 0.3)], measure="fraction_of_parent")
    result = normalize(values, samples_of(values), make_plan())
    assert result.panel["status"].tolist() == ["missing", "observed"]
    assert result.findings["check"].tolist() == ["outside_scale"]


def test_left_out_samples_and_values_are_not_on_the_panel():
    values = make_values([("s1", "x", 2.0), ("s2", "x", 2.0), ("s3", "x", 2.0)])
    values.loc[0, "excluded"] = True
    samples = samples_of(values, {"s3": "pool"}).assign(kept=["yes", "yes", "yes"])
    assert normalize(values, samples, make_plan()).panel["sample"].tolist() == ["s2"]
    assert normalize(values, samples.assign(kept=["yes", "no", "yes"]), make_plan()).panel.empty


def two_plates(shift=1.0, visits="v1 v2"):
    """Six subjects, whole on one of two plates; plate p2 reads 2^shift times too high."""
    generator = np.random.default_rng(2)
    rows = []
    for s in range(6):
        for visit in visits.split():
            for feature in ("il6", "tnf"):
                plate = f"p{s % 2 + 1}"
                number = 2 ** (generator.normal(3, 1) + (shift if plate == "p2" else 0))
                rows.append((f"s{s}-{visit}", feature, number, plate))
    return rows


BRIDGES = [
    (f"bridge{b}", f, (4.0 + b) * (2.0 if p == "p2" else 1.0), p)
    for b in range(2)
    for f in ("il6", "tnf")
    for p in ("p1", "p2")
]
TYPES = {"bridge0": "bridge", "bridge1": "pool"}


def test_reference_samples_undo_a_plate_shift_and_leave_the_panel():
    values = make_values(two_plates() + BRIDGES)
    result = normalize(values, samples_of(values, TYPES), make_plan("reference_samples"))
    assert result.plate_factors["offset"].tolist() == pytest.approx([0.5, -0.5] * 2)
    assert result.plate_factors["samples_used"].tolist() == [2] * 4
    truth = make_values(two_plates(shift=0.0))
    merged = result.panel.merge(truth, on=["sample", "feature"], suffixes=("", "_true"))
    assert (merged["value"] - 0.5).to_numpy() == pytest.approx(np.log2(merged["value_true"].to_numpy()))
    assert not result.panel["sample"].str.startswith("bridge").any()
    pd.testing.assert_frame_equal(result.panel, conform(result.panel, PANEL))


def test_an_unbalanced_set_of_references_gives_the_least_squares_effects():
    rows = [("a", "p1", 0.0), ("a", "p2", 1.2), ("b", "p2", 5.0), ("b", "p3", 7.1), ("c", "p1", 2.0), ("c", "p3", 5.0)]
    scaled = pd.DataFrame(rows, columns=["sample", "plate", "value"]).assign(
        source="msd", feature="il6", status="observed"
    )
    scaled["lower"] = scaled["upper"] = scaled["value"]
    offsets = fit_plate_offsets(scaled, "reference_samples", {"a", "b", "c"})["offset"].to_numpy(dtype=float)
    design = np.zeros((6, 6))
    for k, (sample, plate, _) in enumerate(rows):
        design[k, "abc".index(sample)] = design[k, 3 + int(plate[1]) - 1] = 1
    effects = np.linalg.lstsq(design, np.array([value for *_, value in rows]), rcond=None)[0][3:]
    assert offsets == pytest.approx(-(effects - effects.mean()), abs=1e-9)


def scaled_references(rows, plates):
    """(sample, plate number, value) of reference samples on the analysis scale; NaN is a non-detect."""
    frame = pd.DataFrame(rows, columns=["sample", "plate", "value"]).assign(source="msd", feature="il6")
    frame["plate"] = frame["plate"].map(lambda plate: f"p{plate:02d}")
    frame["status"] = np.where(frame["value"].isna(), "below", "observed")
    return frame.assign(lower=frame["value"], upper=frame["value"])


@pytest.mark.parametrize("plates", [20, 40])
def test_a_chain_of_plates_each_sharing_one_bridge_with_the_next_is_solved_exactly(plates):
    effects = np.linspace(-6, 6, plates) + np.sin(np.arange(plates))
    effects -= effects.mean()
    rows = [(f"b{k}", plate, 5.0 + k % 3 + effects[plate]) for k in range(plates - 1) for plate in (k, k + 1)]
    offsets = fit_plate_offsets(scaled_references(rows, plates), "reference_samples", {f"b{k}" for k in range(plates)})
    assert offsets["offset"].to_numpy(dtype=float) == pytest.approx(-effects, abs=1e-9)
    assert offsets["samples_used"].tolist() == [1] + [2] * (plates - 2) + [1]


def test_a_bridge_below_its_limit_unlinks_its_plates_for_that_analyte_alone():
    numbers = {"il6": [1.0, 2.0, 3.0, np.nan, 5.0, 9.0], "tnf": [1.0, 2.0, 3.0, 3.5, 5.0, 9.0]}
    places = [("a", 1), ("a", 2), ("b", 2), ("b", 3), ("c", 3), ("c", 4)]
    rows = pd.concat(
        scaled_references([(*place, number) for place, number in zip(places, of_feature, strict=True)], 4).assign(
            feature=feature
        )
        for feature, of_feature in numbers.items()
    )
    rows = pd.concat([rows, scaled_references([("a", 5, 4.0), ("x", 6, 1.0)], 6)])
    factors = fit_plate_offsets(rows, "reference_samples", {"a", "b", "c", "x"}).set_index(["feature", "plate"])
    il6, tnf = factors.loc["il6"], factors.loc["tnf"]
    # plates 1, 2 and 5 share sample a; 3 and 4 hang together without them, and 6 with none
    assert il6["offset"].tolist() == pytest.approx([4 / 3, 1 / 3, np.nan, np.nan, -5 / 3, np.nan], nan_ok=True)
    assert il6["samples_used"].tolist() == [1, 1, 0, 0, 1, 0]
    effects = np.array([0.0, 1.0, 1.5, 5.5])
    assert tnf["offset"].tolist() == pytest.approx(list(effects.mean() - effects))


def test_a_plate_that_nothing_links_keeps_its_values_and_says_so():
    bridges = [row if row[3] == "p1" or row[1] == "il6" else (row[0], row[1], "<9", row[3]) for row in BRIDGES]
    values = make_values(two_plates() + bridges)
    result = normalize(values, samples_of(values, TYPES), make_plan("reference_samples"))
    tnf = result.plate_factors[result.plate_factors["feature"] == "tnf"]
    assert tnf["offset"].isna().all()
    left = result.findings[result.findings["check"] == "plate_without_offset"]
    assert left["feature"].tolist() == ["tnf"]


def test_thousands_of_proteins_with_gaps_of_their_own_are_aligned():
    generator = np.random.default_rng(3)
    effects = generator.normal(size=(300, 12))
    frame = pd.DataFrame(
        [
            (f"b{b}", f"p{p:02d}", f"x{f:04d}", b + effects[f, p])
            for f in range(300)
            for p in range(12)
            for b in range(5)
        ],
        columns=["sample", "plate", "feature", "value"],
    ).assign(source="olink", status="observed")
    frame.loc[generator.random(len(frame)) < 0.2, "value"] = np.nan
    frame = frame.assign(lower=frame["value"], upper=frame["value"])
    offsets = fit_plate_offsets(frame, "reference_samples", {f"b{b}" for b in range(5)})["offset"].to_numpy(dtype=float)
    expected = effects.mean(axis=1, keepdims=True) - effects
    assert offsets.reshape(300, 12) == pytest.approx(expected, abs=1e-9)


def test_a_sample_averaged_over_two_plates_gets_the_offset_of_neither():
    values = make_values([*two_plates(), *BRIDGES, ("s9-v1", "il6", 8.0, "p2"), ("s9-v2", "il6", 8.0, "p2")])
    values["plates"] = np.where(values["sample"] == "s9-v1", 2, 1)
    result = normalize(values, samples_of(values, TYPES), make_plan("reference_samples"))
    panel = result.panel.set_index(["sample", "feature"])
    assert panel.loc[("s9-v1", "il6"), ["value", "plate"]].tolist() == [3.0, "p2"]
    assert panel.loc[("s9-v2", "il6"), "value"] == pytest.approx(2.5)
    said = result.findings[result.findings["check"] == "sample_on_several_plates"].iloc[0]
    assert "1 sample measured on several plates" in said["message"]
    assert "sample_on_several_plates" not in set(
        normalize(values, samples_of(values, TYPES), make_plan()).findings["check"]
    )


def test_plate_medians_agree_afterwards_and_bounds_move_along():
    rows = [(f"s{k}-v{k % 2}", "il6", 2.0 ** (k % 7 + 3 * (k >= 7)), f"p{1 + (k >= 7)}") for k in range(14)]
    rows[0] = ("s0-v0", "il6", "<1", "p1")
    values = make_values(rows)
    result = normalize(values, samples_of(values), make_plan("plate_median"))
    assert result.plate_factors["offset"].tolist() == pytest.approx([1.5, -1.5])
    below = result.panel[result.panel["status"] == "below"].iloc[0]
    assert (below["lower"], below["upper"]) == (-np.inf, 1.5)
    assert result.findings["check"].tolist() == ["plates_aligned", "few_samples_on_plate"]


def test_a_plate_of_non_detects_has_no_median():
    rows = [(f"s{k}-v{k % 2}", "il6", "<1" if k < 4 else 2.0, f"p{1 + (k >= 6)}") for k in range(12)]
    values = make_values(rows)
    result = normalize(values, samples_of(values), make_plan("plate_median"))
    assert np.isnan(result.plate_factors["offset"].iloc[0])
    assert "plate_without_offset" in set(result.findings["check"])
    assert result.panel["value"].dropna().tolist() == pytest.approx([1.0] * 8)


def test_plate_medians_are_refused_when_each_visit_has_its_plate():
    values = make_values([(f"s{s}-v{v}", "il6", 2.0 + s, f"p{v}") for s in range(6) for v in range(2)])
    with pytest.raises(Problems, match=r"plate_median' is refused for source 'msd': plate and visit go together"):
        normalize(values, samples_of(values), make_plan("plate_median"))


def test_reference_samples_must_link_the_plates():
    values = make_values(two_plates() + [row for row in BRIDGES if row[3] == "p1"])
    with pytest.raises(Problems, match=r"p2 shares none with p1"):
        normalize(values, samples_of(values, TYPES), make_plan("reference_samples"))


def test_offsets_learned_on_some_samples_apply_to_others():
    learned = make_values(BRIDGES).assign(value=lambda v: np.log2(v["value"]))
    factors = fit_plate_offsets(learned, "reference_samples", {"bridge0", "bridge1"})
    new = make_values([("s9", "il6", 3.0, "p2"), ("s9", "il8", 3.0, "p2")])
    assert apply_plate_offsets(new, factors)["value"].tolist() == pytest.approx([2.5, 3.0])


NLR = {"id": "nlr", "numerator": ["neutrophils"], "denominator": ["lymphocytes"]}
INDICES = {
    "numbers": (4000.0, 1000.0, "observed", 2.0, 2.0, 2.0),
    "numerator below": ("<4000", 1000.0, "below", np.nan, -np.inf, 2.0),
    "denominator below": (4000.0, "<1000", "above", np.nan, 2.0, np.inf),
    "both below": ("<4000", "<1000", "missing", np.nan, np.nan, np.nan),
    "numerator above, denominator below": (">4000", "<1000", "above", np.nan, 2.0, np.inf),
    "a part missing": (4000.0, None, "missing", np.nan, np.nan, np.nan),
}


@pytest.mark.parametrize(("above", "under", "status", "value", "lower", "upper"), INDICES.values(), ids=INDICES.keys())
def test_indices_are_log_ratios_with_bounds(above, under, status, value, lower, upper):
    rows = [("s1", "neutrophils", above), ("s1", "lymphocytes", under)]
    values = make_values(rows, measure="count_per_ul", layer="cell", unit="cells/uL")
    row = panel_of(values, make_plan(indices=[NLR])).loc[("s1", "nlr")]
    assert (row["layer"], row["scale"], row["status"]) == ("index", "log2", status)
    np.testing.assert_allclose([row["value"], row["lower"], row["upper"]], [value, lower, upper])


def test_an_index_is_detected_when_all_its_parts_are():
    rows = [("s1", "neutrophils", 4000.0), ("s1", "lymphocytes", 1000.0)]
    rows += [("s2", "neutrophils", "<40"), ("s2", "lymphocytes", 1000.0), ("s3", "neutrophils", 4000.0)]
    values = make_values(rows, measure="count_per_ul", layer="cell", unit="cells/uL")
    panel = panel_of(values, make_plan(indices=[NLR]))
    assert panel.xs("nlr", level="feature")["detected"].to_dict() == {"s1": True, "s2": False, "s3": False}


def test_a_value_mostly_detected_stays_so_on_the_panel_though_its_average_is_a_bound():
    values = make_values([("s1", "il6", "<4"), ("s2", "il6", "<4")])
    values["detected"] = [True, False]
    panel = normalize(values, samples_of(values), make_plan()).panel
    assert panel["status"].tolist() == ["below", "below"]
    assert panel["detected"].tolist() == [True, False]


def test_a_small_non_detect_in_a_sum_does_not_hide_the_ratio():
    index = {"id": "r", "numerator": ["neutrophils", "basophils"], "denominator": ["lymphocytes"]}
    rows = [("s1", "neutrophils", 4000.0), ("s1", "basophils", "<50"), ("s1", "lymphocytes", 1000.0)]
    values = make_values(rows, measure="count_per_ul", layer="cell", unit="cells/uL")
    result = normalize(values, samples_of(values), make_plan(indices=[index]))
    row = result.panel.iloc[-1]
    assert (row["status"], row["value"]) == ("observed", pytest.approx((2 + np.log2(4.05)) / 2))
    assert result.findings["check"].tolist() == ["index_bounds"]
    rows[1] = ("s1", "basophils", "<4000")
    values = make_values(rows, measure="count_per_ul", layer="cell", unit="cells/uL")
    row = normalize(values, samples_of(values), make_plan(indices=[index])).panel.iloc[-1]
    assert (row["status"], row["upper"]) == ("below", 3.0)


def test_an_index_of_fractions_uses_the_fractions():
    values = make_values(
        [("s1", "neutrophils", 0.6), ("s1", "lymphocytes", 0.3)], measure="fraction_of_parent", layer="cell"
    )
    assert panel_of(values, make_plan(indices=[NLR])).loc[("s1", "nlr"), "value"] == pytest.approx(1.0)


@pytest.mark.parametrize(("numerator", "message"), [
    ("neutrofils", "not a feature of this study; did you mean 'neutrophils'"),
    ("fatigue", "is a score"),
])  # fmt: skip
def test_impossible_indices_are_refused(numerator, message):
    counts = make_values([("s1", "neutrophils", 4.0), ("s1", "lymphocytes", 1.0)], measure="count_per_ul", layer="cell")
    score = make_values([("s1", "fatigue", 20)], measure="score", layer="outcome", source="fatigue")
    values = pd.concat([counts, score], ignore_index=True)
    with pytest.raises(Problems, match=message):
        normalize(values, samples_of(values), make_plan(indices=[{**NLR, "numerator": [numerator]}]))


def test_a_sum_of_shares_of_different_parents_is_refused():
    values = make_values([("s1", "treg", 0.1), ("s1", "b_naive", 0.5)], measure="fraction_of_parent", layer="cell")
    values["unit"], values["parent"] = "fraction", ["cd4_t_cells", "b_cells"]
    index = {"id": "r", "numerator": ["treg", "b_naive"], "denominator": ["treg"]}
    with pytest.raises(Problems, match="treg in fraction of cd4_t_cells, b_naive in fraction of b_cells"):
        normalize(values, samples_of(values), make_plan(indices=[index]))


def test_a_sum_of_different_units_is_refused():
    counts = make_values([("s1", "neutrophils", 4.0), ("s1", "lymphocytes", 1.0)], measure="count_per_ul", layer="cell")
    values = pd.concat([counts, make_values([("s1", "il6", 4.0)])], ignore_index=True)
    values.loc[:1, "unit"] = "cells/uL"
    with pytest.raises(Problems, match="adds different units"):
        normalize(values, samples_of(values), make_plan(indices=[{**NLR, "numerator": ["neutrophils", "il6"]}]))

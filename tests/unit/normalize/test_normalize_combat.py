"""ComBat: plates that differ in level and spread, with gaps and non-detects."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from cytoshift.frames import conform
from cytoshift.normalize.censored_moments import censored_moments
from cytoshift.normalize.combat import combat_effects
from cytoshift.normalize.panel import normalize
from cytoshift.normalize.plates import apply_plate_offsets, fit_plate_offsets
from cytoshift.study.problem import Problems
from cytoshift.study.study import NormalizePlan
from cytoshift.tables import PLATE_FACTORS, VALUES
from quality_tables import make_samples

PLAN = NormalizePlan.model_validate({"normalize": {"plates": "combat"}, "outcomes": [], "indices": []})


def make_scaled(numbers, plates, limits=None):
    """Long analysis-scale rows of samples × analytes; below a plate's limit a value is a non-detect, NaN is no row."""
    samples, analytes = numbers.shape
    frame = pd.DataFrame(
        {
            "source": "msd",
            "sample": np.repeat([f"s{k:02d}" for k in range(samples)], analytes),
            "feature": np.tile([f"a{k:02d}" for k in range(analytes)], samples),
            "plate": np.repeat(plates, analytes),
            "value": numbers.ravel(),
        }
    )
    limit = frame["plate"].map(limits or {}).astype(float).fillna(-np.inf).to_numpy()
    below = (frame["value"] < limit).to_numpy()
    frame = frame.assign(lower=frame["value"], upper=frame["value"], status=np.where(below, "below", "observed"))
    frame.loc[below, "value"] = np.nan
    frame["lower"], frame["upper"] = frame["lower"].mask(below, -np.inf), frame["upper"].mask(below, limit)
    return frame[frame["value"].notna() | below].reset_index(drop=True)


def plates_of(*sizes):
    return np.repeat([f"p{k + 1}" for k in range(len(sizes))], sizes)


def drawn(plates, shift=0.0, stretch=1.0, analytes=30, seed=1):
    """Normal values; plate p2 reads `shift` too high with `stretch` times the spread."""
    numbers = np.random.default_rng(seed).normal(size=(len(plates), analytes)) + np.linspace(-2, 6, analytes)
    centre = np.linspace(-2, 6, analytes)
    second = (plates == "p2")[:, None]
    return np.where(second, centre + shift + stretch * (numbers - centre), numbers)


def combat(scaled):
    factors = fit_plate_offsets(scaled, "combat", set())
    return factors, apply_plate_offsets(scaled, factors)


def by_plate(aligned, statistic):
    return aligned.pivot_table(index="feature", columns="plate", values="value", aggfunc=statistic)


def test_a_plate_with_another_level_and_spread_is_brought_back():
    plates = plates_of(20, 20)
    factors, aligned = combat(make_scaled(drawn(plates, shift=1.5, stretch=1.8), plates))
    means, deviations = (by_plate(aligned, statistic) for statistic in ("mean", "std"))
    assert (means["p1"] - means["p2"]).mean() == pytest.approx(0.0, abs=0.05)
    assert np.log(deviations["p2"] / deviations["p1"]).mean() == pytest.approx(0.0, abs=0.05)
    pd.testing.assert_frame_equal(factors, conform(factors, PLATE_FACTORS))


def test_plates_that_agree_are_left_nearly_alone():
    plates = plates_of(20, 20)
    scaled = make_scaled(drawn(plates), plates)
    moved = (combat(scaled)[1]["value"] - scaled["value"]).abs()
    centred = scaled["value"] - scaled.groupby(["feature", "plate"])["value"].transform("mean")
    plain = (centred - (scaled["value"] - scaled.groupby("feature")["value"].transform("mean"))).abs()
    assert moved.mean() < 0.6 * plain.mean()  # each analyte's own plate means would move values further


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-30, 30), stretch=st.floats(0.1, 10))
def test_the_scale_of_measurement_does_not_matter(shift, stretch):
    plates = plates_of(9, 7)
    numbers = drawn(plates, shift=1.0, stretch=1.5, analytes=8)
    one = combat(make_scaled(numbers, plates))[1]["value"].to_numpy()
    other = combat(make_scaled(shift + stretch * numbers, plates))[1]["value"].to_numpy()
    np.testing.assert_allclose(other, shift + stretch * one, atol=1e-7 * max(1, stretch))


def test_a_higher_limit_on_one_plate_does_not_pull_its_level():
    plates = plates_of(25, 25)
    numbers = drawn(plates, shift=1.0, analytes=20) - np.linspace(-2, 6, 20)
    truth, _ = combat(make_scaled(numbers, plates))
    censored, aligned = combat(make_scaled(numbers, plates, limits={"p2": 0.5}))  # about a third below it
    offset = censored["offset"].to_numpy() - truth["offset"].to_numpy()
    assert np.nanmean(np.abs(offset)) < 0.1
    below = aligned[aligned["status"] == "below"]
    assert len(below) > 100
    assert (below["lower"] == -np.inf).all()
    of_row = censored.set_index(["feature", "plate"]).loc[pd.MultiIndex.from_frame(below[["feature", "plate"]])]
    expected = of_row["centre"] + of_row["scale"] * (0.5 - of_row["centre"]) + of_row["offset"]
    learned = expected.notna().to_numpy()
    assert learned.mean() > 0.8
    np.testing.assert_allclose(below["upper"][learned], expected[learned])
    np.testing.assert_array_equal(below["upper"][~learned], 0.5)  # mostly below on p2: nothing learned, nothing moved


def test_an_analyte_mostly_below_or_with_one_value_on_a_plate_is_left_alone_there():
    plates = plates_of(12, 12)
    numbers = drawn(plates, analytes=10)
    numbers[12:, 3] = -50.0  # below the limit of -20 throughout plate p2
    numbers[13:, 4] = np.nan
    factors, _ = combat(make_scaled(numbers, plates, limits={"p2": -20.0}))
    table = factors.pivot_table(index="feature", columns="plate", values="offset", dropna=False)
    assert table["p2"].isna().to_dict() == {f"a{k:02d}": k in (3, 4) for k in range(10)}
    assert table["p1"].notna().all()


def test_few_values_are_only_shifted():
    plates = plates_of(12, 12)
    numbers = drawn(plates, shift=1.0, analytes=10)
    numbers[12:20, 4] = np.nan
    factors, _ = combat(make_scaled(numbers, plates))
    here = factors.set_index(["feature", "plate"])["scale"]
    assert here[("a04", "p2")] == 1.0
    assert (here.drop(("a04", "p2")) != 1.0).all()


def test_two_analytes_have_no_prior_and_are_centred():
    plates = plates_of(8, 8)
    factors, aligned = combat(make_scaled(drawn(plates, shift=2.0, analytes=2), plates))
    assert (factors["scale"] == 1.0).all()
    means = by_plate(aligned, "mean")
    np.testing.assert_allclose(means["p1"], means["p2"])


def test_an_analyte_without_spread_is_shifted_not_divided_by_zero():
    plates = plates_of(8, 8)
    numbers = drawn(plates, analytes=10)
    numbers[:, 2] = 3.0
    aligned = combat(make_scaled(numbers, plates))[1]
    assert aligned.loc[aligned["feature"] == "a02", "value"].tolist() == [3.0] * 16
    assert np.isfinite(aligned["value"]).all()


def test_equal_variances_leave_the_prior_without_spread():
    count, squares = np.full((2, 6), 4.0), np.full((2, 6), 3.0)
    mean = np.array([[1.0, 1, 1, 1, 1, 1], [-1.0, -1, -1, -1, -1, -1]])
    effects = combat_effects(count, mean, squares, fewest_for_scale=2)
    # z has spread √(6·3/(6·8)) … per analyte: σ² = 6/8; every d̂ = (3/3)/σ² = 4/3, every ĝ = ±1/σ, no shrinkage at all
    np.testing.assert_allclose(effects.scale, np.sqrt(3 / 4))
    np.testing.assert_allclose(effects.offset, [[-np.sqrt(3 / 4)] * 6, [np.sqrt(3 / 4)] * 6])


def make_values(rows):
    frame = pd.DataFrame(rows, columns=["sample", "feature", "value", "plate"])
    fixed = {"source": "msd", "layer": "cytokine", "measure": "concentration", "unit": "pg/mL", "status": "observed"}
    frame = frame.assign(lower=frame["value"], upper=frame["value"], label=frame["feature"], detected=True, **fixed)
    return conform(frame, VALUES)


def study(plate_of, subjects=10, analytes=6):
    generator = np.random.default_rng(4)
    return make_values(
        [
            (f"s{s}-v{v}", f"a{a}", 2 ** (generator.normal() + (plate_of(s, v) == "p2")), plate_of(s, v))
            for s in range(subjects)
            for v in (1, 2)
            for a in range(analytes)
        ]
    )


def samples_of(values, types=None):
    names = sorted(values["sample"].unique())
    rows = [(name, name.split("-")[0], name.split("-")[-1], "", (types or {}).get(name, "sample")) for name in names]
    return make_samples(rows, ("sample", "subject", "visit", "arm", "type"))


def test_the_study_is_aligned_and_the_bridge_neither_teaches_nor_stays():
    values = study(lambda s, v: f"p{s % 2 + 1}")
    bridge = make_values([("bridge", f"a{a}", 1000.0, p) for a in range(6) for p in ("p1", "p2")])
    both = pd.concat([values, bridge], ignore_index=True)
    alone = normalize(values, samples_of(values), PLAN)
    result = normalize(both, samples_of(both, {"bridge": "bridge"}), PLAN)
    pd.testing.assert_frame_equal(result.panel, alone.panel)
    assert result.findings["check"].tolist() == ["plates_aligned"]
    assert "Spreads were multiplied by" in result.findings["message"].iloc[0]


def test_combat_is_refused_when_each_visit_has_its_plate():
    values = study(lambda s, v: f"p{v}")
    with pytest.raises(Problems, match=r"'combat' is refused for source 'msd': plate and visit go together"):
        normalize(values, samples_of(values), PLAN)


def test_combat_is_refused_on_a_plate_with_one_sample():
    values = study(lambda s, v: "p3" if (s, v) == (4, 2) else f"p{s % 2 + 1}")
    with pytest.raises(Problems, match=r"plate p3 holds one sample \(s4-v2\)"):
        normalize(values, samples_of(values), PLAN)


def test_what_was_only_shifted_is_said():
    values = study(lambda s, v: "p2" if s < 2 else "p1")
    result = normalize(values, samples_of(values), PLAN)
    said = result.findings[result.findings["check"] == "plates_only_shifted"].iloc[0]
    assert "6 of 12 analytes × plates" in said["message"]


def test_moments_with_non_detects_are_the_maximum_likelihood_estimates():
    generator = np.random.default_rng(6)
    group = np.repeat([0, 1], [30, 20])
    drawn_values = generator.normal(group * 2.0, 1.0 + group)
    lower, upper = drawn_values.copy(), drawn_values.copy()
    low, high = drawn_values < -0.3, drawn_values > 4.0
    lower[low], upper[low] = -np.inf, -0.3
    lower[high], upper[high] = 4.0, np.inf
    count, mean, squares = censored_moments(lower, upper, group, 2)
    for k in range(2):
        here = group == k

        def minus_log_likelihood(p, here=here):
            m, s = p[0], np.exp(p[1])
            number = lower[here] == upper[here]
            ends = norm.cdf(upper[here][~number], m, s) - norm.cdf(lower[here][~number], m, s)
            return -norm.logpdf(lower[here][number], m, s).sum() - np.log(ends).sum()

        best = minimize(minus_log_likelihood, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
        assert (mean[k], np.sqrt(squares[k] / count[k])) == pytest.approx((best.x[0], np.exp(best.x[1])), abs=1e-5)

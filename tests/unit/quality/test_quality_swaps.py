"""Samples of two subjects that were exchanged."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.review import review
from cytoshift.quality.swap_null import (
    Scores,
    exchange_gains,
    largest_gain_without_swaps,
    null_study,
    standard_scores,
    weights_of,
)
from cytoshift.quality.swaps import find_swaps
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.study.settings import MaxReplicateCv
from quality_tables import (
    NO_CELLS,
    NO_NAMES,
    NO_OUTCOMES,
    exercise,
    make_measurements,
    make_plan,
    make_rows,
    make_samples,
    numbers_of,
    periodontitis_wells,
)  # fmt: skip
from shared_data import requires_shared


def drawn(subjects=20, visits=3, analytes=25, icc=0.8, seed=1, effect=0.0):
    """log2 levels (subjects, visits, analytes), a third of the variance shared between analytes; `effect` per visit."""
    generator = np.random.default_rng(seed)
    loading = np.sqrt(1 / 3)
    own = np.sqrt(2 / 3)
    between = loading * generator.normal(size=(subjects, 1, 1)) + own * generator.normal(size=(subjects, 1, analytes))
    shape = (subjects, visits, analytes)
    within = loading * generator.normal(size=(*shape[:2], 1)) + own * generator.normal(size=shape)
    numbers = 6 + np.sqrt(icc) * between + np.sqrt(1 - icc) * within
    return numbers + effect * np.arange(visits)[None, :, None] * np.linspace(-1, 1, analytes)


def exchanged(numbers, one, other):
    numbers = numbers.copy()
    numbers[one], numbers[other] = numbers[other].copy(), numbers[one].copy()
    return numbers


def measured(numbers, **constant):
    subjects, visits, analytes = numbers.shape
    rows = [
        (f"s{s:02d}-v{v + 1}", f"a{a:02d}", None if np.isnan(numbers[s, v, a]) else 2 ** numbers[s, v, a])
        for s in range(subjects)
        for v in range(visits)
        for a in range(analytes)
    ]
    return make_measurements(rows, **constant), sample_sheet(subjects, visits)


def sample_sheet(subjects, visits):
    return make_samples(
        [(f"s{s:02d}-v{v + 1}", f"s{s:02d}", f"v{v + 1}", "") for s in range(subjects) for v in range(visits)]
    )


def search(numbers, draws=1000):
    measurements, samples = measured(numbers)
    values = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv()).values
    return find_swaps(values, samples, np.random.default_rng(0), draws)


def test_an_exchange_is_found_and_nobody_else():
    suspects, found = search(exchanged(drawn(), (3, 1), (11, 2)))
    assert sorted(suspects) == ["s03-v2", "s11-v3"]
    assert [one["check"] for one in found] == ["possible_swap"]
    assert found[0]["message"].startswith("msd: sample s03-v2 (subject s03) and sample s11-v3 (subject s11) look")
    numbers = {key: value for key, value in numbers_of(found[0]).items() if key != "other_sample"}
    assert float(numbers["gain"]) > float(numbers["limit"]) >= 0
    assert float(numbers["icc"]) == pytest.approx(0.8, abs=0.12)


def test_two_exchanges_are_found():
    numbers = exchanged(exchanged(drawn(), (3, 1), (11, 2)), (0, 0), (15, 0))
    assert sorted(search(numbers)[0]) == ["s00-v1", "s03-v2", "s11-v3", "s15-v1"]


def test_with_two_samples_each_the_other_two_may_be_the_exchanged_ones():
    suspects, found = search(exchanged(drawn(visits=2), (3, 1), (11, 1)))
    assert sorted(suspects) == ["s03-v1", "s03-v2", "s11-v1", "s11-v2"]
    assert len(found) == 1
    assert "An exchange of" in found[0]["message"]


def test_a_strong_effect_of_the_visits_does_not_matter():
    numbers = drawn(effect=3.0)
    assert search(numbers) == ([], [])
    # an exchanged tube carries the level of the visit it was really drawn at
    assert sorted(search(exchanged(numbers, (3, 1), (11, 2)))[0]) == ["s03-v2", "s11-v3"]


@pytest.mark.parametrize("visits", [2, 3])
def test_studies_without_an_exchange_have_no_finding(visits):
    subject, occasion = np.repeat(np.arange(20), visits), np.tile(np.arange(visits), 20)
    for seed in range(15):
        numbers = drawn(visits=visits, icc=0.75, seed=seed).reshape(20 * visits, 25)
        scores = standard_scores(numbers, occasion, subject)
        generator = np.random.default_rng(seed)
        null, gain = null_study(scores), exchange_gains(scores).max()
        assert gain <= max(0.0, *(largest_gain_without_swaps(null, generator) for _ in range(60)))


def test_two_failed_samples_are_not_an_exchange():
    numbers = drawn()
    numbers[3, 1] -= 4
    numbers[11, 2] -= 4
    assert search(numbers) == ([], [])


def test_gaps_and_non_detects_are_lived_with():
    numbers = exchanged(drawn(seed=6), (3, 1), (11, 2))
    numbers[np.random.default_rng(2).random(numbers.shape) < 0.08] = np.nan
    measurements, samples = measured(numbers)
    low = measurements["value"] < 2**5.2
    measurements.loc[low, ["lower", "upper"]] = [0.0, 2**5.2]
    measurements.loc[low, "status"], measurements.loc[low, "value"] = "below", np.nan
    values = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv()).values
    assert 0.1 < (values["status"] == "below").mean() < 0.3
    assert sorted(find_swaps(values, samples, np.random.default_rng(0), 1000)[0]) == ["s03-v2", "s11-v3"]


NOT_ASSESSABLE = {
    "19 analytes": ({"analytes": 19}, "19 analytes have a number in most samples, and 20 are needed"),
    "four subjects": ({"subjects": 4}, "4 subjects have more than one sample, and 5 are needed"),
    "people not alike": ({"icc": 0.3}, "resemble each other too little (ICC 0."),
}


@pytest.mark.parametrize(("case", "words"), NOT_ASSESSABLE.values(), ids=NOT_ASSESSABLE.keys())
def test_what_cannot_be_assessed_says_so(case, words):
    suspects, found = search(exchanged(drawn(**case), (3, 1), (1, 2)))
    assert suspects == []
    assert [(one["check"], one["severity"], one["action"]) for one in found] == [
        ("swaps_not_assessable", "note", "nothing")
    ]
    assert words in found[0]["message"]


def test_small_sources_are_looked_at_together():
    numbers = exchanged(drawn(analytes=30), (3, 1), (11, 2))
    parts = [measured(numbers[:, :, part], source=name)[0] for name, part in (("a", slice(15)), ("b", slice(15, 30)))]
    parts[1]["analyte"] = "b" + parts[1]["analyte"]
    values = collapse_replicates(make_rows(pd.concat(parts, ignore_index=True)), set(), MaxReplicateCv()).values
    suspects, found = find_swaps(values, sample_sheet(20, 3), np.random.default_rng(0), 1000)
    assert sorted(suspects) == ["s03-v2", "s11-v3"]
    assert found[0]["message"].startswith("all sources together")


def test_a_study_of_single_samples_has_nothing_to_say():
    assert search(drawn(visits=1)) == ([], [])


def test_the_order_of_the_rows_does_not_matter():
    measurements, samples = measured(exchanged(drawn(), (3, 1), (11, 2)))
    values = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv()).values
    shuffled = values.sample(frac=1, random_state=1).reset_index(drop=True)
    turned = samples.iloc[::-1].reset_index(drop=True)
    one = find_swaps(values, samples, np.random.default_rng(0), 200)
    assert find_swaps(shuffled, turned, np.random.default_rng(0), 200) == one


def test_the_samples_are_flagged_and_stay():
    measurements, samples = measured(exchanged(drawn(), (3, 1), (11, 2)))
    plan = make_plan(["v1", "v2", "v3"])
    result = review(samples, measurements, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan)
    flagged = result.samples[result.samples["flags"].str.contains("possible_swap")]
    assert flagged["sample"].tolist() == ["s03-v2", "s11-v3"]
    assert set(flagged["kept"]) == {"yes"}


def test_the_icc_is_found_again():
    numbers = drawn(subjects=400, visits=3, icc=0.7, analytes=20).reshape(-1, 20)
    subject, occasion = np.repeat(np.arange(400), 3), np.tile(np.arange(3), 400)
    independent = np.random.default_rng(5).normal(size=numbers.shape)
    between = np.repeat(np.random.default_rng(6).normal(size=(400, 20)), 3, axis=0)
    scores = standard_scores(np.sqrt(0.7) * between + np.sqrt(0.3) * independent, occasion, subject)
    assert np.median(scores.icc) == pytest.approx(0.7, abs=0.03)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.3))
def test_the_gain_is_what_both_would_gain(seed, gaps):
    generator = np.random.default_rng(seed)
    subject, occasion = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([0, 1, 2, 0, 2, 0, 1, 2])
    seen = generator.normal(size=(3, 8, 5))
    seen[:, generator.random((8, 5)) < gaps] = np.nan
    scores = Scores(seen, occasion, subject, generator.uniform(0.1, 0.9, 5))
    weight = weights_of(scores.icc)

    def distance(t, s):  # of sample t from the place of sample s
        others = [k for k in range(8) if subject[k] == subject[s] and k != s]
        total = weights = 0.0
        for a in range(5):
            place = [seen[occasion[k], k, a] for k in others if np.isfinite(seen[occasion[k], k, a])]
            if place and np.isfinite(seen[occasion[s], t, a]):
                total += weight[a] * (seen[occasion[s], t, a] - np.mean(place)) ** 2
                weights += weight[a]
        return total / weights if weights else np.nan

    gains = exchange_gains(scores)
    for s in range(8):
        for t in range(8):
            expected = np.minimum(distance(s, s) - distance(t, s), distance(t, t) - distance(s, t))
            if subject[s] == subject[t] or np.isnan(expected):
                assert gains[s, t] == -np.inf
            else:
                assert gains[s, t] == pytest.approx(expected, abs=1e-9)


@requires_shared
def test_periodontitis_and_exercise_are_not_assessable():
    samples, measurements = periodontitis_wells()
    values = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv()).values
    _, found = find_swaps(values, samples, np.random.default_rng(0))
    assert [one["check"] for one in found] == ["swaps_not_assessable"]
    samples, cytokines, cells = exercise()
    rows = settle_duplicates(make_rows(cytokines, cells), "drop").rows
    censor_nonpositive(rows)
    values = collapse_replicates(rows, set(), MaxReplicateCv()).values
    _, found = find_swaps(values, samples, np.random.default_rng(0))
    assert [one["check"] for one in found] == ["swaps_not_assessable"]

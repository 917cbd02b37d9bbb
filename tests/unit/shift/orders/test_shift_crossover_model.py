"""All conditions of a crossover in one mixed model."""

import numpy as np
import pytest

from cytoshift.shift.orders.crossover import crossover_effect
from cytoshift.shift.orders.crossover_model import crossover_contrast, crossover_design, crossover_model

SEQUENCES = ["AB", "BA", "AB", "BA", "BA", "AB", "BA", "AB"]


def long_form(sequences: list[str]) -> dict[str, np.ndarray]:
    rows = [
        (f"s{number}", str(period), sequence, condition)
        for number, sequence in enumerate(sequences)
        for period, condition in enumerate(sequence, start=1)
    ]
    columns = np.array(rows).T
    return dict(zip(("subject", "period", "sequence", "condition"), columns, strict=True))


def values_of(samples: dict[str, np.ndarray], features: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    _, who = np.unique(samples["subject"], return_inverse=True)
    return 2 * rng.normal(size=(who.max() + 1, features))[who] + rng.normal(size=(len(who), features))


def test_two_complete_periods_give_the_answer_from_differences() -> None:
    samples = long_form(SEQUENCES)
    values = values_of(samples, 5, 1)
    design = crossover_design(**samples, conditions=["B", "A"])
    found = crossover_model(values, design, [crossover_contrast(design, "A", "B")])[0]
    arm, control = samples["condition"] == "A", samples["condition"] == "B"
    periods = samples["period"].astype(float)
    expected = crossover_effect(values[arm], values[control], periods[arm], periods[control])
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-9)
    np.testing.assert_allclose(found.se, expected.se, rtol=1e-6)
    np.testing.assert_allclose(found.df, expected.df, rtol=1e-6)
    assert found.method == "crossover_model"
    assert found.p_method == "satterthwaite_t"


def test_one_order_for_all_gives_no_estimate_but_the_reason() -> None:
    samples = long_form(["AB"] * 6)
    design = crossover_design(**samples, conditions=["A", "B"])
    found = crossover_model(values_of(samples, 2, 2), design, [crossover_contrast(design, "A", "B")])[0]
    assert np.isnan(found.estimate).all()
    assert "period 2 cannot be told from" in found.note[0]


def test_a_sequence_for_every_subject_is_left_to_the_subjects() -> None:
    samples = long_form(["ABC", "BCA", "CAB", "ACB", "BAC", "CBA"])
    design = crossover_design(**samples, conditions=["A", "B", "C"])
    assert design.names == ["A", "B", "C", "period 2", "period 3"]
    twice = long_form(["ABC", "BCA", "CAB"] * 2)
    named = crossover_design(**twice, conditions=["A", "B", "C"]).names
    assert named[-2:] == ["sequence BCA", "sequence CAB"]
    answer = crossover_model(values_of(samples, 3, 3), design, [crossover_contrast(design, "A", "C")])[0]
    assert np.isfinite(answer.p_value).all()


def test_a_sample_without_a_period_does_not_enter() -> None:
    samples = long_form(SEQUENCES)
    values = values_of(samples, 2, 4)
    blank = samples | {"period": np.where(np.arange(16) == 5, "", samples["period"])}
    gone = np.where((np.arange(16) == 5)[:, None], np.nan, values)
    answers = []
    for panel, rows in ((values, blank), (gone, samples)):
        design = crossover_design(**rows, conditions=["A", "B"])
        answers.append(crossover_model(panel, design, [crossover_contrast(design, "A", "B")])[0])
    np.testing.assert_allclose(answers[0].estimate, answers[1].estimate, rtol=1e-8)
    np.testing.assert_allclose(answers[0].se, answers[1].se, rtol=1e-6)
    assert answers[0].n_target.tolist() == [8, 8]
    assert answers[0].n_reference.tolist() == [7, 7]


def test_several_visits_ask_for_a_target_and_estimate_the_difference_of_differences() -> None:
    once = long_form(SEQUENCES)
    samples = {name: np.repeat(column, 2) for name, column in once.items()}
    visit = np.tile(["before", "after"], 16)
    values = values_of(samples, 3, 5)
    design = crossover_design(**samples, visit=visit, conditions=["A", "B"], visits=["before", "after"])
    assert design.grouping_name == "period within subject"
    found = crossover_model(values, design, [crossover_contrast(design, "A", "B", "after", "before")])[0]
    change = values[visit == "after"] - values[visit == "before"]
    arm = once["condition"] == "A"
    np.testing.assert_allclose(found.estimate, (change[arm].mean(axis=0) - change[~arm].mean(axis=0)), rtol=1e-8)
    with pytest.raises(ValueError, match="name a target"):
        crossover_contrast(design, "A", "B")

"""What stands under the answer: the design's own limits, and what was never measured."""

import pytest

from cytoshift.report.limits import design_sentence, limits
from cytoshift.study.study import Study
from report_tables import AT_START, BETWEEN, WITHIN, finding_row, make_study, make_tables, plan_of, single_arm

TIME = "whatever else came with time (expectation, season, regression to the mean) is part of the shift"
DESIGNS = {
    "one arm": (single_arm(), True),
    "one of two arms, randomised": (make_study(contrasts=[WITHIN | {"arm": "ldn"}]), True),
    "one of two arms, not randomised": (make_study(randomised=False, contrasts=[WITHIN | {"arm": "ldn"}]), True),
    "one condition of a crossover": (
        make_study(design="crossover", randomised=False, contrasts=[WITHIN | {"arm": "ldn"}]), True,
    ),
    "arms compared": (make_study(contrasts=[BETWEEN]), False),
    "arms compared, not randomised": (make_study(randomised=False, contrasts=[BETWEEN]), False),
}  # fmt: skip


@pytest.mark.parametrize(("study", "alone"), DESIGNS.values(), ids=DESIGNS)
def test_before_and_after_without_a_control_always_says_what_came_with_time(study: Study, alone: bool) -> None:
    assert (TIME in design_sentence(study, plan_of(study), "week_16")) == alone


def test_what_was_never_measured_is_said_at_once() -> None:
    study = make_study(contrasts=[BETWEEN, AT_START | {"label": "start"}])
    listed = [finding_row("sample_without_data", stage="intake", sample=f"S{place}") for place in range(3)]
    listed.append(finding_row("empty_samples", severity="note", message="serum: 31 of 600 samples have no value at all",
                              numbers="empty_samples=31; samples=600"))  # fmt: skip
    said = " ".join(limits("week_16", make_tables(findings=listed), study, plan_of(study)))
    assert "3 samples are in the sample list without any measured value." in said
    assert "31 of 600 samples have no value in serum." in said
    assert "Nobody has the values that “start” would need: nothing is estimated there." in said
    quiet = " ".join(limits("week_16", make_tables(), make_study(), plan_of(make_study())))
    assert "measured value" not in quiet
    assert "Nobody" not in quiet


def test_one_flagged_sample_is_it_and_guards_speak_in_labels() -> None:
    samples = [{"sample": "a", "subject": "P1", "visit": "baseline", "arm": "ldn", "type": "sample"}]
    tables = make_tables(
        samples=samples,
        findings=[finding_row("control_moved", contrast="week_16", message="week_16: placebo moved as well: il6, tnf")],
    )
    tables.samples["flags"] = "outlying_sample"
    study = make_study()
    said = " ".join(limits("week_16", tables, study, plan_of(study)))
    assert "1 sample was flagged and kept; see what changes without it." in said
    assert "placebo moved as well: IL-6, TNF-α." in said
    assert "week_16" not in said

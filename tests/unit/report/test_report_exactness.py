"""What the page says of exact tests: how they work, and what set the smallest p they could have given."""

from typing import Any

import pytest

from cytoshift.report.endpoints import endpoint_views
from cytoshift.report.exactness import draws_of, exact_paragraphs
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables
from cytoshift.report.limits import limits
from cytoshift.report.methods import P_METHODS, method_paragraphs
from report_tables import family_row, make_study, make_tables, plan_of, shift_row

RANDOM = "step-down max-T over 6 features by 9,999 random relabellings within strata"
FEW = "step-down max-T over 6 features by sign flips"
HOLM = "Holm over 20 features by 9,999 random sign flips"
ORDER = "single-step max-T over 6 features by relabellings of the order of the two conditions"
RESIDUALS = "step-down max-T over 3 features by 999 permutations of residuals (Freedman–Lane; approximate)"

DRAWS = {
    "random": (RANDOM, 0.0001, 10_000),
    "complete": (FEW, 0.0156, None),
    "Holm": (HOLM, 0.002, 10_000),
    "residuals": (RESIDUALS, 0.001, 1000),
    "random, but few subjects say anything": (RANDOM, 0.0312, None),
    "nothing known": (RANDOM, float("nan"), None),
}  # fmt: skip


def family(correction: str, smallest: float, **changes: Any) -> dict[str, Any]:
    return family_row(correction=correction, smallest_p=smallest, n_features=20, **changes)


def said_of(tables: ReportTables) -> str:
    return " ".join(words for _, words in exact_paragraphs(tables, P_METHODS))


@pytest.mark.parametrize(("correction", "smallest", "draws"), DRAWS.values(), ids=DRAWS)
def test_the_draws_are_named_where_they_set_the_smallest_p(correction: str, smallest: float, draws: int | None) -> None:
    row = next(records(make_tables(families=[family(correction, smallest)]).families))
    assert draws_of(row) == draws


def test_more_subjects_are_asked_for_only_where_they_would_help() -> None:
    study = make_study()
    for correction, smallest, subjects in ((RANDOM, 0.0001, False), (FEW, 0.0156, True)):
        tables = make_tables(families=[family(correction, smallest)])
        words = said_of(tables)
        first = " ".join(limits("week_16", tables, study, plan_of(study)))
        fact = dict(endpoint_views(tables, study, plan_of(study))[0].facts)["Smallest p possible"]
        assert ("only more subjects" in words) == subjects
        assert ("At this n" in first) == subjects
        assert ("at this number of subjects" in fact) == subjects
        for text in (words, first, fact):
            assert ("1/10,000" in text) != subjects, text
    both = make_tables(families=[family(RANDOM, 0.0001), family(FEW, 0.0156, endpoint="second")])
    words = said_of(both)
    assert "Where rearrangements were drawn at random, the smallest p is set by the number of draws" in words
    assert "Elsewhere a larger effect could not have made it smaller" in words


KINDS = {
    RANDOM: (["A relabelling deals the arms out again", "the largest result that chance gives anywhere", "Step-down:"],
             ["the order of the conditions"]),
    ORDER: (["deals out the order of the conditions again", "the largest result"], ["Step-down:", "deals the arms"]),
    FEW: (["exchanges before and after", "Step-down:"], ["relabelling"]),
}  # fmt: skip


@pytest.mark.parametrize(("correction", "words"), KINDS.items())
def test_each_way_of_rearranging_has_its_words(correction: str, words: tuple[list[str], list[str]]) -> None:
    said = said_of(make_tables(families=[family(correction, 0.0156)]))
    assert [text for text in words[0] if text not in said] == []
    assert [text for text in words[1] if text in said.replace(correction, "")] == []


def paragraphs(**changes: Any) -> dict[str, str]:
    return dict(method_paragraphs(make_tables(shifts=[shift_row(**changes)]), make_study()))


def test_the_exact_interval_of_planned_pairs_is_told_where_there_is_one() -> None:
    told = "carry the p-value and the interval of the exact test instead"
    assert told in paragraphs(method="censored_pairs", p_method="sign_flip")["Non-detects"]
    assert told not in paragraphs(method="censored_pairs", p_method="calibrated_lr")["Non-detects"]


def test_a_note_about_moderation_is_promised_only_where_one_stands() -> None:
    promise = "the note of the row says why"
    assert promise not in paragraphs(method="ancova")["Moderated t"]
    assert promise in paragraphs(method="paired_t", note="not moderated: 20 features needed")["Moderated t"]
    assert promise in paragraphs(method="moderated_t")["Moderated t"]


def test_what_nobody_can_quantify_is_said_once() -> None:
    assert "Regression to the mean" not in paragraphs()

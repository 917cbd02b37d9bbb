"""What the page says of the estimators is what the rows say."""

import pytest

from cytoshift.report.markers import EFFECT_SIZES
from cytoshift.report.methods import method_paragraphs
from report_tables import make_study, make_tables, shift_row

USED = [("moderated_paired_t", True), ("moderated_difference", True), ("paired_t", False)]


@pytest.mark.parametrize(("method", "used"), USED)
def test_the_moderated_t_is_said_to_be_used_where_a_row_names_it(method: str, used: bool) -> None:
    said = dict(method_paragraphs(make_tables(shifts=[shift_row(method=method)]), make_study()))["Moderated t"]
    assert ("It was not used" not in said) == used


def test_every_standardised_size_has_words() -> None:
    assert {"d_av", "d_av_censored", "baseline_sd", "baseline_sd_per_mg", "matched_rank_biserial"} <= set(EFFECT_SIZES)

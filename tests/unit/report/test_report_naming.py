"""Messages speak in labels; what a file wrote, and ordinary words, stay as they are."""

import pandas as pd
import pytest

from cytoshift.report.naming import Names, read_names
from report_tables import finding_row, make_study, make_tables, plan_of

SAMPLE = {"sample": "6|week_16|ldn", "subject": "6", "visit": "week_16", "arm": "ldn", "type": "sample"}
MESSAGES = {
    "src, il6: 3 of 9 values are zero.": "src, IL-6: 3 of 9 values are zero.",
    "moved as well: il6, tnf and il10": "moved as well: IL-6, TNF-α and IL-10",
    "not tested, because inflammation in week_16 was not": "not tested, because inflammation in start was not",
    "'il6' of msd is in no vocabulary": "'il6' of msd is in no vocabulary",
    "data/il6.csv [il6] and il6.csv": "data/il6.csv [IL-6] and il6.csv",
    "anti-il6 and xil6 are others": "anti-il6 and xil6 are others",
    "Sample 6|week_16|ldn has two values": "Sample 6, week 16, LDN has two values",
    "at the baseline in ldn": "at the baseline in ldn",
}


@pytest.fixture
def names() -> Names:
    study = make_study(
        contrasts=[{"id": "week_16", "label": "start", "at": "baseline", "arm": "ldn", "against": "placebo"}]
    )
    return read_names(make_tables(samples=[SAMPLE]), plan_of(study))


@pytest.mark.parametrize(("message", "said"), MESSAGES.items())
def test_ids_become_labels(names: Names, message: str, said: str) -> None:
    assert names.say(message) == said


def test_the_sample_of_a_finding_is_said_even_inside_other_signs(names: Names) -> None:
    row = finding_row("x", message="(6|week_16|ldn)-il6", sample="6|week_16|ldn")
    assert names.finding(pd.Series(row)) == "(6, week 16, LDN)-il6"
    assert names.sample("6|week_16|ldn") == "6, week 16, LDN"
    assert names.sample("S1") == "S1"

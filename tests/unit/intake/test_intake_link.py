"""Whose is a row of data whose sample or subject is written a little differently than in the sample sheet?"""

import pandas as pd
import pytest

from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.link import SampleIndex
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.words import Words
from cytoshift.study.problem import Problems
from cytoshift.study.settings import Visit

VISITS = Words("visit", [Visit(id="v1"), Visit(id="v2")])
SUBJECTS = ("LDN-01", "LDN-07", "LDN-70", "Ärzte 3")


def linked(rows: list[dict[str, str]]) -> pd.DataFrame:
    samples = pd.DataFrame(
        {"sample": f"{subject}_{visit}", "subject": subject, "visit": visit, "arm": ""}
        for subject in SUBJECTS
        for visit in ("v1", "v2")
    )
    notebook = Notebook()
    index = SampleIndex(samples, VISITS, Words("arm", []), Exclusions([], VISITS), keys_first=False)
    given = pd.DataFrame(rows, index=range(2, len(rows) + 2)).fillna("")
    table = index.link(given, "panel", "panel.csv", notebook)
    notebook.raise_problems()
    return table


@pytest.mark.parametrize(
    ("written", "meant"),
    [("LDN-7", "LDN-07"), ("ldn07", "LDN-07"), ("LDN 007", "LDN-07"), ("LDN_1", "LDN-01"), ("ärzte03", "Ärzte 3")],
)
@pytest.mark.parametrize("by", ["subject", "sample"])
def test_an_id_that_differs_in_zeros_case_or_punctuation_is_asked_about_and_not_taken(
    by: str, written: str, meant: str
) -> None:
    row = {"subject": written, "visit": "v1"} if by == "subject" else {"sample": f"{written}_v1"}
    with pytest.raises(Problems) as error:
        linked([row])
    (line,) = map(str, error.value.problems)
    assert line.startswith("panel.csv: row 2: ")
    assert line.endswith(f"; did you mean {meant!r}?" if by == "subject" else f"; did you mean '{meant}_v1'?")


def test_a_known_subject_without_that_visit_is_not_taken_for_another() -> None:
    with pytest.raises(Problems, match="'x1' is no visit") as error:
        linked([{"subject": "LDN-07", "visit": "x1"}])
    assert "LDN-70" not in str(error.value)


def test_an_id_like_no_other_is_not_guessed() -> None:
    with pytest.raises(Problems) as error:
        linked([{"subject": "QQQ", "visit": "v1"}])
    assert "did you mean" not in str(error.value)


def test_what_is_written_as_in_the_sheet_is_linked() -> None:
    table = linked([{"subject": "LDN-07", "visit": "V1"}, {"sample": "LDN-70_v2"}])
    assert table["sample"].tolist() == ["LDN-07_v1", "LDN-70_v2"]
    assert table["linked"].all()

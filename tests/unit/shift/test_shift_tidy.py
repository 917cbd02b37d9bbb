"""A tidy table as the stage's tables: what is read as what, and what is refused in words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.tidy import make_ids, text_of, tidy_tables
from cytoshift.study.problem import Problems


def rows(value: list[Any], **columns: Any) -> pd.DataFrame:
    """A row per value: a subject each at one visit, one feature."""
    subjects = [f"s{place}" for place in range(len(value))]
    return pd.DataFrame({"subject": subjects, "visit": "v1", "feature": "IL-6", "value": value} | columns)


def refusal(data: pd.DataFrame, measure: str = "concentration", decimal: Any = ".") -> list[str]:
    with pytest.raises(Problems) as caught:
        tidy_tables(data, measure, decimal)
    return str(caught.value).splitlines()


NAN = np.nan
READ: dict[str, tuple[pd.DataFrame, list[tuple[float, float, str]]]] = {
    "numbers": (rows([8.0, NAN]), [(3.0, 3.0, "observed")]),
    "numbers that pandas may miss": (rows([8, None]).astype({"value": "Int64"}), [(3.0, 3.0, "observed")]),
    "a limit in the text": (rows(["<8", ">16"]), [(-np.inf, 3.0, "below"), (4.0, np.inf, "above")]),
    "a limit in its column": (
        rows(["", NAN], upper=["8", ""], lower=[None, 16.0]),
        [(-np.inf, 3.0, "below"), (4.0, np.inf, "above")],
    ),
    "a word and its limit": (
        rows(["<LOD", "OOR >"], upper=[8.0, NAN], lower=[NAN, 16.0]),
        [(-np.inf, 3.0, "below"), (4.0, np.inf, "above")],
    ),
    "the limit of a value that was seen is not needed": (rows([16.0], upper=[8.0]), [(4.0, 4.0, "observed")]),
    "a lower end of 0 is no limit": (rows([NAN], upper=[8.0], lower=[0.0]), [(-np.inf, 3.0, "below")]),
    "gaps": (rows(["ND", "n.d.", "", "8"]), [(3.0, 3.0, "observed")]),
}


@pytest.mark.parametrize("name", READ)
def test_what_a_row_says_of_its_value(name: str) -> None:
    data, expected = READ[name]
    panel = tidy_tables(data, "concentration").panel
    assert list(panel[["lower", "upper", "status"]].itertuples(index=False, name=None)) == expected


LIMIT = 'does not say its limit: give it in a column `upper`, or write "<3.2"'
REFUSED: dict[str, tuple[pd.DataFrame, list[str]]] = {
    "a non-detect without its limit": (
        rows(["<LOD", "8", "<LOD"]),
        [f"data: row 1, value: '<LOD' {LIMIT}; the same in row 3"],
    ),
    "one above without its limit": (
        rows(["8", "OOR >"], upper=[NAN, 4.0]),
        ["data: row 2, value: 'OOR >' does not say its limit: give it in a column `lower`, or write \">1000\""],
    ),
    "a blank with two limits": (
        rows([NAN], upper=[900.0], lower=[3.0]),
        [
            "data: row 1, value: a blank has both `upper` (the limit it lies below) and `lower` (the limit it lies "
            "above); leave the other blank"
        ],
    ),
    "names that differ in case or spaces": (
        rows([1.0, 2.0, 3.0], visit=["week 8", "Week 8", "Week  8"], feature=["IL-6", "IL-6", "il-6"]),
        [
            "data: row 2, visit: 'Week 8' differs from 'week 8' of row 1 only in letter case or spaces; write them "
            "alike",
            "data: row 3, feature: 'il-6' differs from 'IL-6' of row 1 only in letter case or spaces; write them alike",
            "data: row 3, visit: 'Week  8' differs from 'week 8' of row 1 only in letter case or spaces; write them "
            "alike",
        ],
    ),
    "two units": (
        rows([1.0, 2.0, 3.0], unit=["pg/mL", "ng/mL", ""]),
        [
            "data: unit: 'IL-6' has several: pg/mL, ng/mL; a feature has one, convert its values or call them by two "
            "names"
        ],
    ),
    "a number with its unit": (
        rows(["8 pg/mL"]),
        ["data: row 1, value: '8 pg/mL' holds a unit as well; write the number alone"],
    ),
    "doses that differ within an arm": (
        rows([1.0, 2.0, 3.0, 4.0, 5.0], arm=["a", "a", "b", "b", "b"], dose_mg=[1.5, 3.0, NAN, 2.0, NAN]),
        [
            "data: row 2, dose_mg: 3 in arm 'a', which has 1.5 in row 1; an arm has one dose, in each of its rows",
            "data: row 3, dose_mg: is blank in arm 'b', which has 2 in row 4; an arm has one dose, in each of its "
            "rows; the same in row 5",
        ],
    ),
    "a dose with its unit": (
        rows([1.0, 2.0], arm="a", dose_mg="1.5 mg"),
        ["data: row 1, dose_mg: '1.5 mg' holds a unit as well; write 1.5; the same in row 2"],
    ),
    "a blank subject, visit and feature": (
        rows([1.0, 2.0], subject=["a", " "], visit=[None, "v1"], feature=["IL-6", ""]),
        [
            "data: row 1, visit: is blank: every value belongs to a visit",
            "data: row 2, feature: is blank: every value belongs to a feature",
            "data: row 2, subject: is blank: every value belongs to a subject",
        ],
    ),
    "a sample twice, but for spaces": (
        rows([1.0, 2.0, 3.0], subject=["a", "b", "a "], arm="x"),
        [
            "data: row 3, feature: 'IL-6' of subject a, visit v1, arm x: row 1 said it first; keep one row, or average "
            "replicates before"
        ],
    ),
    "decimal commas": (
        rows(["1,5", "2,25", "3,5"]),
        [
            "data: row 1, value: '1,5' has a decimal comma; pass decimal=\",\" if every comma is a decimal sign; the "
            "same in rows 2, 3"
        ],
    ),
    "no rows": (rows([]), ["data: has no rows"]),
    "a column twice": (
        pd.concat([rows([1.0]), rows([1.0])[["value"]]], axis=1),
        ["data: columns: 'value' stands 2 times; keep one column of a name"],
    ),
    "the names of others": (
        rows([1.0]).rename(columns={"subject": "Patient ID", "feature": "Analyte", "visit": "Timepoint"}),
        [
            f"data: columns: {ours!r} is missing; the table has Patient ID, Timepoint, Analyte, value; "
            f"data.rename(columns={{{theirs!r}: {ours!r}}}) renames it"
            for ours, theirs in (("feature", "Analyte"), ("subject", "Patient ID"), ("visit", "Timepoint"))
        ],
    ),
    "subjects in the index": (
        rows([1.0]).set_index("subject"),
        [
            "data: columns: 'subject' is missing; the table has visit, feature, value; it is in the index: "
            "data.reset_index()"
        ],
    ),
    "a wide table": (
        pd.DataFrame({"subject": ["a"], "visit": ["v1"], "IL-6": [1.0], "TNF": [2.0]}),
        [
            "data: columns: 'feature' and 'value' are missing; a table with a column per marker is turned by "
            "data.melt(id_vars=['subject', 'visit'], var_name='feature', value_name='value')"
        ],
    ),
    "a column that is nearly known": (
        rows([NAN], Upper=[3.0]),
        [
            "data: columns: 'Upper' would be a covariate; did you mean 'upper'? data.rename(columns={'Upper': "
            "'upper'}) renames it"
        ],
    ),
    "an unknown layer": (
        rows([1.0], layer="cyto"),
        ["data: layer: 'cyto' is not a layer; legal: cytokine, cell, index, outcome; did you mean 'cytokine'?"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_with_row_and_fix(name: str) -> None:
    data, lines = REFUSED[name]
    assert refusal(data) == lines


def test_many_mistakes_come_by_row_with_their_number_last() -> None:
    twice = rows([1.0] * 30, subject=[f"s{place % 15}" for place in range(30)])
    lines = refusal(twice)
    assert [line.split(",")[0] for line in lines[:-1]] == [f"data: row {place}" for place in range(16, 28)]
    assert lines[-1] == "… and 3 more like these"


@pytest.mark.parametrize(
    ("word", "meant"), [("npx", "log_concentration"), ("percent", "fraction_of_parent"), ("scores", "score")]
)
def test_measures_of_other_programs_are_recognised(word: str, meant: str) -> None:
    (line,) = refusal(rows([1.0]), word)
    assert line.endswith(f"did you mean {meant!r}?")


def test_percents_are_no_fractions() -> None:
    assert refusal(rows([0.2, 3.76, 12.0]), "fraction_of_parent") == [
        "data: row 2, value: 3.76 is no fraction; divide percents by 100; the same in row 3"
    ]


def test_a_decimal_sign_is_a_stop_or_a_comma() -> None:
    assert refusal(rows([1.0]), decimal=";") == ["call: decimal: ';' is not a decimal sign; legal: '.', ','"]


TEXTS: list[tuple[object, str]] = [
    (0.0, "0"), (np.float64(12.0), "12"), (0.5, "0.5"), (3, "3"), (" a b ", "a b"), (None, ""), (NAN, ""), (pd.NaT, ""),
    (pd.Timestamp("2026-03-01"), "2026-03-01"), (np.datetime64("2026-03-01"), "2026-03-01"),
    (pd.Timestamp("2026-03-01 08:30"), "2026-03-01 08:30:00"), (np.inf, "inf"), (True, "True"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_names_are_written_as_one_would(value: object, text: str) -> None:
    assert text_of(value) == text


def test_ids_are_plain_not_shared_and_never_a_column_of_the_stage() -> None:
    ids = make_ids(["Week 8", "week 8", "week_8", "β", "Sample"], reserved=["sample"])
    assert ids == {
        "": "", "Week 8": "week_8", "week 8": "week_8_2", "week_8": "week_8_3", "β": "unnamed", "Sample": "sample_2"
    }  # fmt: skip


def test_a_covariate_that_is_called_like_a_column_of_the_stage_keeps_its_values() -> None:
    tables = tidy_tables(rows([1.0, 2.0], Sample=["tube", "plasma"]), "concentration")
    assert tables.covariates == ["sample_2"]
    assert tables.samples["sample_2"].tolist() == ["tube", "plasma"]

"""The section `samples` of the study file to be: columns of the sheet, dates, covariates."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd

from cytoshift.drafting.columns import Column
from cytoshift.drafting.kinds import covariate_columns
from cytoshift.drafting.people import KEYS, People, rows_of, sample_type_column
from cytoshift.drafting.quoting import quoted, shown
from cytoshift.drafting.sources import Sources
from cytoshift.intake.values import PLAIN_NUMBER
from cytoshift.tables import SAMPLES
from cytoshift.vocabulary.names import make_id

_DATE_FORMS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%Y/%m/%d", "%d-%b-%Y", "%d %b %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y"),
)
_EXTRAS = ("sequence", "period", "specimen", "cohort")


def samples_lines(people: People, sources: Sources) -> list[str]:
    """`samples`, with what it was guessed from."""
    main = people.main
    entry: dict[str, Any] = {}
    columns, notes = _extras(people)
    if people.sheet is not None:
        entry["file"] = people.sheet.table.path
        entry |= {"sheet": people.sheet.table.sheet} if people.sheet.table.sheet else {}
        columns = {key: main.roles[key] for key in KEYS if key in main.roles} | columns
    else:
        entry["from"] = _from(people, sources)
        entry |= {"pattern": people.pattern} if people.pattern else {}
    covariates = _covariates(people)
    return [
        *_comments(people),
        "samples:",
        *(f"  {key}: {quoted(value)}" for key, value in entry.items()),
        *([f"  columns: {quoted(columns)}"] if columns else []),
        *notes,
        *([f"  covariates: {quoted(covariates)}"] if covariates else []),
    ]


def _from(people: People, sources: Sources) -> list[str]:
    """Per table its first source; the others too where each takes other rows of it."""
    ids: list[str] = []
    for one in people.tables:
        drafts = [draft for draft in sources.values if one in draft.tables]
        ids += [draft.id for place, draft in enumerate(drafts) if place == 0 or draft.group.where]
        ids += [source.id for source in sources.instruments if source.names is one]
    return list(dict.fromkeys(ids))


def _comments(people: People) -> list[str]:
    """What was guessed, with the number of different values in each column."""
    if people.pattern is not None:
        sample = shown(people.main.roles["sample"])
        subjects, visits = people.rows["subject"].nunique(), people.rows["visit"].nunique()
        composed = f"is composed of subject and visit ({subjects} × {visits} different)"
        lines = [f"# guessed: {sample} {composed}; please check"]
        if people.misfits:
            mend = (
                "a layout can say what they are"
                if people.main.kind == "instrument"
                else ("standards and blanks can be left out by `where`")
            )
            what = "id is" if people.misfits == 1 else "ids are"
            lines.append(f"# {people.misfits} sample {what} not; {mend}")
        return lines
    used = [key for key in KEYS if key in people.main.roles and (key != "sample" or people.sample_is_key)]
    counted = ", ".join(
        f"{shown(people.main.roles[key])} has {_different(people.rows[key].nunique())} ({key})" for key in used
    )
    lines = [f"# guessed: {counted}; please check"]
    if not people.sample_is_key:
        column = shown(people.main.roles["sample"]) if "sample" in people.main.roles else "The sample id"
        lines.append(f"# {column} is not used: one id stands for several subjects, visits or arms.")
    return lines


def _different(values: int) -> str:
    return f"{values} different values" if values != 1 else "1 value"


def _extras(people: People) -> tuple[dict[str, str], list[str]]:
    """Columns of type, date and others, and the lines that say how dates are written."""
    main = people.main
    columns = {key: main.roles[key] for key in _EXTRAS if key in main.roles and _is_constant(people, main.roles[key])}
    if (type_column := sample_type_column(main)) is not None:
        columns["type"] = type_column
    notes: list[str] = []
    date = main.roles.get("date")
    if date is not None and _is_constant(people, date):
        form, comment = _date_form(main.table.grid.frame[date], main.table.grid.native[date])
        if form is not None:
            columns["date"] = date
        notes += [f"  date_format: {quoted(form)}"] if form else []
        notes += [f"  # {comment}"] if comment else []
    return columns, notes


def _date_form(texts: pd.Series, native: pd.Series) -> tuple[str | None, str]:
    """Form of the dates: "" for ISO 8601, None where it is not clear, and what to say about it."""
    written = [text for text in pd.unique(texts[~native.astype(bool)]) if text]
    if all(_is_date(text, "") for text in written):
        return ("" if all(_is_date(text, "") for text in pd.unique(texts) if text) else None), ""
    fitting = [form for form in _DATE_FORMS if all(_is_date(text, form) for text in written)]
    if len(fitting) == 1:
        return fitting[0], ""
    if fitting:
        return None, "the dates could be day/month or month/day; add `date` to columns and `date_format` to use them"
    return None, "the dates are written in several ways and are left out"


def _is_date(text: str, form: str) -> bool:
    try:
        if form:
            datetime.datetime.strptime(text, form)
        else:
            datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _covariates(people: People) -> list[Any]:
    """Age, sex and the like, and whatever else a sample sheet says in numbers or a few words."""
    taken = {*SAMPLES.names(), "plate"}
    covariates: list[Any] = []
    for column in covariate_columns(people.main, known_only=people.sheet is None):
        id_ = make_id(column.name)
        if id_ in taken or not _is_constant(people, column.name):
            continue
        taken.add(id_)
        kind = {"kind": "number"} if _is_number(column) else {}
        source = {"column": column.name} if column.name != id_ else {}
        covariates.append({"id": id_, **source, **kind} if kind or source else id_)
    return covariates


def _is_number(column: Column) -> bool:
    return column.distinct > 2 and bool(column.texts.str.fullmatch(PLAIN_NUMBER.pattern).all())


def _is_constant(people: People, name: str) -> bool:
    """Does a column say one thing per sample? (A sheet has one row per sample.)"""
    if people.sheet is not None:
        return True
    main = people.main
    if people.pattern is not None:
        keys = main.table.grid.frame[main.roles["sample"]]
    else:
        rows = rows_of(main)
        keys = rows["subject"] + "|" + rows["visit"] + "|" + rows["arm"]
    texts = main.table.grid.frame[name]
    said = pd.DataFrame({"key": keys, "text": texts})[texts != ""].drop_duplicates()
    return not said["key"].duplicated().any()

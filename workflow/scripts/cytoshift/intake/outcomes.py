"""How did the patients do: clinical scores by subject, visit and arm?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.intake.columns import find_columns
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.tabular import Grid
from cytoshift.intake.values import find_decimal, parse_cells
from cytoshift.intake.words import Words, canonical
from cytoshift.study.problem import Problems, did_you_mean
from cytoshift.study.sources import OutcomeSource


def read_outcomes(
    source: OutcomeSource, samples: pd.DataFrame, visits: Words, arms: Words, notebook: Notebook
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """The scores of one outcome, and the samples they need that nobody drew.

    Returns the columns of OUTCOMES (None where the file cannot be read), and rows for `samples`: a score at a visit
    without a blood sample gets a sample of its own, "subject|visit[|arm]", with what is constant in the subject.
    """
    new: dict[str, dict[str, object]] = {}
    frames = []
    for grid in notebook.grids([source.file], source.sheet):
        try:
            named = {key: text for key, text in source.columns.model_dump().items() if text}
            columns = find_columns(grid, named, f"{source.id}.columns")
        except Problems as problems:
            notebook.add(problems)
            continue
        if "sample" not in columns and not {"subject", "visit"} <= set(columns):
            message = "names neither `sample` nor `subject` and `visit`"
            notebook.problem("study file", f"{source.id}.columns", message)
            continue
        frames.append(_read_grid(grid, columns, source, _People(samples, visits, arms, new), notebook))
    table = pd.concat(frames, ignore_index=True) if frames else None
    if new:
        message = f"{source.id}: {len(new)} scores were taken at visits without a sample; they count as samples."
        notebook.finding("outcome_without_sample", message, numbers={"scores": len(new)})
    return table, pd.DataFrame(list(new.values()), columns=samples.columns)


def _read_grid(
    grid: Grid, columns: dict[str, str], source: OutcomeSource, people: _People, notebook: Notebook
) -> pd.DataFrame:
    texts = grid.frame[columns["score"]]
    native = grid.native[columns["score"]].to_numpy()
    parsed = parse_cells(texts, find_decimal(texts[~native], None), native, -np.inf)
    for place in np.flatnonzero(np.isin(parsed.status, ["below", "above", "extrapolated"])).tolist():
        parsed.mistakes[place] = "is no score; legal: a number or a gap"
    for place, advice in parsed.mistakes.items():
        key = f'row {grid.frame.index[place]}, column "{grid.headers[columns["score"]]}"'
        notebook.problem(grid.where, key, f"{texts.iloc[place]!r} {advice}", "scores")
    rows = []
    for place, row in enumerate(grid.frame.index):
        said = {key: str(grid.frame.loc[row, column]) for key, column in columns.items() if key != "score"}
        if not any(said.values()) and texts.iloc[place] == "":
            continue
        found, mistake = people.find(said)
        if mistake:
            notebook.problem(grid.where, f"row {row}", mistake, f"samples of {source.id}")
            continue
        rows.append({**found, "score": parsed.value[place], "source_row": row})
    frame = pd.DataFrame(rows, columns=["sample", "subject", "visit", "arm", "score", "source_row"])
    for row in frame.index[frame["sample"].duplicated()]:
        subject, visit = frame.loc[row, "subject"], frame.loc[row, "visit"]
        message = f"subject {subject!r} has a score at {visit} already"
        notebook.problem(grid.where, f"row {frame.loc[row, 'source_row']}", message, f"duplicates of {source.id}")
    return frame.assign(
        outcome=source.id,
        questionnaire=source.questionnaire or "",
        better=source.better,
        source_file=grid.path,
        source_column=grid.headers[columns["score"]],
    )


class _People:
    """Finds the sample of a score, and makes one where a known subject was seen without blood being drawn."""

    def __init__(self, samples: pd.DataFrame, visits: Words, arms: Words, new: dict[str, dict[str, object]]) -> None:
        people = samples[samples["type"] == "sample"].drop_duplicates(["subject", "visit", "arm"])
        self._samples, self._visits, self._arms, self._new = samples, visits, arms, new
        self._people = {canonical(str(subject)): rows for subject, rows in people.groupby("subject", sort=False)}
        self._by_id = {canonical(row["sample"]): row for _, row in people.iterrows()}

    def find(self, said: dict[str, str]) -> tuple[dict[str, str], str]:
        """Sample, subject, visit and arm of a row, or what is wrong with it."""
        if said.get("sample"):
            row = self._by_id.get(canonical(said["sample"]))
            if row is None:
                return {}, f"{said['sample']!r} is no sample of the study{did_you_mean(said['sample'], self._by_id)}"
            return {key: str(row[key]) for key in ("sample", "subject", "visit", "arm")}, ""
        visit = self._visits.find(said.get("visit", ""))
        if visit is None:
            return {}, self._visits.unknown(said.get("visit", ""))
        subject = said.get("subject", "")
        rows = self._people.get(canonical(subject))
        if rows is None:
            return {}, f"{subject!r} is no subject of the study{did_you_mean(subject, self._people)}"
        return self._at_visit(rows, visit, said.get("arm", ""))

    def _at_visit(self, rows: pd.DataFrame, visit: str, written_arm: str) -> tuple[dict[str, str], str]:
        arm = self._arms.find(written_arm) if written_arm and self._arms.ids else None
        if written_arm and self._arms.ids and arm is None:
            return {}, self._arms.unknown(written_arm)
        subject = str(rows["subject"].iloc[0])
        if arm is None:
            arms = list(pd.unique(rows.loc[rows["visit"] == visit, "arm"])) or list(pd.unique(rows["arm"]))
            if len(arms) > 1:
                return {}, f"subject {subject!r} has several arms at {visit}; name the column of the arm"
            arm = str(arms[0])
        here = rows[(rows["visit"] == visit) & (rows["arm"] == arm)]
        if len(here):
            sample = str(here["sample"].iloc[0])
        else:
            sample = "|".join([subject, visit, *([arm] if len(self._arms.ids) > 1 else [])])
            constant = {name: rows[name].iloc[0] for name in rows.columns if len(pd.unique(rows[name])) == 1}
            unknown = {"period", "specimen", "study_day"}
            kept = {name: value for name, value in constant.items() if name not in unknown}
            self._new[sample] = kept | {"sample": sample, "visit": visit, "arm": arm}
        return {"sample": sample, "subject": subject, "visit": visit, "arm": arm}, ""

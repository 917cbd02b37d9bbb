"""Who was measured when: one row per sample, its visit and arm in the plan's words."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from cytoshift.findings import plural
from cytoshift.frames import conform
from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.sample_rows import EXTRAS, sheet_rows, source_rows
from cytoshift.intake.values import PLAIN_NUMBER, is_gap
from cytoshift.intake.words import Words, canonical_series
from cytoshift.study.study import IntakePlan
from cytoshift.tables import SAMPLES

TYPES = ("sample", "bridge", "control", "pool")


def read_samples(
    plan: IntakePlan, visits: Words, arms: Words, exclusions: Exclusions, notebook: Notebook
) -> pd.DataFrame | None:
    """The samples of a study, from its sheet or its data files; None where they cannot be said (problems are noted).

    Visits and arms are ids of the plan, covariates text columns after the declared ones; `study_day` counts from the
    subject's draw at the earliest visit in plan order. Rows that `exclude` covers and that cannot be placed are left
    out.
    """
    if not _covariate_names_are_free(plan, notebook):
        return None
    from_sources = bool(plan.samples.from_)
    rows = source_rows(plan, visits, arms, notebook) if from_sources else sheet_rows(plan, notebook)
    if rows is None:
        return None
    for key in ("sample", "subject", "visit", "arm", *EXTRAS):
        rows[key] = rows[key].fillna("") if key in rows else ""
    if "native_date" not in rows:
        rows["native_date"] = False
    covariates = [covariate.id for covariate in plan.samples.covariates]
    _blank_gaps(rows, ["date", *covariates], notebook)
    rows["type"] = _types(rows, notebook)
    rows = _placed(rows, plan, visits, arms, exclusions, notebook)
    if from_sources:
        # "2" in one file and "2.0" in another are one subject, as they are where values are linked to samples
        rows["subject"] = canonical_series(rows["subject"])
        rows = _one_per_sample(_named(rows, len(plan.arms) > 1, notebook), plan, notebook)
    _check_ids(rows, notebook)
    _check_visits_once(rows, exclusions, notebook)
    _check_plan_is_met(plan, rows, notebook)
    rows["study_day"] = _study_days(rows, plan, notebook)
    doses = {arm.id: arm.dose_mg for arm in plan.arms}
    rows["dose_mg"] = pd.to_numeric(rows["arm"].map(doses), errors="raise")
    _check_numbers(rows, plan, notebook)
    return conform(rows[[*(c for c in SAMPLES.names() if c in rows), *covariates]], SAMPLES)


def _covariate_names_are_free(plan: IntakePlan, notebook: Notebook) -> bool:
    taken = [covariate.id for covariate in plan.samples.covariates if covariate.id in SAMPLES.names()]
    for name in taken:
        message = f"{name!r} is already a column of every sample; give the covariate another id and its `column`"
        notebook.problem("study file", "samples.covariates", message)
    return not taken


def _blank_gaps(rows: pd.DataFrame, columns: list[str], notebook: Notebook) -> None:
    """Make "NA", "n/a", "-" and the like blank in place, as they are among values; and say so."""
    for column in columns:
        texts = rows[column].fillna("")
        gaps = (texts != "") & texts.map(is_gap)
        rows[column] = texts.mask(gaps, "")
        if gaps.any():
            words = ", ".join(repr(text) for text in pd.unique(texts[gaps]))
            message = f"{column}: {words} in {int(gaps.sum())} of {len(rows)} rows is read as blank."
            notebook.finding("gap_in_samples", message, numbers={"rows": int(gaps.sum()), "of": len(rows)})


def _types(rows: pd.DataFrame, notebook: Notebook) -> pd.Series:
    types = rows["type"].str.casefold().replace("", "sample")
    for where, row, text in rows.loc[~types.isin(TYPES), ["where", "row", "type"]].itertuples(index=False):
        notebook.problem(where, f"row {row}", f"{text!r} is no type of sample; legal: {', '.join(TYPES)}", "type")
    return types


def _placed(
    rows: pd.DataFrame, plan: IntakePlan, visits: Words, arms: Words, exclusions: Exclusions, notebook: Notebook
) -> pd.DataFrame:
    """Rows with visit and arm as ids; those that cannot be placed are problems, unless they are excluded."""
    visit = visits.find_all(rows["visit"])
    arm = arms.find_all(rows["arm"])
    if len(plan.arms) < 2:  # one arm needs no column
        only = plan.arms[0].id if plan.arms else ""
        arm = arm.where(rows["arm"] != "", only) if plan.arms else pd.Series(only, index=rows.index, dtype=object)
    person = rows["type"] == "sample"
    lost = person & (visit.isna() | arm.isna() | (rows["subject"] == ""))
    covered = pd.Series(False, index=rows.index)
    mistakes: dict[tuple[str, str, str], list[int]] = {}
    for place in rows.index[lost]:
        row = rows.loc[place]
        known = visit[place] if visit[place] is not None else row["visit"]
        if exclusions.covers(sample=row["sample"], subject=row["subject"], visit=known, source=row.get("source", "")):
            covered[place] = True
            continue
        wrong = (("subject", row["subject"] == ""), ("visit", visit[place] is None), ("arm", arm[place] is None))
        for kind in (kind for kind, is_wrong in wrong if is_wrong):
            mistakes.setdefault((row["where"], kind, row[kind]), []).append(row["row"])
    for (where, kind, text), places in mistakes.items():
        message = {"visit": visits.unknown, "arm": arms.unknown}.get(kind, lambda _: "has no subject")(text)
        others = f" ({len(places) - 1} more rows like it)" if len(places) > 1 else ""
        notebook.problem(where, f"row {places[0]}", message + others, kind)
    return rows.assign(visit=visit.fillna(""), arm=arm.fillna(""))[~covered].reset_index(drop=True)


def _named(rows: pd.DataFrame, several_arms: bool, notebook: Notebook) -> pd.DataFrame:
    """Sample ids of rows from data files: their own where they are a key, otherwise subject|visit[|arm]."""
    composed = rows["subject"] + "|" + rows["visit"]
    if several_arms:
        composed += "|" + rows["arm"]
    given = rows[rows["sample"] != ""].assign(key=composed)
    for source, piece in given.groupby("source", sort=False):
        shared = piece.groupby("sample")["key"].nunique()
        shared = shared[shared > 1]
        if len(shared):
            example = piece[piece["sample"] == shared.idxmax()]
            subjects = example["subject"].nunique()
            more = len(shared) - 1
            others = f", and {more} more {'id does' if more == 1 else 'ids do'} so too" if more else ""
            message = (
                f"the column of sample ids is not a key: {shared.idxmax()!r} stands for {shared.max()} different "
                f"combinations of subject, visit and arm ({plural(subjects, 'subject')}){others}; leave `sample` out, "
                "then samples are named by subject, visit and arm"
            )
            notebook.problem(example["where"].iloc[0], f"{source}.columns.sample", message)
    # the first source that has an id for a subject, visit and arm names the sample for all of them
    ids = given.drop_duplicates("key").set_index("key")["sample"]
    return rows.assign(sample=composed.map(ids).fillna(composed))


def _one_per_sample(rows: pd.DataFrame, plan: IntakePlan, notebook: Notebook) -> pd.DataFrame:
    # a later source knows no covariates: only what a source says can contradict
    for column in (*EXTRAS, *(covariate.id for covariate in plan.samples.covariates)):
        said = rows[rows[column].fillna("") != ""]
        counts = said.groupby("sample", sort=False)[column].nunique()
        for sample in counts[counts > 1].index:
            texts = pd.unique(said.loc[said["sample"] == sample, column])
            message = f"{column} is {' and '.join(map(repr, texts[:3]))} in different rows of one sample"
            notebook.problem(said["where"].iloc[0], f"sample {sample}", message, column)
    return rows.drop_duplicates("sample").reset_index(drop=True)


def _check_ids(rows: pd.DataFrame, notebook: Notebook) -> None:
    for where, row in rows.loc[rows["sample"] == "", ["where", "row"]].itertuples(index=False):
        notebook.problem(where, f"row {row}", "has no sample id", "sample")
    named = rows[rows["sample"] != ""]
    for sample, group in named[named["sample"].duplicated(keep=False)].groupby("sample", sort=False):
        places = ", ".join(map(str, group["row"].head(6))) + (", …" if len(group) > 6 else "")
        subjects = group["subject"].nunique()
        reason = f"it stands for {subjects} subjects and is not a key" if subjects > 1 else "sample ids must be unique"
        message = f"sample {sample!r} occurs {len(group)} times (rows {places}): {reason}"
        notebook.problem(group["where"].iloc[0], f"row {group['row'].iloc[1]}", message, "duplicated sample")


def _check_visits_once(rows: pd.DataFrame, exclusions: Exclusions, notebook: Notebook) -> None:
    """A subject has one sample per visit, arm and specimen; an excluded one does not count."""
    kept = rows[(rows["type"] == "sample") & ~exclusions.excluded_samples(rows)]
    unique = kept[(kept["subject"] != "") & (kept["visit"] != "")].drop_duplicates("sample")
    keys = ["subject", "visit", "arm", "specimen"]
    for (subject, visit, arm, _), group in unique[unique.duplicated(keys, keep=False)].groupby(keys, sort=False):
        ids = ", ".join(f"{sample} (row {row})" for sample, row in zip(group["sample"], group["row"], strict=True))
        under = f" under {arm}" if arm else ""
        message = f"subject {subject!r} has {len(group)} samples at {visit}{under}: {ids}; exclude all but one"
        key = f"row {group['row'].iloc[1]}"
        notebook.problem(group["where"].iloc[0], key, message + " or name their `specimen`", "subject twice at a visit")


def _check_plan_is_met(plan: IntakePlan, rows: pd.DataFrame, notebook: Notebook) -> None:
    where = plan.samples.file or ", ".join(dict.fromkeys(rows["where"]))
    for kind, column, items in (("visits", "visit", plan.visits), ("arms", "arm", plan.arms)):
        if (rows.loc[rows["type"] == "sample", column] == "").any():
            continue  # the text that could not be placed is noted, and may be the very one
        for item in items:
            if not (rows[column] == item.id).any():
                message = f"no sample has the {column} {item.id!r} of the plan; add how the file writes it to `written`"
                notebook.problem(where, kind, message)


def _study_days(rows: pd.DataFrame, plan: IntakePlan, notebook: Notebook) -> pd.Series:
    dates = pd.Series(np.nan, index=rows.index)
    for place in rows.index[rows["date"] != ""]:
        text, style = str(rows.loc[place, "date"]), plan.samples.date_format
        try:
            if style and not rows.loc[place, "native_date"]:
                day = datetime.datetime.strptime(text, style).date()
            else:
                day = datetime.datetime.fromisoformat(text).date()
        except ValueError:
            message = f"{text!r} is no date in the form {style or 'YYYY-MM-DD'}; `samples.date_format` says the form"
            notebook.problem(str(rows.loc[place, "where"]), f"row {rows.loc[place, 'row']!s}", message, "date")
            continue
        dates[place] = day.toordinal()
    order = {visit.id: number for number, visit in enumerate(plan.visits)}
    dated = pd.DataFrame({"subject": rows["subject"], "visit": rows["visit"].map(order), "day": dates}).dropna()
    first = dated.sort_values(["visit", "day"], kind="stable").drop_duplicates("subject").set_index("subject")["day"]
    return dates - rows["subject"].map(first)


def _check_numbers(rows: pd.DataFrame, plan: IntakePlan, notebook: Notebook) -> None:
    """A covariate declared as a number holds numbers alone, and so does one that is mostly numbers."""
    for covariate in plan.samples.covariates:
        texts = rows[covariate.id].fillna("")
        wrong = (texts != "") & ~texts.str.fullmatch(PLAIN_NUMBER.pattern)
        if covariate.kind == "number":
            for place in rows.index[wrong]:
                message = f"{texts[place]!r} is not a number, and the covariate is declared as one"
                key = f"row {rows.loc[place, 'row']!s}"
                notebook.problem(str(rows.loc[place, "where"]), key, message, covariate.id)
        elif covariate.kind is None and wrong.any() and 2 * wrong.sum() < (texts != "").sum():
            place = rows.index[wrong][0]
            message = (
                f"{texts[place]!r} of {covariate.id!r} is not a number, while {int((texts != '').sum() - wrong.sum())} "
                f"of its {int((texts != '').sum())} entries are; correct it, or declare the covariate with "
                "kind: category"
            )
            notebook.problem(str(rows.loc[place, "where"]), f"row {rows.loc[place, 'row']!s}", message, covariate.id)

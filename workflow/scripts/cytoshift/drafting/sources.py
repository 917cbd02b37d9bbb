"""Which tables make one source, and how does each of its rows say whose it is?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from cytoshift.drafting.globs import as_globs
from cytoshift.drafting.groups import Group, one_by_one
from cytoshift.drafting.instrument_sources import InstrumentSource
from cytoshift.drafting.kinds import Understood, covariate_columns
from cytoshift.drafting.known_names import known_id
from cytoshift.drafting.people import People, rows_of
from cytoshift.drafting.scores import Score
from cytoshift.intake.words import canonical
from cytoshift.vocabulary.names import make_id, population

_INSTRUMENTS = ["luminex", "msd", "olink", "elisa", "simoa", "bioplex", "legendplex", "cba", "nulisa", "ella"]
_PLATE_ROLES = ("well", "plate", "dilution", "unit")
_MOST_KINDS_OF_ROWS = 12


@dataclass
class SourceDraft:
    """A source of the study file to be: its tables, the group of values, and the columns that link its rows."""

    id: str
    group: Group
    tables: list[Understood]
    link: dict[str, str]
    where: dict[str, list[str]] = field(default_factory=dict)
    limits: str | None = None
    plates: str | None = None

    @property
    def sheet(self) -> str | None:
        """The sheet that its workbooks have in common."""
        return self.tables[0].table.sheet

    def files(self) -> list[str]:
        """Its files, as a glob where they are all the files of a folder."""
        return as_globs([one.table.path for one in self.tables])


@dataclass
class ScoreDraft:
    """A clinical score of the study file to be."""

    id: str
    column: str
    score: Score
    table: Understood
    link: dict[str, str]


@dataclass
class Sources:
    """All sources that were found, and one line for each table that gives none."""

    values: list[SourceDraft]
    scores: list[ScoreDraft]
    instruments: list[InstrumentSource]
    left_out: list[str]


def find_sources(
    understood: Sequence[Understood],
    instruments: Sequence[InstrumentSource],
    people: People,
    several_arms: bool,
    crossover: bool,
) -> Sources:
    """Make sources of the tables with values and scores; limits and plates files go with the source they fit.

    Tables that say what is on the plates of `instruments` have their place already.
    """
    left_out: list[str] = []
    drafts: list[SourceDraft] = []
    scores: list[ScoreDraft] = []
    ids = _UniqueIds(source.id for source in instruments)
    placed = {path for source in instruments for path in (source.plates, *source.layouts)}
    understood = [one for one in understood if one.table.path not in placed]
    for one in understood:
        if one.kind in ("samples", "limits", "plates", "layout") and not one.scores:
            continue
        link = _link(one, people, several_arms, crossover, _has_layout(one, understood))
        if one.kind == "other" or link is None:
            left_out.append(f"{one.table.where}: {_why(one)}")
            continue
        for group in _split(one, people):
            _join(drafts, SourceDraft("", group, [one], link, _rows_taken(one, link, people)))
        if link:
            scores += [ScoreDraft("", column, score, one, link) for column, score in one.scores]
    for draft in drafts:
        draft.id = ids.take(*_source_names(draft))
    for score in scores:
        score.id = ids.take(make_id(score.column), "score")
    _attach(drafts, understood, left_out)
    return Sources(drafts, scores, list(instruments), left_out)


def _why(one: Understood) -> str:
    if one.kind == "other" and not one.groups and not one.scores:
        return "no column of it is a known marker, cell population, score or sample sheet"
    return "no column says whose its rows are (sample, or subject and visit, as in the other files)"


def _has_layout(one: Understood, understood: Sequence[Understood]) -> bool:
    """Does a plates file name layouts, which say what sample is in each well?"""
    return "well" in one.roles and any(other.kind == "plates" and "layout" in other.columns for other in understood)


def _link(
    one: Understood, people: People, several_arms: bool, crossover: bool, has_layout: bool
) -> dict[str, str] | None:
    """Columns by which the rows are given to samples; None where there are none, empty where a layout does it."""
    roles = one.roles
    by_keys = {"subject": roles["subject"], "visit": roles["visit"]} if {"subject", "visit"} <= set(roles) else {}
    if people.sheet is None and one in people.tables:
        if people.pattern is not None:
            return {"sample": roles["sample"]}
        named = {"sample": roles["sample"]} if "sample" in roles and people.sample_is_key else {}
        return named | by_keys | ({"arm": roles["arm"]} if several_arms and "arm" in roles else {})
    known = _sample_ids(people)
    named_sample = roles.get("sample")
    options = [named_sample] if named_sample else []
    options += [name for name in one.columns if name not in options and name not in roles.values()]
    for name in options if people.sheet is not None or people.sample_is_key else []:
        texts = {canonical(text) for text in one.columns[name].texts.unique()}
        if texts and len(texts & known) > len(texts) / 2:
            return {"sample": name}
    subjects = {canonical(text) for text in people.rows["subject"]}
    if by_keys and subjects & set(rows_of(one)["subject"]) and not (crossover and "arm" not in roles):
        return by_keys | ({"arm": roles["arm"]} if crossover else {})
    return {} if has_layout else None


def _sample_ids(people: People) -> set[str]:
    if people.sheet is None:
        return {canonical(text) for text in people.rows["sample"] if text}
    frame = people.sheet.table.grid.frame
    return {canonical(text) for text in frame[people.sheet.roles["sample"]] if text}


def _rows_taken(one: Understood, link: Mapping[str, str], people: People) -> dict[str, list[str]]:
    """`where` that leaves out standards and blanks: a column whose words differ between known and other samples."""
    if set(link) != {"sample"}:
        return {}
    frame, known = one.table.grid.frame, _sample_ids(people)
    is_known = frame[link["sample"]].map(canonical).isin(known)
    if is_known.all():
        return {}
    for name, column in one.columns.items():
        if name in link.values() or column.is_numeric or column.distinct > _MOST_KINDS_OF_ROWS:
            continue
        of_samples, of_others = set(frame.loc[is_known, name]), set(frame.loc[~is_known, name])
        if of_samples and "" not in of_samples and not of_samples & of_others:
            return {name: sorted(of_samples)}
    return {}


def _split(one: Understood, people: People) -> list[Group]:
    """The groups of a table, column by column where a pattern would read columns that the reader does not know."""
    main = people.main
    reserved = {column.name for column in covariate_columns(main, known_only=people.sheet is None)}
    reserved |= {main.roles[key] for key in main.roles if key in ("type", "date", "specimen", "cohort")}
    return [
        part
        for group in one.groups
        for part in (one_by_one(group) if set(group.strays) - reserved else [group])
    ]  # fmt: skip


def _join(drafts: list[SourceDraft], new: SourceDraft) -> None:
    """Add a draft, or its files to the draft of files with the same layout and mostly the same features."""
    for draft in drafts:
        same = _layout(draft) == _layout(new) and draft.tables[0].table.path != new.tables[0].table.path
        shared = set(draft.group.written) & set(new.group.written)
        if same and len(shared) >= min(len(draft.group.written), len(new.group.written)) / 2:
            draft.tables += new.tables
            written = dict.fromkeys([*draft.group.written, *new.group.written])
            draft.group = Group(**{**vars(draft.group), "written": tuple(written)})
            for column, words in new.where.items():
                draft.where[column] = sorted({*draft.where.get(column, []), *words})
            return
    drafts.append(new)


def _layout(draft: SourceDraft) -> tuple[Any, ...]:
    group, one = draft.group, draft.tables[0]
    plate = tuple(one.roles.get(role) for role in _PLATE_ROLES)
    return (
        group.layer, group.shape, group.value, group.name, group.unit, tuple(group.companions.items()),
        tuple(draft.link.items()), plate, draft.sheet, tuple(draft.where),
    )  # fmt: skip


def without_copies(understood: Sequence[Understood]) -> tuple[list[Understood], list[str]]:
    """The tables without sheets that repeat another one's features in fewer rows (means beside wells), and a line for
    each of those."""
    copies = _copies(understood)
    lines = [f"{where}: holds the same features as {other}, in fewer rows" for where, other in copies.items()]
    return [one for one in understood if one.table.where not in copies], lines


def _copies(understood: Sequence[Understood]) -> dict[str, str]:
    cytokines = [one for one in understood if one.kind == "values" and any(g.layer == "cytokine" for g in one.groups)]
    copies: dict[str, str] = {}
    for one in cytokines:
        for other in cytokines:
            mine, theirs = (set().union(*(g.ids() for g in x.groups)) for x in (one, other))
            fewer = len(one.table.grid.frame) < len(other.table.grid.frame)
            if one.table.path == other.table.path and fewer and len(mine & theirs) >= max(4, 0.8 * len(theirs)):
                copies[one.table.where] = other.table.where
    return copies


def _source_names(draft: SourceDraft) -> list[str]:
    """Names for a source, the best first."""
    group, table = draft.group, draft.tables[0].table
    words = re.findall("[a-z]+", f"{table.path} {table.sheet or ''}".casefold())
    own = make_id(table.sheet or PurePosixPath(table.path).stem)
    if group.is_alone:
        return [known_id(group.written[0], group.layer) or make_id(group.written[0]), own]
    if group.layer == "cytokine":
        instrument = next((word for word in words if word in _INSTRUMENTS), None)
        return [instrument or ("olink" if group.unit == "NPX" else "cytokines"), own]
    blood = [name for name in group.written if (found := known_id(name, "cell")) and population(found).cbc]
    name = "cbc" if 2 * len(blood) > len(group.written) else "flow"
    return [name, f"{name}_percent" if group.unit in ("%", "fraction") else own, own]


def _attach(drafts: list[SourceDraft], understood: Sequence[Understood], left_out: list[str]) -> None:
    panels = [draft for draft in drafts if draft.group.layer == "cytokine"]
    for one in understood:
        if one.kind == "limits":
            analytes = {known_id(text, "cytokine") or text for text in one.columns["analyte"].texts.unique()}
            _give(_best(panels, [len(analytes & _features(draft)) for draft in panels]), "limits", one, left_out)
        elif one.kind == "plates":
            _give(_best(panels, [_fitting_plates(draft, one) for draft in panels]), "plates", one, left_out)
        elif one.kind == "layout" and not any(other.kind == "plates" for other in understood):
            left_out.append(f"{one.table.where}: is a plate layout; a plates file (file, plate, layout) would name it")


def _features(draft: SourceDraft) -> set[str]:
    return {known_id(name, "cytokine") or name for name in draft.group.written}


def _fitting_plates(draft: SourceDraft, plates: Understood) -> int:
    """How many plates of the list the source has: by its plate column, or by its files' names."""
    frame = plates.table.grid.frame
    column = draft.tables[0].roles.get("plate")
    if column is not None:
        return len({*draft.tables[0].columns[column].texts} & {*frame["plate"]})
    if "file" not in frame.columns:
        return 0
    return sum(any(PurePosixPath(one.table.path).match(name) for one in draft.tables) for name in frame["file"] if name)


def _best(drafts: list[SourceDraft], scores: list[int]) -> SourceDraft | None:
    """The draft with the highest score, if any is above zero."""
    return drafts[scores.index(max(scores))] if any(scores) else None


def _give(draft: SourceDraft | None, key: str, one: Understood, left_out: list[str]) -> None:
    if draft is None or getattr(draft, key) or one.table.sheet is not None:
        reason = "is a sheet; save it as a file of its own" if one.table.sheet else "fits no source, or a second one"
        left_out.append(f"{one.table.where}: looks like a file of {key}, but {reason}")
        return
    setattr(draft, key, one.table.path)


class _UniqueIds:
    """Hands out each id once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._used = set(taken)

    def take(self, *names: str) -> str:
        """The first name that is free, otherwise the last with a number."""
        options = [name for name in names if name != "all"]
        options += [f"{names[-1][:50]}_{number}" for number in range(2, len(self._used) + 4)]
        chosen = next(name for name in options if name not in self._used)
        self._used.add(chosen)
        return chosen

"""What would a first study file for these files look like? Text with every guess commented, ready for `check`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cytoshift.drafting.design import find_contrasts, find_design
from cytoshift.drafting.instrument_sources import InstrumentSource, gather_instruments
from cytoshift.drafting.instruments import InstrumentFile
from cytoshift.drafting.kinds import Understood, understand_table
from cytoshift.drafting.opening import open_as_tables, open_files
from cytoshift.drafting.people import find_people, sample_type_column
from cytoshift.drafting.quoting import listed, quoted, shown
from cytoshift.drafting.sections import contrast_lines, design_lines, head_lines, index_lines, name_lines, source_lines
from cytoshift.drafting.sources import Sources, find_sources, without_copies
from cytoshift.study.problem import Problem, Problems

_VISIT_IN_HEADER = re.compile(
    r"(?:^|[\s_.-])(?:(?:v\d+)+|visit\s?\d+|pre|post|baseline|bl|before|after|(?:w|wk|week|d|day|t|month)[\s_]?\d+)"
    r"(?=$|[\s_.(-])",
    re.IGNORECASE,
)


def draft_study(study_id: str, paths: Iterable[str | Path]) -> str:
    """Draft a study file.

    Parameters: `study_id`, its id; `paths`, the user's files: CSV, TSV, TXT, workbooks, Parquet, folders and globs,
    relative to the folder snakemake will run in. Returns YAML text that loads. Raises Problems, one line per file that
    cannot be read, or saying what is missing from the files for a study: values, or who was measured when.
    """
    opened = open_files(paths)
    understood = [understand_table(table) for table in opened.tables]
    named = [*dict.fromkeys([*(table.path for table in opened.tables), *(file.path for file in opened.instruments)])]
    files = len(named)
    where = named[0] if files == 1 else f"{files} files"
    exported, said = _told_apart(opened.instruments, understood)
    understood += said
    if not exported and not any(one.kind in ("values", "scores") for one in understood):
        raise Problems([Problem(where, "", _no_values(understood))])
    understood, copies = without_copies(understood)
    instruments = gather_instruments(exported, understood)
    people = find_people(understood, [source.names for source in instruments])
    if people is None:
        raise Problems([Problem(where, "", _nobody(understood, instruments))])
    design = find_design(people)
    if not find_contrasts(design):
        raise Problems([Problem(where, "", _one_visit(design.visits.items[0].id if design.visits.items else ""))])
    sources = find_sources(understood, instruments, people, design.several_arms, design.design == "crossover")
    if not sources.values and not sources.scores and not instruments:
        raise Problems([Problem(where, "", "; ".join(sources.left_out))])
    written = {name for draft in sources.values for name in draft.group.written}
    written |= {name for source in instruments for name in source.features}
    features = len(written) + len(sources.scores)
    facts = {
        "subjects": people.rows["subject"].nunique(),
        "visits": len(design.visits.items),
        "arms": len(design.arms),
        "features": features,
    }
    sections = [
        head_lines(study_id, files, [*opened.left_out, *copies, *sources.left_out, *_unusable(understood)], facts),
        [f"id: {study_id}", f"title: {quoted(_title(study_id))}   # please say: printed on the report"],
        [
            "origin: observed",
            "# disease: multiple sclerosis",
            "# intervention: low-dose naltrexone",
        ],
        design_lines(design),
        source_lines(sources, people),
        _normalize(sources, people.main),
        name_lines(sources),
        index_lines(sources),
        contrast_lines(design),
    ]
    return "\n".join(line for section in sections for line in section) + "\n"


def _told_apart(
    files: Sequence[InstrumentFile], understood: Sequence[Understood]
) -> tuple[list[InstrumentFile], list[Understood]]:
    """Exports to be read as such, and those to be read as tables: their own columns say whose each row is, and when,
    and no sample sheet does."""
    if any(one.kind == "samples" for one in understood):
        return list(files), []
    exported: list[InstrumentFile] = []
    said: list[Understood] = []
    for file in files:
        tables = [understand_table(table) for table in open_as_tables(file.path)]
        tables = [one for one in tables if one.kind == "values" and {"subject", "visit"} <= set(one.roles)]
        said += tables
        exported += [] if tables else [file]
    return exported, said


def _title(study_id: str) -> str:
    return study_id.replace("-", " ").capitalize()


def _normalize(sources: Sources, main: Understood) -> list[str]:
    """Reference samples make plates comparable, where the sheet names some and there are several plates."""
    type_column = sample_type_column(main)
    words = set(main.columns[type_column].texts.str.casefold()) if type_column else set()
    panels = [draft for draft in sources.values if draft.group.layer == "cytokine"]
    several = any(
        len(draft.tables) > 1 or ("plate" in one.roles and one.columns[one.roles["plate"]].distinct > 1)
        for draft in panels
        for one in draft.tables
    )
    several = several or any(source.layer == "cytokine" and source.has_several_plates for source in sources.instruments)
    if not several or not words & {"bridge", "pool"}:
        return []
    return [
        "normalize: {plates: reference_samples}   # guessed: bridge or pool samples on several plates; please check"
    ]


def _unusable(understood: Sequence[Understood]) -> list[str]:
    return [
        f"{one.table.where}: columns that a study file cannot name (braces or unprintable characters): "
        f"{listed(one.unusable, 4)}"
        for one in understood
        if any(one.table.grid.headers[name] for name in one.unusable)
    ]


def _headers(understood: Sequence[Understood]) -> str:
    names = dict.fromkeys(name for one in understood for name in one.columns)
    return listed(list(names), 10)


def _no_values(understood: Sequence[Understood]) -> str:
    seen = f"the headers are {_headers(understood)}"
    unlinked = [shown(one.table.where) for one in understood if one.groups]
    if unlinked:
        return f"no column says whose the rows of {', '.join(unlinked)} are (sample, or subject and visit); {seen}"
    return f"no column or value is the name of a known marker, cell population or score; {seen}"


def _nobody(understood: Sequence[Understood], instruments: Sequence[InstrumentSource]) -> str:
    """Why nobody can be found, with what would mend it."""
    if instruments and not any(one.groups or one.scores for one in understood):
        return (
            f"files as {instruments[0].files[0].format} writes them name samples only, and these names cannot be taken "
            "apart into subject and visit; add a sample sheet, a table with the columns sample, subject and visit "
            "(and arm)"
        )
    sides = [
        name
        for one in understood
        for name in one.columns
        if _VISIT_IN_HEADER.search(name) and one.columns[name].is_numeric
    ]
    if len(sides) > 3:
        return f"visits stand side by side in columns such as {listed(sides, 3)}; a study file needs one row per visit"
    if any("visit" in one.roles for one in understood):
        return f"no column says which subject was measured; the headers are {_headers(understood)}"
    return (
        "no column says when a sample was taken (visit, time point, week …), and the sample ids cannot be taken apart "
        f"into subject and visit; the headers are {_headers(understood)}"
    )


def _one_visit(visit: str) -> str:
    return f"all samples are of one visit ({shown(visit)}) and one arm; a shift needs two visits or two arms"

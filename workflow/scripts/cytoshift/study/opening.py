"""Which studies does a run concern? Opening them all, or saying everything that stands in the way, at once."""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from cytoshift.study.file_problems import files_of
from cytoshift.study.loading import LoadedStudy, load_study
from cytoshift.study.problem import Problem, Problems, did_you_mean
from cytoshift.study.problems import problems
from cytoshift.study.salvage import Salvaged, salvage_study
from cytoshift.study.study import Study

STUDIES_FOLDER = Path("config/studies")
DataProblems = Callable[[Study], list[Problem]]


def open_studies(
    named: Any, *, reserved: Collection[str] = (), data_problems: DataProblems | None = None
) -> dict[str, LoadedStudy]:
    """Load every named study, by its id, in the order named.

    `named` is an id (config/studies/<id>.yaml), a path, or a list of them; `reserved` names no study may have.
    Raises Problems with every mistake of every study. When a study file has mistakes, `data_problems` (which reads the
    data files and is slow to import) is asked as well, so that one run shows them all.
    """
    found: list[Problem] = []
    opened: dict[str, LoadedStudy] = {}
    for path in _paths(named, found):
        try:
            loaded = load_study(path)
        except Problems as mistakes:
            found += mistakes.problems
            salvaged = salvage_study(path)
            found += _further_problems(salvaged, reserved, data_problems) if salvaged else []
            continue
        mistakes_in_plan = _plan_problems(loaded, reserved)
        if mistakes_in_plan:
            found += mistakes_in_plan + _data_problems(loaded, mistakes_in_plan, data_problems)
        elif loaded.study.id in opened:
            found.append(Problem(path, "id", f"{loaded.study.id!r} is also the id of {opened[loaded.study.id].path}"))
        opened[loaded.study.id] = loaded
    if found:
        raise Problems(found)
    return opened


def _plan_problems(loaded: LoadedStudy, reserved: Collection[str]) -> list[Problem]:
    return problems(loaded.study, loaded.lines, loaded.path, reserved=reserved, check_files=True)


def _data_problems(loaded: LoadedStudy, known: list[Problem], ask: DataProblems | None) -> list[Problem]:
    """Mistakes in the data files, without the files that the plan's problems already say are not there."""
    found = ask(loaded.study) if ask else []
    return [problem for problem in found if not any(repr(problem.where) in one.message for one in known)]


def _further_problems(salvaged: Salvaged, reserved: Collection[str], ask: DataProblems | None) -> list[Problem]:
    """What else is wrong with a study file that has mistakes in itself; nothing that only follows from those."""
    found = _plan_problems(salvaged.loaded, reserved)
    if salvaged.reads_the_same_data:
        found += _data_problems(salvaged.loaded, found, ask)
    return [problem for problem in found if not salvaged.is_consequence(problem)]


def _paths(named: Any, found: list[Problem]) -> list[str]:
    names = [named] if isinstance(named, str) else list(named) if isinstance(named, Iterable) else []
    if not names:
        example = "for example: snakemake --config studies=ldn-ms-demo"
        found.append(Problem("config/config.yaml", "studies", f"names no study; {example}"))
    known = sorted(path.stem for path in STUDIES_FOLDER.glob("*.yaml"))
    paths = []
    for name in map(str, names):
        if name.endswith((".yaml", ".yml")) or "/" in name:
            paths.append(name)
        elif name in known:
            paths.append((STUDIES_FOLDER / f"{name}.yaml").as_posix())
        else:
            legal = (
                f"{name!r} is neither a path nor a study of {STUDIES_FOLDER}/; there are: {', '.join(known) or 'none'}"
            )
            found.append(Problem("config/config.yaml", "studies", legal + did_you_mean(name, known)))
    return list(dict.fromkeys(paths))


def study_files(study: Study) -> list[str]:
    """Every file a study reads, globs expanded, plate layouts included; sorted, each once."""
    files: set[str] = set()
    for _, name in files_of(study):
        matches = [name] if Path(name).is_file() else glob.glob(name, recursive=True)  # noqa: PTH207
        files |= {Path(match).as_posix() for match in matches if Path(match).is_file()}
    for source in study.cytokines:
        if source.plates:
            files |= set(_layouts(Path(source.plates)))
    return sorted(files)


def _layouts(plates: Path) -> Iterable[str]:
    """Layout files that a plates file (text) names, beside it or from the working folder."""
    try:
        text = plates.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.split("\n", maxsplit=1)[0].count)
        rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    except (OSError, UnicodeDecodeError, csv.Error):
        return  # intake reads it properly and says what is wrong with it
    for row in rows:
        named = row.get("layout") or ""
        for path in (Path(named), plates.parent / named):
            if named and path.is_file():
                yield path.as_posix()
                break

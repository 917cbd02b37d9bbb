"""Are the files there that a study file names?"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from cytoshift.study.problem import did_you_mean
from cytoshift.study.problem_list import ProblemList, keyed
from cytoshift.study.study import Study

PUBLIC = "data/public/"


def check_files_exist(study: Study, found: ProblemList, root: Path) -> None:
    """Note every path or glob that leads to no file, with the nearest name in its folder; paths start at `root`."""
    for key, name in files_of(study):
        try:
            files = _files(name, root)
            if not files:
                found.add(key, missing_file(name, root))
            for path in (path for path in files if "{" in path or "}" in path):
                found.add(key, f"{path!r} has braces in its name, which Snakemake takes for wildcards; rename it")
        except OSError as error:
            found.add(key, f"{name!r} cannot be looked up: {error.strerror}")


def _files(name: str, root: Path) -> list[str]:
    if (root / name).is_file():
        return [name]
    # Path.glob refuses absolute patterns
    matches = glob.glob(name, root_dir=root, recursive=True)  # noqa: PTH207
    return sorted(path for path in matches if (root / path).is_file())


def files_of(study: Study) -> Iterator[tuple[str, str]]:
    """Every path or glob of a study file, with its key path."""
    if study.samples.file:
        yield "samples.file", study.samples.file
    for key, source in (*keyed("cytokines", study.cytokines), *keyed("cells", study.cells)):
        for name in source.files:
            yield f"{key}.files", name
        for extra in ("limits", "plates"):
            if getattr(source, extra, None):
                yield f"{key}.{extra}", getattr(source, extra)
    for key, outcome in keyed("outcomes", study.outcomes):
        yield f"{key}.file", outcome.file


def missing_file(name: str, root: Path) -> str:
    """What is wrong with a path or glob that leads to no file, and how to get it if it is a public one.

    `name` is as the study file has it, relative to `root`.
    """
    fetched = Path(name).as_posix().startswith(PUBLIC)
    hint = "; fetch it with: snakemake public_data --config studies=ldn-ms-demo" if fetched else ""
    return _why(name, root) + hint


def _why(name: str, root: Path) -> str:
    path = root / name
    if path.is_dir():
        return f"{name!r} is a folder; name a file in it, or all of a kind: '{name.rstrip('/')}/*.csv'"
    folder = path.parent
    if glob.has_magic(str(folder.relative_to(root) if folder.is_relative_to(root) else folder)):
        return f"{name!r} matches no file"
    if not folder.is_dir():
        return f"{name!r} leads nowhere: there is no folder {str(Path(name).parent)!r}"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    meant = did_you_mean(Path(name).name, names)
    what = "matches no file" if glob.has_magic(name) else "does not exist"
    return f"{name!r} {what}{meant}"

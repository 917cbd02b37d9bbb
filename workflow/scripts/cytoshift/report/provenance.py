"""Which software ran, and which files were read? Versions and checksums, the same on every machine."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath

PACKAGES = (
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "python-calamine",
    "scikit-learn",
    "scipy",
    "seaborn",
    "snakemake",
    "xlsxwriter",
)


def software_versions() -> dict[str, str]:
    """Version of Python and of every package whose change could change a result, by name."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """For each path its shortest trailing part that no other of them has: no folder of this machine gets out.

    Only '/' parts a path: a file's name may hold a backslash.
    """
    parts = {path: PurePosixPath(path).parts for path in paths}
    names = {}
    for path, own in parts.items():
        others = [other for name, other in parts.items() if name != path]
        length = next(
            (n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), max(len(own), 1)
        )
        names[path] = "/".join(own[-length:])
    return names


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def output_checksums(paths: Iterable[Path | str], root: Path | str) -> dict[str, str]:
    """sha256 by path below `root` of every file named, and of every file in the folders named.

    Raises ValueError for a path outside `root`.
    """
    root = Path(root)
    files = [
        file
        for path in map(Path, paths)
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and not file.name.startswith(".")
    ]
    return {file.relative_to(root).as_posix(): file_sha256(file) for file in sorted(set(files))}


def short_checksums(files: Mapping[str, str]) -> dict[str, str]:
    """Checksums of the input files by their short names, sorted."""
    names = short_names(files)
    return {names[path]: files[path] for path in sorted(files, key=lambda path: names[path])}

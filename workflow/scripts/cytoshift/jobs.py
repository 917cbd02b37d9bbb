"""What does every job share? A log that is never empty, outputs that appear whole or not at all, the code asked for."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cytoshift.study.problem import Problems

PACKAGE = Path(__file__).parent
GROUND = ("__init__.py", "jobs.py", "tables", "frames.py", "findings.py", "study", "vocabulary")
logger = logging.getLogger("cytoshift")


@cache
def library_digest(*parts: str) -> str:
    """sha256 over the package's files in the named folders or modules, the ground floor always included."""
    digest = hashlib.sha256()
    for part in sorted({*GROUND, *parts}):
        path = PACKAGE / part
        if not path.exists():
            raise ValueError(f"cytoshift has no folder or module {part!r}")
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def job(log: str, library: dict[str, object]) -> Iterator[logging.Logger]:
    """Run the body of a rule's script: log it, check the library, turn `Problems` into plain lines.

    `library` is {"folders": [...], "sha256": ...} as the rule passes it. Raises SystemExit(1) after bad input,
    RuntimeError when the imported package is not the one the rule was planned with.
    """
    handler = logging.FileHandler(log, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(handler)
    started = time.monotonic()
    logger.info("Python %s, process %d", platform.python_version(), os.getpid())
    try:
        _check_library(library)
        yield logger
    except Problems as problems:
        logger.error("%s", problems)
        logger.info("Nothing was written. Mend the lines above and run again.")
        sys.exit(1)
    except Exception:
        logger.error("%s", traceback.format_exc())
        raise
    else:
        logger.info("finished after %.1f s", time.monotonic() - started)
    finally:
        logger.removeHandler(handler)
        handler.close()


def _check_library(library: dict[str, object]) -> None:
    folders = library["folders"]
    if not isinstance(folders, Sequence) or library_digest(*map(str, folders)) != library["sha256"]:
        raise RuntimeError(
            f"the package at {PACKAGE} is not the one this job was planned with: "
            "it was edited during the run, or another copy of cytoshift comes first on the import path"
        )


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder and with the same ending; move it into place only on success."""
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside the wanted one; it takes its place only on success."""
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

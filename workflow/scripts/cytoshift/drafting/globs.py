"""How does a study file name many files in one folder?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def as_globs(paths: Iterable[str]) -> list[str]:
    """The paths, as one glob where they are all the files of their kind in a folder."""
    paths = list(dict.fromkeys(paths))
    folders = {Path(path).parent for path in paths}
    suffixes = {Path(path).suffix for path in paths}
    if len(paths) > 2 and len(folders) == len(suffixes) == 1 and not re.search(r"[*?\[]", str(*folders)):
        pattern = f"*{suffixes.pop()}"
        folder = folders.pop()
        if sorted(path.as_posix() for path in folder.glob(pattern)) == sorted(Path(path).as_posix() for path in paths):
            return [(folder / pattern).as_posix()]
    return paths

"""Where real studies lie for the tests that need them; they are not stored in the project."""

import os
from pathlib import Path

import pytest

VARIABLE = "CYTOSHIFT_SHARED"


def shared_data() -> Path | None:
    """The folder of real studies: the one CYTOSHIFT_SHARED names, else ../shared/data beside the project, or None."""
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


def shared_study(name: str) -> Path:
    """One study's folder; raises FileNotFoundError with the remedy where it is absent."""
    folder = shared_data()
    if folder is None or not (folder / name).is_dir():
        raise FileNotFoundError(f"the real study {name} is not here; {VARIABLE} names the folder that holds it")
    return folder / name


# In CI a missing folder must fail, so nothing is skipped there and `shared_study` raises.
requires_shared = pytest.mark.skipif(
    shared_data() is None and os.environ.get("CI", "").lower() not in {"true", "1"},
    reason=f"real studies are not stored in the project; {VARIABLE} names their folder",
)

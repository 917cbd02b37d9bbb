"""Did it move, and how sure are we? The questions of a study file, asked of a tidy table of one's own.

These names are loaded when they are first used: `paired`, `parallel`, `crossover`, `longitudinal`, `detection`,
`families`.
"""

from importlib import import_module
from typing import Any

__all__ = ["crossover", "detection", "families", "longitudinal", "paired", "parallel"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'cytoshift.shift' has no attribute {name!r}")
    return getattr(import_module("cytoshift.shift.functions"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

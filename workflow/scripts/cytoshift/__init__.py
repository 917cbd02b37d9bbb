"""CytoShift: did the inflammatory markers shift? Tidy tables in, tidy tables out, all markers at once.

These names are loaded when they are first used, so that importing the package stays quick: `load_study`,
`read_study`, `review`, `estimate_shifts`, `decide_endpoints`, `simulate_study`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "load_study": "cytoshift.study.loading",
    "read_study": "cytoshift.intake.read",
    "review": "cytoshift.quality.review",
    "estimate_shifts": "cytoshift.shift.study",
    "decide_endpoints": "cytoshift.shift.study",
    "simulate_study": "cytoshift.simulate.study",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cytoshift' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)

"""Analytes and cell populations: names, aliases, accessions and roles."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cytoshift.vocabulary.names import analyte, find_analyte, find_population, population, roles_of

__all__ = ["analyte", "find_analyte", "find_population", "population", "roles_of"]


def __getattr__(name: str) -> Any:
    """Import a re-exported name on first use, so that importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cytoshift.vocabulary import names

    return getattr(names, name)

"""What is a gate called where only its path says which one it is, and is it a population or a step of the gating?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cytoshift.intake.flowjo_readout import Path, gates
from cytoshift.intake.names import Feature, NameBook
from cytoshift.vocabulary.gating import is_gating_step
from cytoshift.vocabulary.names import all_populations, find_population

# any blood cell may lie inside these, whatever its usual parent is
_CONTAINERS = frozenset(("leukocytes", "pbmc", "granulocytes"))


@dataclass(frozen=True)
class Gate:
    """How a gate is called in the name book, what that means, and whether it is a mere step ("Single Cells")."""

    written: str
    feature: Feature
    step: bool


def name_gates(paths: Iterable[Path], names: NameBook) -> dict[Path, Gate]:
    """A name for every gate, by which the vocabulary and the plan's `names` are asked.

    It is the shortest end of the path that no other path has ("CD4+", or "Single Cells/Single Cells"). Where the
    plan's `names` has another end of the path, it is that. Where the vocabulary's population cannot lie in the gates
    around it (CD4+ in B cells), or two gates would be one population, it is the whole path.
    """
    known = list(dict.fromkeys(path for path in paths if path))
    ends = Counter(path[-length:] for path in known for length in range(1, len(path) + 1))
    found = {path: _name(path, ends, names) for path in known}
    meant = Counter(gate.feature.id for gate in found.values())
    for path, gate in found.items():
        if meant[gate.feature.id] > 1 and gate.feature.how != "plan":
            found[path] = _gate(gates(path), path, names)
    return found


def _name(path: Path, ends: Counter[Path], names: NameBook) -> Gate:
    own = [path[-length:] for length in range(1, len(path) + 1) if ends[path[-length:]] == 1] or [path]
    planned = next((gates(end) for end in own if names.find(gates(end), "cell").how == "plan"), None)
    if planned is not None:
        return _gate(planned, path, names)
    gate = _gate(gates(own[0]), path, names)
    return gate if gate.feature.how == "unknown" or _fits(gate.feature.id, path) else _gate(gates(path), path, names)


def _gate(written: str, path: Path, names: NameBook) -> Gate:
    feature = names.find(written, "cell")
    return Gate(written, feature, feature.how == "unknown" and is_gating_step(path[-1]))


def _fits(population_id: str, path: Path) -> bool:
    """Do the gates around it allow what the last gate is called? What they do not name, they allow."""
    around = {match.id for gate in path[:-1] if (match := find_population(gate)).id is not None}
    return around <= {population_id, *_CONTAINERS, *_ancestors(population_id)}


def _ancestors(population_id: str) -> list[str]:
    """Parent, its parent and so on; none for a name that is no population of the vocabulary."""
    parents = {entry.id: entry.parent for entry in all_populations()}
    found: list[str] = []
    parent = parents.get(population_id)
    while parent and parent not in found:
        found.append(parent)
        parent = parents.get(parent)
    return found

"""Which test of a few pairs with non-detects keeps its level, and which of those finds the most?

Run in the repository: `OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_shift.py`.
About 12 minutes of processor time on one core. Writes docs/inference.md and docs/inference.png, the same bytes at each
run.
"""

from pathlib import Path

from inference_families import Family, families
from inference_figure import draw as draw_figure
from inference_methods import answer
from inference_studies import MIDDLE, SCENARIOS, SIZES, UNEQUAL_LIMITS, UNEQUAL_SPREAD, draw
from inference_tables import Cells, grid
from inference_text import page

DOCS = Path(__file__).resolve().parent.parent / "docs"


def simulate_cells() -> Cells:
    """Every scenario at every size and share, without an effect and, where a test is meant to find one, with it."""
    cells: Cells = {}
    for scenario in SCENARIOS:
        for moved in (False,) if scenario in (UNEQUAL_SPREAD, UNEQUAL_LIMITS) else (False, True):
            for n, share in grid(scenario):
                drawn = draw(scenario, n, share, moved=moved)
                cells[scenario, n, share, moved] = answer(drawn, with_intervals=scenario is MIDDLE and moved)
            print(scenario.name, "with an effect" if moved else "without an effect", flush=True)
    return cells


def simulate_families() -> dict[tuple[int, bool], Family]:
    """Families of 20 analytes at every size, none moved or some."""
    return {(n, moved): families(n, moved=moved) for n in SIZES for moved in (False, True)}


def main() -> None:
    """Run everything; write the page and its figure."""
    cells, found = simulate_cells(), simulate_families()
    (DOCS / "inference.md").write_text(page(cells, found), encoding="utf-8")
    draw_figure(cells, found, DOCS / "inference.png")


if __name__ == "__main__":
    main()

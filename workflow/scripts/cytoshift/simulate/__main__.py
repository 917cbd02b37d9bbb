"""Write a simulated study to a folder: `python -m cytoshift.simulate ldn-ms-demo data/ldn-ms-demo`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from cytoshift.simulate.demo import DEMO_SEED, DESIGNS
from cytoshift.simulate.study import simulate_study
from cytoshift.simulate.writing import write_study


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the named study and write its files.

    Parameters: `arguments`, the command line without the program's name; by default that of the process.
    Raises SystemExit for a command line that cannot be understood.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cytoshift.simulate", description="Simulate a study with known truth."
    )
    parser.add_argument("study", choices=sorted(DESIGNS), help="which study")
    parser.add_argument("folder", type=Path, help="where its files go; files of the same names are replaced")
    parser.add_argument("--seed", type=int, default=DEMO_SEED, help="seed of the generator (default: %(default)s)")
    options = parser.parse_args(arguments)
    write_study(simulate_study(DESIGNS[options.study](), options.seed), options.folder)


if __name__ == "__main__":
    main()

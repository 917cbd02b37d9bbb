"""What does REML change, beside the maximum likelihood that OlinkAnalyze's `olink_lmer` asks for?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_reml.py`. Seconds; prints the
two tables of docs/oracles.md. Simulated normal values, SD 1 between and 1 within subjects, nothing truly different.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.shift.mixed.mixed_design import RepeatedDesign, changes_from_baseline, repeated_design
from cytoshift.shift.mixed.random_intercept import random_intercept

REFERENCE = Path(__file__).resolve().parent.parent / "tests/reference/mixed/npx.tsv"
SEED, STUDIES = 20261206, 20_000
VISITS = ["baseline", "week_6", "week_12"]
ARMS = ["untreated", "treated"]
LIKELIHOODS: tuple[Literal["ml", "reml"], ...] = ("ml", "reml")
DESIGNS = {
    "8 subjects, three visits": (8, 1, 1.0),
    "4 + 4 subjects, three visits": (8, 2, 1.0),
    "26 + 26 subjects, three visits": (52, 2, 1.0),
    "4 + 4 subjects, three visits, a fifth of the samples missing": (8, 2, 0.8),
}


def design_of(subject: np.ndarray, visit: np.ndarray, arm: np.ndarray | None) -> RepeatedDesign:
    """Samples of one arm, or of two that were not alike at baseline."""
    if arm is None:
        return repeated_design(subject, visit, visits=VISITS)
    return repeated_design(subject, visit, arm, visits=VISITS, arms=ARMS)


def p_values(values: np.ndarray, design: RepeatedDesign, likelihood: Literal["ml", "reml"]) -> np.ndarray:
    """p of the F test of time, or of time × arm where there are two arms, per feature."""
    two = design.arms == ARMS
    test = changes_from_baseline(design, arm=ARMS[1] if two else None, against=ARMS[0] if two else None)
    return random_intercept(values, design, test[:1], [test], likelihood=likelihood).tests[0].p_value


def of_the_assays(arms: bool) -> list[str]:
    """The 184 simulated assays of tests/reference/mixed: how far the two p-values lie apart."""
    study = pd.read_csv(REFERENCE, sep="\t")
    values = study.drop(columns=["visit", "subject", "arm"]).to_numpy()
    subject, visit, arm = (study[name].to_numpy() for name in ("subject", "visit", "arm"))
    design = design_of(subject, visit, arm if arms else None)
    ml, reml = (p_values(values, design, likelihood) for likelihood in LIKELIHOODS)
    ratio = ml / reml
    return [
        "time × arm" if arms else "time",
        f"{np.median(ratio):.3f}",
        f"{ratio.min():.2f}–{ratio.max():.3f}",
        f"{(ml < 0.05).sum()}",
        f"{(reml < 0.05).sum()}",
        f"{((ml < 0.05) & (reml >= 0.05)).sum()} of {len(ml)}",
        f"{((ml >= 0.05) & (reml < 0.05)).sum()}",
    ]


def size(words: str, subjects: int, arms: int, kept: float) -> list[str]:
    """Rejections in percent at a nominal 5 where nothing differs, with a fit that has no answer counted as none."""
    rng = np.random.default_rng([SEED, subjects, arms, round(100 * kept)])
    place = np.repeat(np.arange(subjects), len(VISITS))
    visit, arm = np.tile(VISITS, subjects), np.array(ARMS)[place % arms]
    there = rng.random(len(place)) < kept if kept < 1 else np.ones(len(place), dtype=bool)
    values = (rng.normal(size=(subjects, STUDIES))[place] + rng.normal(size=(len(place), STUDIES)))[there]
    design = design_of(place[there], visit[there], arm[there] if arms == 2 else None)
    shares = [float((p_values(values, design, likelihood) < 0.05).mean()) for likelihood in LIKELIHOODS]
    return [words, "time × arm" if arms == 2 else "time", *(f"{100 * share:.1f}" for share in shares)]


def row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print both tables."""
    print(row(["test", "median ratio", "range", "ML < 0.05", "REML < 0.05", "ML alone", "REML alone"]))
    for arms in (False, True):
        print(row(of_the_assays(arms)))
    print(row(["design", "test", *LIKELIHOODS]))
    for words, design in DESIGNS.items():
        print(row(size(words, *design)), flush=True)


if __name__ == "__main__":
    main()

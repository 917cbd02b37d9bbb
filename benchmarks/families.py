"""What does a family of 5,416 analytes cost beside the bare matrix product it cannot do without?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/families.py`. Processor seconds of one
thread, the least of several runs taken in turns, so that other work on the machine disturbs both sides of a ratio. The
bare product is (analytes × subjects) @ (subjects × 10,000) in double precision: whole, into memory that is there
already, and in the blocks that the library uses; ratios are to the faster of the two.
"""

import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.exact.flips import contrast_rng, sign_flip_orbit, sign_flips
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.rearrangements import DRAWS_PER_BATCH, FEATURES_PER_BLOCK, LinearOrbit, spans, two_sided_p
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_orbit

ANALYTES, SUBJECTS = 5416, 52
SIZES = (500, 2_000, ANALYTES, 20_000, 50_000)
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MEGABYTE = 2**20


def changes(analytes: int) -> np.ndarray:
    """Correlated changes of all subjects, of which a third of the analytes moved."""
    rng = np.random.default_rng(analytes)
    shared = 0.5 * rng.normal(size=(SUBJECTS, 1))
    moved = np.where(np.arange(analytes) % 3 == 0, rng.normal(0.3, 0.3, analytes), 0.0)
    return rng.normal(size=(SUBJECTS, analytes)) + shared + moved


def flipped(analytes: int) -> LinearOrbit:
    """9,999 joint sign flips and the data as they are."""
    return sign_flip_orbit(changes(analytes), sign_flips(SUBJECTS, rng=contrast_rng(1, "benchmark")))


def relabelled(analytes: int) -> LinearOrbit:
    """9,999 joint relabellings of two equal arms in two strata, and the data as they are."""
    target, strata = np.arange(SUBJECTS) % 2 == 0, np.arange(SUBJECTS) // 26
    labels = arm_relabellings(target, strata, rng=contrast_rng(1, "benchmark"))
    return relabelling_orbit(changes(analytes), target, labels, strata)


def censored(analytes: int, share: float = 0.3) -> PairBounds:
    """Correlated pairs, a share of the values below one limit."""
    rng = np.random.default_rng(1)
    values = rng.multivariate_normal([0, 0.3], [[1, 0.6], [0.6, 1]], size=(SUBJECTS, analytes)).transpose(2, 0, 1)
    limit = stats.norm.ppf(share)
    lower, upper = np.where(values < limit, -np.inf, values), np.maximum(values, limit)
    return pair_bounds(lower[0], upper[0], lower[1], upper[1])


def whole_product(orbit: LinearOrbit, out: np.ndarray) -> None:
    """Every S* at once."""
    np.matmul(orbit.scores, orbit.rearrangements.weights, out=out)


def product_in_blocks(orbit: LinearOrbit) -> None:
    """Every S* in the library's blocks, each dropped at once."""
    for draws in spans(orbit.draws, DRAWS_PER_BATCH):
        for features in spans(len(orbit.scores), FEATURES_PER_BLOCK):
            orbit.statistics(features, draws)


def in_turns(works: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """The least processor seconds of each work over several rounds of all of them."""
    spent = dict.fromkeys(works, np.inf)
    for _ in range(rounds):
        for name, work in works.items():
            started = time.process_time()
            work()
            spent[name] = min(spent[name], time.process_time() - started)
    return spent


def ratios(name: str, orbit: LinearOrbit) -> None:
    """Print the tests of one orbit beside its bare product."""
    out = np.empty((len(orbit.scores), orbit.draws))
    spent = in_turns(
        {
            "whole": lambda: whole_product(orbit, out),
            "blocks": lambda: product_in_blocks(orbit),
            "max_t": lambda: max_t(orbit),
            "single": lambda: two_sided_p(orbit),
        }
    )
    bare = min(spent["whole"], spent["blocks"])
    print(f"{name}, {len(orbit.scores):,} analytes × {SUBJECTS} subjects × {orbit.draws:,} draws")
    print(f"  bare product: whole {spent['whole']:.3f} s, in blocks {spent['blocks']:.3f} s")
    print(f"  max-T, single-step and step-down: {spent['max_t']:.3f} s, {spent['max_t'] / bare:.2f} × the product")
    print(f"  each analyte on its own: {spent['single']:.3f} s, {spent['single'] / bare:.2f} × the product")


def growth() -> None:
    """Print the time of max-T over the number of analytes, and the exponent between them."""
    works: dict[str, Callable[[], object]] = {}
    for analytes in SIZES:
        works[f"{analytes:,}"] = partial(max_t, flipped(analytes))
    taken = in_turns(works, 5)
    spent = list(taken.values())
    exponent = np.polyfit(np.log(SIZES), np.log(spent), 1)[0]
    steps = np.diff(np.log(spent)) / np.diff(np.log(SIZES))
    print("max-T over analytes: " + ", ".join(f"{size} {took:.3f} s" for size, took in taken.items()))
    print(f"  exponent {exponent:.2f}, between neighbours {', '.join(f'{step:.2f}' for step in steps)}")


def family_with_non_detects() -> None:
    """Print the scores of censored pairs and their max-T."""
    bounds = censored(ANALYTES)
    started = time.process_time()
    scores = pair_scores(bounds)
    scored = time.process_time()
    max_t(sign_flip_orbit(scores, sign_flips(SUBJECTS, rng=contrast_rng(1, "benchmark"))))
    done = time.process_time()
    print(f"30 % non-detects, {ANALYTES:,} analytes × {SUBJECTS} pairs")
    print(f"  scores {scored - started:.2f} s, {ANALYTES / (scored - started):,.0f} analytes per s")
    print(f"  flips, max-T {done - scored:.2f} s")


def memory(kind: str) -> None:
    """Print the memory of one family in a process of its own: all of it, and what max-T takes beside its input."""
    orbit = {"flips": flipped, "relabellings": relabelled}[kind](ANALYTES)
    max_t(orbit)
    print(f"  {kind}: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at the peak, ", end="")
    tracemalloc.start()
    max_t(orbit)
    print(f"of which max-T holds {tracemalloc.get_traced_memory()[1] / MEGABYTE:.1f} MB")


def main() -> None:
    """Print times, ratios, the exponent and the memory."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        # The number of threads is read when the matrix library is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    if len(sys.argv) > 1:
        memory(sys.argv[1])
        return
    # First, while this process is small: a child's peak starts at its parent's size.
    print("memory, whole process", flush=True)
    for kind in ("flips", "relabellings"):
        subprocess.run([sys.executable, str(Path(__file__)), kind], check=True)
    ratios("sign flips", flipped(ANALYTES))
    ratios("relabellings", relabelled(ANALYTES))
    growth()
    family_with_non_detects()


if __name__ == "__main__":
    main()

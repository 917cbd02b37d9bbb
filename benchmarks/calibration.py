"""How long do the standard curves of 100 plates × 48 analytes take, and how long does reading their samples take?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/calibration.py`. One thread.
"""

import resource
import time

import numpy as np

from cytoshift.calibrate.back import back_calculate
from cytoshift.calibrate.curve import response
from cytoshift.calibrate.fit import fit_curves

CURVES, SAMPLES = 100 * 48, 38
DESIGNS = {
    "8 standards in duplicate, 2 blanks": np.concatenate([[0, 0], np.repeat(10_000 / 4.0 ** np.arange(8), 2)]),
    "16 standards in duplicate, 2 blanks": np.concatenate([[0, 0], np.repeat(10_000 / 2.0 ** np.arange(16), 2)]),
}


def main() -> None:
    """Time both designs once and print seconds and peak memory."""
    for design, levels in DESIGNS.items():
        rng = np.random.default_rng(1)
        truth = np.stack(
            [rng.uniform(10, 60, CURVES), rng.uniform(0.8, 1.6, CURVES), 10 ** rng.uniform(2, 4, CURVES),
             rng.uniform(5e3, 3e4, CURVES), np.exp(rng.normal(0, 0.5, CURVES))], axis=1,
        )  # fmt: skip
        concentration = np.tile(levels, (CURVES, 1))
        signal = response(concentration, truth) * np.exp(rng.normal(0, 0.05, concentration.shape))
        started = time.perf_counter()
        fits = fit_curves(concentration, signal)
        fitted = time.perf_counter() - started
        x = 10 ** rng.uniform(0, 4, (CURVES, SAMPLES))
        wells = response(x, truth)[:, :, None] * np.exp(rng.normal(0, 0.05, (CURVES, SAMPLES, 2)))
        started = time.perf_counter()
        back_calculate(fits, np.repeat(np.arange(CURVES), SAMPLES), wells.reshape(-1, 2))
        read = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{design}: {CURVES} curves {fitted:.1f} s; {CURVES * SAMPLES} samples {read:.1f} s; {memory:.0f} MB")


if __name__ == "__main__":
    main()

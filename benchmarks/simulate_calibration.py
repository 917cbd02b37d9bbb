"""Do the intervals of back-calculated concentrations hold the truth as often as they say?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_calibration.py`.
About two minutes; 2,000 plates with known curves for each row of the table. Writes docs/calibration.md and
docs/calibration.png, the same bytes at each run.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from cytoshift.calibrate.back import BackCalculated, back_calculate
from cytoshift.calibrate.curve import response
from cytoshift.calibrate.fit import fit_curves
from cytoshift.calibrate.limits import level_readings, quantification_range
from cytoshift.figures.saving import PNG_DPI
from cytoshift.figures.theme import CYCLE, DOUBLE, GREY, MARKERS, PALE, style

DOCS = Path(__file__).resolve().parent.parent / "docs"
SEED, PLATES, SAMPLES, TOP = 20261123, 2000, 30, 10_000.0
DECILES = 10
LEVELS = {
    "8 × 2": np.concatenate([[0, 0], np.repeat(TOP / 4.0 ** np.arange(8), 2)]),
    "16 × 1": np.concatenate([[0, 0], TOP / 2.0 ** np.arange(16)]),
}
COLUMNS = (
    "standards", "truth", "wells", "5PL chosen", "coverage of 95 % intervals", "lowest to highest decile",
    "curve alone", "median bias", "largest in a decile", "width",
)  # fmt: skip
PREFACE = """\
# Do the intervals of concentrations hold the truth?

Written by `benchmarks/simulate_calibration.py`; simulated data throughout.

A concentration read off a standard curve is uncertain twice: the curve comes from a handful of noisy standards, and
the sample's own wells are noisy. The interval CytoShift prints inverts the prediction band of the curve, which holds
both. Here {plates} plates per row have known curves: half-way concentrations 1/55 to 1 of the top standard, slopes
0.8 to 1.6, asymmetries g with ln g of SD 0.6 where the truth is a 5PL, and log-normal well noise whose SD differs
between plates, 3 to 10 %. Each plate is fitted as the workflow does (`curve: auto`), its LLOQ and ULOQ are found by the
workflow's rule, and {samples} samples are drawn evenly in log concentration between them, measured in one or two wells.

"""
CLOSING = """
*Coverage*: share of intervals that hold the true concentration; a decile is a tenth of the way from LLOQ to ULOQ in
log concentration. *Curve alone*: coverage of the interval that forgets the noise of the sample's wells and has only
the covariance of the fit. *Bias*: median of estimate / truth − 1, overall and in the decile where it is largest.
*Width*: median ratio of the interval's ends. Monte Carlo error of a mean coverage is about 0.2, of a decile 0.4
percentage points (samples of a plate share its curve).

The rows marked * break the assumptions and show what that costs. *Plateau out of reach*: the half-way concentration
is 1 to 20 times the top standard. *Noise of the reader*: every signal carries a further error of SD 3 units whatever
its size, so that wells near the blank (10 to 60 units) are noisier than the fit believes, and those above are less:
intervals are then too wide for most samples. Weights are the remedy.

![Coverage by decile between LLOQ and ULOQ](calibration.png)

*How to read it. Each line is one row of the table, with two wells; the band is 93 to 97 %. A healthy line stays in the
band at every decile. A line that falls at an end would mean intervals too short where the curve flattens. The dotted
lines, from the curve alone, show what forgetting the sample's wells costs.*
"""


@dataclass(frozen=True)
class Scenario:
    """One kind of plate: how many standards, which truth, and what else is wrong with it."""

    levels: str
    truth: str
    half_way: tuple[float, float] = (-4.0, 0.0)
    additive_sd: float = 0.0

    def signals(self, x: np.ndarray, curves: np.ndarray, sd: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Noisy signals at concentrations (plates, wells)."""
        clean = response(x, curves)
        noisy = clean * np.exp(rng.normal(size=x.shape) * sd[:, None]) + rng.normal(size=x.shape) * self.additive_sd
        return np.maximum(noisy, 0.5)


@dataclass(frozen=True)
class Result:
    """Coverage and bias by decile, and what the table says besides."""

    asymmetric: float
    coverage: np.ndarray
    curve_alone: np.ndarray
    bias: np.ndarray
    overall: tuple[float, float, float, float]


SCENARIOS = {
    "4PL": Scenario("8 × 2", "4PL"),
    "5PL": Scenario("8 × 2", "5PL"),
    "4PL, single wells": Scenario("16 × 1", "4PL"),
    "5PL, single wells": Scenario("16 × 1", "5PL"),
    "4PL, plateau out of reach *": Scenario("8 × 2", "4PL", half_way=(0.0, 3.0)),
    "4PL, noise of the reader *": Scenario("8 × 2", "4PL", additive_sd=3.0),
}


def simulate(scenario: Scenario, number: int) -> dict[int, Result]:
    """Fit the plates of one scenario and read samples in one and in two wells."""
    rng = np.random.default_rng([SEED, number])
    g = np.exp(rng.normal(0, 0.6, PLATES)) if scenario.truth == "5PL" else np.ones(PLATES)
    b = rng.uniform(0.8, 1.6, PLATES)
    half_way = TOP * np.exp(rng.uniform(*scenario.half_way, PLATES))
    c = half_way / (2 ** (1 / g) - 1) ** (1 / b)
    curves = np.stack([rng.uniform(10, 60, PLATES), b, c, rng.uniform(5e3, 3e4, PLATES), g], axis=1)
    sd = rng.uniform(0.03, 0.1, PLATES)
    concentration = np.tile(LEVELS[scenario.levels], (PLATES, 1))
    signal = scenario.signals(concentration, curves, sd, rng)
    fits = fit_curves(concentration, signal)
    read = back_calculate(fits, np.repeat(np.arange(PLATES), signal.shape[1]), signal.ravel()).concentration
    found = quantification_range(level_readings(concentration, read.reshape(signal.shape)))
    measured = np.isfinite(found.lloq)
    place = rng.uniform(0, 1, (PLATES, SAMPLES))
    x = found.lloq[:, None] * np.exp(place * np.log(found.uloq / found.lloq)[:, None])
    decile = np.minimum((place * DECILES).astype(int), DECILES - 1)[measured].ravel()
    plate = np.repeat(np.flatnonzero(measured), SAMPLES)
    truth = x[measured].ravel()
    results = {}
    for wells in (1, 2):
        samples = np.stack([scenario.signals(x, curves, sd, rng)[measured].ravel() for _ in range(wells)], axis=1)
        sample = back_calculate(fits, plate, samples)
        # A well without noise leaves the uncertainty of the curve.
        alone = back_calculate(fits, plate, samples, weights=np.full(len(plate), 1e12))
        held, held_alone = ((part.low <= truth) & (truth <= part.high) for part in (sample, alone))
        error = 100 * (sample.concentration / truth - 1)
        results[wells] = Result(
            float(np.mean(fits.model == "5pl")),
            100 * _by_decile(held, decile, np.mean),
            100 * _by_decile(held_alone, decile, np.mean),
            _by_decile(error, decile, np.median),
            (
                100 * held.mean(),
                100 * held_alone.mean(),
                float(np.median(error)),
                _width(sample),
            ),
        )
    return results


def _width(read: BackCalculated) -> float:
    with np.errstate(divide="ignore"):
        return float(np.median(read.high / read.low))


def _by_decile(values: np.ndarray, decile: np.ndarray, summary: Callable[[np.ndarray], float]) -> np.ndarray:
    return np.array([summary(values[decile == number]) for number in range(DECILES)])


def table_rows(name: str, scenario: Scenario, results: dict[int, Result]) -> list[str]:
    """The scenario's rows of the table."""
    rows = []
    for wells, result in results.items():
        coverage, alone, bias, width = result.overall
        deciles = f"{result.coverage.min():.1f}–{result.coverage.max():.1f} %"
        worst = result.bias[np.argmax(np.abs(result.bias))]
        cells = [
            scenario.levels,
            name.removesuffix(", single wells"),
            str(wells),
            f"{100 * result.asymmetric:.0f} %",
            f"{coverage:.1f} %",
        ]
        cells += [deciles, f"{alone:.1f} %", f"{round(bias, 1) + 0.0:+.1f} %", f"{worst:+.1f} %", f"{width:.2f}"]
        rows.append(_row(cells))
    return rows


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


@style()
def draw(results: dict[str, dict[int, Result]], path: Path) -> None:
    """Coverage by decile, a panel per design, written to `path`."""
    figure = Figure(figsize=(DOUBLE, 2.9), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    groups = [
        ("8 standards in duplicate", ["4PL", "5PL"]),
        ("16 standards in single wells", ["4PL, single wells", "5PL, single wells"]),
        ("assumptions broken", ["4PL, plateau out of reach *", "4PL, noise of the reader *"]),
    ]
    middle = (np.arange(DECILES) + 0.5) * 100 / DECILES
    for axes, (title, names) in zip(panels, groups, strict=True):
        axes.axhspan(93, 97, color=PALE, zorder=0)
        axes.axhline(95, color=GREY, linewidth=0.6, zorder=1)
        for name, colour, marker in zip(names, CYCLE, MARKERS, strict=False):
            label = name.removeprefix("4PL, ").removesuffix(" *") if "*" in name else f"{name[:3]} true"
            axes.plot(middle, results[name][2].coverage, color=colour, marker=marker, markersize=3.5, label=label)
            axes.plot(middle, results[name][2].curve_alone, color=colour, linestyle=":", linewidth=1)
        axes.set_title(title)
        axes.set_xlabel("way from LLOQ to ULOQ, %")
        axes.set_ylim(40, 100)
        axes.legend(loc="lower center", frameon=False)
    panels[0].set_ylabel("intervals that hold the truth, %")
    figure.suptitle("Simulated plates: 95 % intervals; dotted, the curve's uncertainty alone", fontsize=9)
    figure.savefig(path, dpi=PNG_DPI, metadata={"Software": None})


def main() -> None:
    """Run every scenario; write table and figure."""
    results, rows = {}, []
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        results[name] = simulate(scenario, number)
        rows += table_rows(name, scenario, results[name])
        print("\n".join(rows[-2:]), flush=True)
    table = "\n".join([_row(COLUMNS), _row("---" for _ in COLUMNS), *rows]) + "\n"
    text = PREFACE.format(plates=f"{PLATES:,}", samples=SAMPLES) + table + CLOSING
    (DOCS / "calibration.md").write_text(text, encoding="utf-8")
    draw(results, DOCS / "calibration.png")


if __name__ == "__main__":
    main()

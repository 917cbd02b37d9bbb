"""How long do mixed models of 5,416 analytes × 156 samples take, beside lmerTest and beside one pass of their sums?

Run in the repository: `OPENBLAS_NUM_THREADS=1 PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/mixed.py`.
Processor seconds of one thread. With Rscript and lmerTest installed, a loop over 184 analytes is timed and scaled.
"""

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cytoshift.shift.mixed.blocked import blocked_effects, consensus_correlation
from cytoshift.shift.mixed.mixed_basis import basis_of
from cytoshift.shift.mixed.mixed_design import RepeatedDesign, cell_contrast, changes_from_baseline, repeated_design
from cytoshift.shift.mixed.random_intercept import random_intercept
from cytoshift.shift.mixed.unstructured import unstructured
from cytoshift.shift.mixed.variance_ratio import group_sums, profile

SUBJECTS, VISITS, ANALYTES, LOOPED = 52, ["baseline", "week_8", "week_16"], 5416, 184
LOOP = """
suppressMessages(library(lmerTest))
study <- read.delim("study.tsv")
study$visit <- factor(study$visit)
started <- proc.time()
for (analyte in grep("^a", setdiff(names(study), "arm"), value = TRUE)) {
  study$y <- study[[analyte]]
  model <- suppressMessages(lmer(y ~ visit * arm + (1 | subject), study))
  invisible(summary(model, ddf = "Satterthwaite")$coefficients)
}
spent <- proc.time() - started
cat(spent[["user.self"]] + spent[["sys.self"]])
"""


def seconds(*works: Callable[[], object], times: int = 5) -> list[float]:
    """The least processor time of each work over several rounds, taken in turns."""
    spent = [float("inf")] * len(works)
    for _ in range(times):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            spent[place] = min(spent[place], time.process_time() - started)
    return spent


def one_pass(values: np.ndarray, design: RepeatedDesign) -> None:
    """The sums that any fit needs, and one evaluation of the deviance with its derivatives."""
    for start in range(0, values.shape[1], 1500):
        basis = basis_of(values[:, start : start + 1500], design.columns)
        sums = group_sums(basis, design.subject, design.grouping, restricted=True)
        profile(sums, np.ones((1, sums.df.size)))


def lmertest_loop(values: np.ndarray, subject: np.ndarray, visit: np.ndarray, arm: np.ndarray) -> float | None:
    """Processor seconds of lmerTest over the columns of `values`; None where R is not installed."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [f"a{number}" for number in range(values.shape[1])]
        lines = ["\t".join(["subject", "visit", "arm", *names])]
        for row in range(len(values)):
            numbers = [f"{value:.6f}" for value in values[row]]
            lines.append("\t".join([str(subject[row]), visit[row], arm[row], *numbers]))
        (Path(folder) / "study.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([rscript, "-e", LOOP], cwd=folder, capture_output=True, text=True, check=True)
    return float(done.stdout.strip())


def main() -> None:
    """Print times, ratios and peak memory."""
    generator = np.random.default_rng(1)
    subject, visit = np.repeat(np.arange(SUBJECTS), 3), np.tile(VISITS, SUBJECTS)
    arm = np.where(subject % 2 == 0, "placebo", "treated")
    levels = generator.normal(size=(SUBJECTS, 1, ANALYTES)) * generator.uniform(0.1, 2, ANALYTES)
    values = (levels + generator.normal(size=(SUBJECTS, 3, ANALYTES))).reshape(-1, ANALYTES)
    gaps = np.where(generator.random(values.shape) < 0.03, np.nan, values)
    design = repeated_design(subject, visit, arm, visits=VISITS, arms=["placebo", "treated"])
    plates = repeated_design(
        subject, visit, arm, visits=VISITS, arms=["placebo", "treated"],
        plate=generator.choice(["p1", "p2", "p3", "p4"], len(subject)), plate_effect="random",
    )  # fmt: skip
    asked = cell_contrast(design, "week_16", "baseline", arm="treated", against="placebo")
    joint = changes_from_baseline(design, arm="treated", against="placebo")
    half = values[:, : ANALYTES // 2]
    whole, once, less, f_test = seconds(
        lambda: random_intercept(values, design, [asked]),
        lambda: one_pass(values, design),
        lambda: random_intercept(half, design, [asked]),
        lambda: random_intercept(values, design, [asked], [joint]),
    )
    print(f"random intercept, Satterthwaite, {ANALYTES} analytes × {len(values)} samples: {whole:.2f} s")
    print(f"  one pass of its sums {once:.2f} s, ratio {whole / once:.1f}; half the analytes {less:.2f} s")
    print(f"  with an F test {f_test:.2f} s")
    whole_gaps, once_gaps = seconds(
        lambda: random_intercept(gaps, design, [asked]), lambda: one_pass(gaps, design), times=3
    )
    print(f"  3 % missing at random {whole_gaps:.2f} s, one pass {once_gaps:.2f} s, ratio {whole_gaps / once_gaps:.1f}")
    (random_plates,) = seconds(lambda: random_intercept(values, plates, [asked]), times=1)
    print(f"  random plates beside the subject {random_plates:.2f} s")
    kenward, kenward_gaps = seconds(
        lambda: unstructured(values, design, [asked]), lambda: unstructured(gaps, design, [asked]), times=1
    )
    print(f"unstructured, Kenward–Roger: {kenward:.2f} s; 3 % missing at random {kenward_gaps:.2f} s")
    shared = consensus_correlation(values, design.columns, design.subject).value
    consensus, blocked = seconds(
        lambda: consensus_correlation(values, design.columns, design.subject),
        lambda: blocked_effects(values, design, [asked], shared),
    )
    consensus_gaps, blocked_gaps = seconds(
        lambda: consensus_correlation(gaps, design.columns, design.subject),
        lambda: blocked_effects(gaps, design, [asked], shared),
        times=1,
    )
    print(f"consensus correlation {consensus:.2f} s, effects given it {blocked:.2f} s")
    print(f"  3 % missing at random {consensus_gaps:.2f} s, {blocked_gaps:.2f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    loop = lmertest_loop(values[:, :LOOPED], subject, visit, arm)
    if loop is not None:
        scaled = loop / LOOPED * ANALYTES
        print(
            f"lmerTest over {LOOPED} analytes {loop:.1f} s, {scaled:.0f} s for all: {scaled / whole:.0f} times as long"
        )


if __name__ == "__main__":
    main()

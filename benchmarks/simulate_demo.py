"""How often do the demo's intervals hold the planted truth, and how often are its endpoints decided rightly?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_demo.py`; about ten minutes on
two idle cores. Simulates the demo study again and again with its own plan: 200 times as planted, 200 times without any
effect, and ten times from raw signals. Writes docs/demo_truth.md, the same bytes at each run.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two studies at a time, one thread each

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from demo_studies import Answers, answer_study, demo_plan, only_planned, wrong_claims

from cytoshift.study.study import Study

ROOT = Path(__file__).resolve().parent.parent
STUDIES, RAW_STUDIES = 200, 10
FIRST_SEED = 1
PROCESSES = 2
LAYERS = ("cytokine", "cell", "outcome")
PREFACE = """\
# Do the demo's intervals hold the planted truth?

Written by `benchmarks/simulate_demo.py`; simulated data throughout.

The demo study ships with the differences that were planted in it (`data/ldn-ms-demo/truth.tsv`). One study says little
about its intervals, so here it is simulated {studies} times with new patients, and each is analysed as the demo's
study file plans. A planted difference is the mean over the patients one could have recruited, on the scale of the
analysis: patients respond unequally (SD 40 % of the effect), and the interval is about their mean. Features tested on
detection have an odds ratio and no difference, indices no stated truth; neither is counted.

Cytokines are drawn as tables of concentrations: duplicate wells, a detection limit, a plate that reads 1.4 times too
high and two bridge samples that betray it. Replicates are averaged, plates aligned, contrasts estimated and endpoints
decided by the functions the workflow calls. Standard curves, defects and checks of quality are left out, as they take
most of the time; {raw} studies with all of them, from raw signals on, stand beside.

"""


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the truth, in percent, with twice its Monte Carlo error; errors in standard errors."""

    features: int
    intervals: int
    held: float
    error: float
    lowest: float
    highest: float
    bias: float

    @property
    def is_off(self) -> bool:
        """Outside 93–97 % by more than chance explains."""
        return abs(self.held - 95) > 2 + self.error


def cover(rows: pd.DataFrame) -> Coverage:
    """Count the rows of several studies (column `seed`) that have an interval."""
    known = rows.dropna(subset=["held"])
    # Features of one study share its patients: the error is that of the mean of the studies.
    per_study = known.groupby("seed")["held"].agg(["sum", "size"])
    held = per_study["sum"].sum() / per_study["size"].sum()
    residual = per_study["sum"] - held * per_study["size"]
    single = known.groupby(["contrast", "feature"])["held"].agg(["mean", "size"])
    single = single.loc[single["size"] >= 0.9 * single["size"].max(), "mean"]
    off = ((known["estimate"] - known["true_difference"]) / known["se"]).replace([np.inf, -np.inf], np.nan)
    return Coverage(
        features=known["feature"].nunique(),
        intervals=len(known),
        held=100 * float(held),
        error=200 * float(np.sqrt((residual**2).sum()) / per_study["size"].sum()),
        lowest=100 * float(single.min()),
        highest=100 * float(single.max()),
        bias=float(off.mean()),
    )


def coverages(studies: Sequence[Answers], plan: Study) -> dict[tuple[str, str], Coverage]:
    """By contrast and layer; ("**all**", "") holds everything."""
    rows = pd.concat([one.rows.assign(seed=one.seed) for one in studies])
    parts = {
        (contrast.id, layer): rows[(rows["contrast"] == contrast.id) & (rows["layer"] == layer)]
        for contrast in plan.contrasts
        for layer in LAYERS
    }
    return {name: cover(part) for name, part in (parts | {("**all**", ""): rows}).items()}


def coverage_table(found: dict[tuple[str, str], Coverage]) -> str:
    """How often intervals hold the truth, by contrast and layer and in all."""
    lines: list[Sequence[str]] = [
        ("contrast", "layer", "features", "intervals", "hold the truth", "± 2 SE", "single features", "mean error, SE"),
        ("---",) * 8,
    ]
    for (contrast, layer), part in found.items():
        numbers = (str(part.features), f"{part.intervals:,}", f"{part.held:.1f} %", f"{part.error:.1f}")
        lines.append((contrast, layer, *numbers, f"{part.lowest:.0f}–{part.highest:.0f} %", f"{part.bias + 0.0:+.2f}"))
    return _lines(lines)


def off_target(found: dict[tuple[str, str], Coverage]) -> str:
    """Which contrasts and layers are off, in words."""
    names = [f"{contrast} {layer}".strip() for (contrast, layer), part in found.items() if part.is_off]
    return ", ".join(names) if names else "none"


def method_table(studies: Sequence[Answers]) -> str:
    """The same by what estimated the row and gave its interval."""
    rows = pd.concat([one.rows.assign(seed=one.seed) for one in studies]).dropna(subset=["held"])
    lines: list[Sequence[str]] = [
        ("method", "non-detects", "intervals", "hold the truth", "± 2 SE", "mean error, SE"),
        ("---",) * 6,
    ]
    share = (rows["below_reference"] + rows["below_target"]) / rows[["n_reference", "n_target"]].sum(axis=1)
    band = pd.cut(share.astype(float), [-1, 0, 0.2, 1], labels=["none", "to 20 %", "above 20 %"])
    for method in sorted(rows["method"].unique()):
        for label in band.cat.categories:
            chosen = rows[(rows["method"] == method) & (band == label)]
            if len(chosen):
                part = cover(chosen)
                numbers = (f"{part.intervals:,}", f"{part.held:.1f} %", f"{part.error:.1f}", f"{part.bias + 0.0:+.2f}")
                lines.append((method, label, *numbers))
    return _lines(lines)


def decision_table(planted: Sequence[Answers], nothing: Sequence[Answers]) -> str:
    """How often each planned family is rejected, and by itself, as if no gate stood before it."""
    header = (
        "endpoint",
        "tier",
        "test",
        "planted: rejected",
        "planted: by itself",
        "none: rejected",
        "none: by itself",
    )
    lines = [header, ("---",) * 7]
    families = planted[0].families
    for endpoint in families.loc[families["tier"] != "exploratory", "endpoint"]:
        shares = [cell for studies in (planted, nothing) for cell in _rejections(studies, endpoint)]
        about = families[families["endpoint"] == endpoint].iloc[0]
        lines.append((endpoint, about["tier"], about["correction"].split(" by ")[0], *shares))
    return _lines(lines)


def _rejections(studies: Sequence[Answers], endpoint: str) -> tuple[str, str]:
    rows = [one.families.set_index("endpoint").loc[endpoint] for one in studies]
    return (
        _share([bool(row["decision"] == "rejected") for row in rows]),
        _share([bool(row["p_value"] <= 0.05) for row in rows]),
    )


def _share(held: Sequence[bool]) -> str:
    share = float(np.mean(held))
    return f"{100 * share:.1f} % ± {200 * np.sqrt(share * (1 - share) / len(held)):.1f}"


def _lines(cells: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n"


Answer = TypeVar("Answer")


def _map(function: Callable[[int], Answer], seeds: Iterable[int], words: str) -> list[Answer]:
    answers: list[Answer] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for answer in pool.map(function, seeds):
            answers.append(answer)
            if len(answers) % 10 == 0:
                print(words, len(answers), flush=True)
    return answers


def main() -> None:
    """Simulate, count, and write docs/demo_truth.md."""
    plan = demo_plan()
    seeds = range(FIRST_SEED, FIRST_SEED + STUDIES)
    raw = _map(partial(answer_study, plan=plan, raw=True), seeds[:RAW_STUDIES], "raw")
    planted = _map(partial(answer_study, plan=plan), seeds, "planted")
    others = range(FIRST_SEED + STUDIES, FIRST_SEED + 2 * STUDIES)
    nothing = _map(partial(answer_study, plan=only_planned(plan), effects=False), others, "none")
    text = describe(plan, planted, nothing, raw)
    (ROOT / "docs" / "demo_truth.md").write_text(text, encoding="utf-8")


def describe(plan: Study, planted: Sequence[Answers], nothing: Sequence[Answers], raw: Sequence[Answers]) -> str:
    """The whole page."""
    false, _, claimed = wrong_claims(planted)
    _, decided, _ = wrong_claims(nothing)
    found = coverages(planted, plan)
    parts = [
        PREFACE.format(studies=len(planted), raw=len(raw)),
        coverage_table(found),
        COVERAGE_WORDS.format(off=off_target(found)),
        method_table(planted),
        DECISIONS_WORDS.format(studies=len(nothing)),
        decision_table(planted, nothing),
        CLAIMS_WORDS.format(error=_share(decided), false=_share(false), claimed=f"{100 * claimed:.0f} %"),
        RAW_WORDS.format(raw=len(raw)),
        coverage_table(coverages(raw, plan)),
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


COVERAGE_WORDS = """
*Hold the truth*: share of 95 % intervals; *± 2 SE* is the Monte Carlo error in percentage points, from the spread
between studies, because the features of a study share its patients and how strongly each responds. *Single features*:
the lowest and the highest share of any one feature (of 200 true 95 % intervals, one feature in thirty lies outside
92–98 % by chance). *Mean error*: estimate less truth in standard errors, averaged. Outside 93–97 % by more than the
Monte Carlo error: {off}.

By estimator and share of non-detects in the row. Above 20 % it is nearly always IL-1β, half of whose values are below
the limit: one feature says little, and `benchmarks/simulate_censored.py` and `benchmarks/simulate_censored_arms.py`
ask the same of thousands. Above 40 % the report labels a row approximate.
"""
DECISIONS_WORDS = """
## How often is something decided?

The plan tests one primary endpoint; where it is rejected, a first family of secondary ones, and where all of these are
rejected, a second. *Planted*: the studies above; *none*: {studies} further studies in which nothing happens to any
marker in any arm. *By itself*: p ≤ 0.05 in the family, whatever the gate says. Shares with ± 2 SE.
"""
CLAIMS_WORDS = """
Without any effect, something planned is decided in {error} of studies: the family-wise error, planned at 5 %.

With the planted effects, a feature without a true difference, or with one of the other sign, is claimed in {false} of
studies. Of the planned differences of single features that are real, {claimed} are claimed in the mean study: with 24
patients per arm most of them are too small to be found one by one.
"""
RAW_WORDS = """
## From raw signals

{raw} studies from simulated exports of the plates on, with standard curves fitted, defects planted (a swap, wells with
few beads, a hook, a saturated sample, a lost decimal point) and every check run. So few say no more than that nothing
is badly off.
"""


if __name__ == "__main__":
    main()

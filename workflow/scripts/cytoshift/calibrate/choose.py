"""Where do a plate's concentrations come from: the curves refitted here, the instrument's software, or the signals?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.calibrate.standards import Bench
from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.sources import CytokineSource

SOURCES = {
    "refit": "the curves refitted here",
    "instrument": "the software's own numbers",
    "signal": "the signals, without a concentration",
}
_PER_VOLUME = ("/ml", "/l", "/ul", "/dl")


@dataclass(frozen=True)
class Chosen:
    """`concentration` (K,): refit, instrument or signal; and what there is to say about it."""

    concentration: np.ndarray
    findings: list[Finding]


def choose(bench: Bench, fitted: np.ndarray, reasons: np.ndarray, sources: Sequence[CytokineSource]) -> Chosen:
    """Decide for every plate × analyte where its concentrations come from.

    Parameters: `fitted` (K,), which have a refitted curve; `reasons` (K,), why the others have none; `sources`, the
    plan's. As the plan says; without a word of it the refit where there is a curve. Where there is none, the
    instrument's own numbers, and a finding. Raises Problems where a plate has signals but neither a curve nor numbers,
    and where `concentration: signal` has a unit of concentration.
    """
    plans = {source.id: source for source in sources}
    wanted = np.array([plans[name].concentration or "" for name in bench.keys["source"]], dtype=object)
    signals, numbers = _what_samples_have(bench)
    missing_curve = np.isin(wanted, ["", "refit"]) & ~fitted
    chosen = np.where(missing_curve, "instrument", np.where(wanted == "", "refit", wanted)).astype(object)
    unusable = np.select(
        [(chosen == "instrument") & signals & ~numbers, (chosen == "signal") & numbers & ~signals],
        ["no_number", "no_signal"],
        "",
    )
    problems = _unit_problems(bench, chosen, plans) + _describe_unusable(bench, unusable, fitted, reasons)
    if problems:
        raise Problems(problems)
    return Chosen(chosen, _describe(bench, chosen, missing_curve & numbers & signals, wanted, reasons))


def _what_samples_have(bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    """Which curves have a signal, and which a number or bound of the instrument's, in any sample well (K,), (K,)."""
    sample = (bench.wells["type"] == "sample").to_numpy()
    signal = sample & np.isfinite(bench.signal)
    number = sample & (bench.wells["status"] != "missing").to_numpy()
    return bench.per_curve(bench.curve[signal]) > 0, bench.per_curve(bench.curve[number]) > 0


def _unit_problems(bench: Bench, chosen: np.ndarray, plans: dict[str, CytokineSource]) -> list[Problem]:
    found = []
    for name in bench.keys.loc[chosen == "signal", "source"].unique():
        unit = plans[name].unit
        if unit.casefold().replace(" ", "").endswith(_PER_VOLUME):
            message = f"{unit!r} is a concentration, but `concentration: signal` takes signals; write unit: MFI"
            found.append(Problem("", f"cytokines.{name}.unit", message))
    return found


def _describe_unusable(bench: Bench, unusable: np.ndarray, fitted: np.ndarray, reasons: np.ndarray) -> list[Problem]:
    file = bench.wells["source_file"].groupby(bench.curve).first()
    frame = bench.keys.assign(why=unusable, reason=reasons, fitted=fitted, file=file.reindex(bench.keys.index))
    found = []
    for (source, plate, why), part in frame[frame["why"] != ""].groupby(["source", "plate", "why"], sort=False):
        analytes = f"plate {plate!r}, {plural(len(part), 'analyte')} ({listed(part['analyte'])})"
        if why == "no_signal":
            message = f"{analytes}: the file has no signals; legal: instrument"
        elif part["fitted"].all():
            message = f"{analytes}: the file prints no concentrations; legal: refit, signal"
        else:
            message = (
                f"{analytes}: no concentration can be given, the file prints none and no curve can be fitted "
                f"({part['reason'].iloc[0]}); write concentration: signal with unit: MFI, or add the standards' "
                "concentrations to the layout"
            )
        found.append(Problem(str(part["file"].iloc[0]), f"cytokines.{source}.concentration", message))
    return found


def _describe(
    bench: Bench, chosen: np.ndarray, fallen_back: np.ndarray, wanted: np.ndarray, reasons: np.ndarray
) -> list[Finding]:
    found = []
    frame = bench.keys.assign(chosen=chosen, fallen_back=fallen_back, wanted=wanted, reason=reasons)
    for source, part in frame.groupby("source", sort=False):
        counts = {str(kind): int(count) for kind, count in part["chosen"].value_counts(sort=False).items()}
        each = ", ".join(f"{count} from {SOURCES[kind]}" for kind, count in counts.items())
        message = f"{source}: of {plural(len(part), 'plate × analyte combination')}, {each}."
        found.append(finding("calibrate", "concentration_source", message, counts, severity="note", action="nothing"))
        found += _describe_fallen_back(str(source), part)
    return found


def _describe_fallen_back(source: str, part: pd.DataFrame) -> list[Finding]:
    found = []
    for (plate, reason), rows in part[part["fallen_back"]].groupby(["plate", "reason"], sort=False):
        elsewhere = set(part.loc[part["chosen"] == "refit", "analyte"]) & set(rows["analyte"])
        mixed = (
            f" {listed(sorted(elsewhere))}: refitted on other plates, so plates differ in method." if elsewhere else ""
        )
        message = (
            f"{source}, plate {plate}: no curve for {plural(len(rows), 'analyte')} ({listed(rows['analyte'])}): "
            f"{reason}. The instrument's own concentrations are used.{mixed}"
        )
        severity = "warning" if elsewhere or (rows["wanted"] == "refit").any() else "note"
        numbers = {"analytes": len(rows), "mixed": len(elsewhere)}
        found.append(finding("calibrate", "no_curve", message, numbers, severity=severity, plate=str(plate)))
    return found

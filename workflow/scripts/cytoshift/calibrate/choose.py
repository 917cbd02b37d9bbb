"""Where do a plate's concentrations come from: the curves refitted here, the instrument's software, or the signals?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

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
    "none": "nowhere",
}
_PER_VOLUME = ("/ml", "/l", "/ul", "/dl")


@dataclass(frozen=True)
class Chosen:
    """`concentration` (K,): refit, instrument or signal; and what there is to say about it.

    A plate × analyte that can give nothing keeps the origin that was asked for, and its values are missing.
    """

    concentration: np.ndarray
    findings: list[Finding]


def choose(bench: Bench, fitted: np.ndarray, reasons: np.ndarray, sources: Sequence[CytokineSource]) -> Chosen:
    """Decide for every plate × analyte where its concentrations come from.

    Parameters: `fitted` (K,), which have a refitted curve; `reasons` (K,), why the others have none; `sources`, the
    plan's. As the plan says; without a word of it the refit where there is a curve. Where there is none, the
    instrument's own numbers, and a finding. A plate × analyte that has neither, or not what the plan asks for, has
    missing values, and a finding names it. Raises Problems where no plate × analyte of a source can give a value, and
    where `concentration: signal` has a unit of concentration. Wells that the study file excludes do not count.
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
    lost = unusable != ""
    source = bench.keys["source"]
    able = set(source[(signals | numbers) & ~lost])
    hopeless = lost & ~source.isin(able).to_numpy(dtype=bool)
    described = _describe_unusable(bench, unusable, fitted, reasons)
    problems = _unit_problems(bench, chosen, plans) + _refit_problems(bench, fitted, plans)
    problems += [_problem(row) for row in described[hopeless[described["first"]]].to_dict("records")]
    if problems:
        raise Problems(problems)
    chosen = np.where(lost & missing_curve, "refit", chosen).astype(object)
    nothing = lost | ((chosen == "instrument") & ~numbers)
    found = _describe(bench, chosen, missing_curve & numbers & signals, wanted, reasons, nothing)
    return Chosen(chosen, found + [_describe_lost(row) for row in described.to_dict("records")])


def _refit_problems(bench: Bench, fitted: np.ndarray, plans: dict[str, CytokineSource]) -> list[Problem]:
    """A refit that was asked for where the whole source has no curve is a mistake, not a fallback."""
    with_curves = set(bench.keys["source"][fitted])
    message = (
        "'refit' is not possible: no file of this source holds standards with signals and concentrations; "
        "legal here: instrument, or leave it out"
    )
    return [
        Problem("study file", f"cytokines[{name}].concentration", message)
        for name in dict.fromkeys(bench.keys["source"])
        if plans[name].concentration == "refit" and name not in with_curves
    ]


def _what_samples_have(bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    """Which curves have a signal, and which a number or bound of the instrument's, in any sample well (K,), (K,)."""
    sample = (bench.wells["type"] == "sample").to_numpy() & ~bench.wells["excluded"].to_numpy(dtype=bool)
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


def _describe_unusable(bench: Bench, unusable: np.ndarray, fitted: np.ndarray, reasons: np.ndarray) -> pd.DataFrame:
    """One row per source, plate and cause: file, source, plate, analytes, cause, remedy, and `first` of its curves."""
    file = bench.wells["source_file"].groupby(bench.curve).first()
    frame = bench.keys.assign(why=unusable, reason=reasons, fitted=fitted, file=file.reindex(bench.keys.index))
    rows = []
    for (source, plate, why), part in frame[frame["why"] != ""].groupby(["source", "plate", "why"], sort=False):
        if why == "no_signal":
            cause, remedy = "the file has no signals", "legal: instrument"
        elif part["fitted"].all():
            cause, remedy = "the file prints no concentrations", "legal: refit, signal"
        else:
            bare = part[~part["fitted"]]
            cause = (
                f"no concentration can be given, the file prints none and no curve can be fitted "
                f"({bare['reason'].iloc[0]})"
            )
            remedy = "write concentration: signal with unit: MFI, or add the standards' concentrations to the layout"
        rows.append({"file": str(part["file"].iloc[0]), "source": str(source), "plate": str(plate), "cause": cause,
                     "analytes": list(part["analyte"]), "remedy": remedy, "first": part.index[0]})  # fmt: skip
    columns = ["file", "source", "plate", "cause", "analytes", "remedy", "first"]
    return pd.DataFrame(rows, columns=columns).astype({"first": int})


def _problem(row: dict[Hashable, Any]) -> Problem:
    analytes = f"plate {row['plate']!r}, {plural(len(row['analytes']), 'analyte')} ({listed(row['analytes'])})"
    return Problem(
        row["file"], f"cytokines.{row['source']}.concentration", f"{analytes}: {row['cause']}; {row['remedy']}"
    )


def _describe_lost(row: dict[Hashable, Any]) -> Finding:
    message = (
        f"{row['source']}, plate {row['plate']}: {row['cause']} for {plural(len(row['analytes']), 'analyte')} "
        f"({listed(row['analytes'])}); their values are missing. Others of {row['source']} have theirs."
    )
    numbers = {"analytes": len(row["analytes"])}
    return finding("calibrate", "no_concentration", message, numbers, action="excluded", plate=row["plate"])


def _describe(
    bench: Bench,
    chosen: np.ndarray,
    fallen_back: np.ndarray,
    wanted: np.ndarray,
    reasons: np.ndarray,
    nothing: np.ndarray,
) -> list[Finding]:
    found = []
    origin = np.where(nothing, "none", chosen)
    frame = bench.keys.assign(chosen=origin, fallen_back=fallen_back, wanted=wanted, reason=reasons)
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

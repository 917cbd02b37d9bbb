"""The tables of plates for tests of figures and page: curves, standards, controls, maps, from a fixed generator."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.tables import AGREEMENT, CONTROLS, CURVES, NAMES, PLATE_MAP, PLATE_REVIEW, PLATES, STANDARDS

ANALYTES = {"il6": "IL-6", "tnf": "TNF-α", "il1b": "IL-1β", "ifng": "IFN-γ", "il17a": "IL-17A", "mcp1": "MCP-1"}
SOURCE = "luminex"


def plate_tables(plates: tuple[str, ...] = ("P1", "P2", "P10"), seed: int = 3) -> dict[str, pd.DataFrame]:
    """Tables by name; on the first plate IL-6's fifth standard lost its decimal point and TNF-α's top one hooks."""
    generator = np.random.default_rng(seed)
    made: dict[str, list[dict[str, object]]] = {name: [] for name in ("curves", "standards", "review", "agreement")}
    for plate in plates:
        for analyte in ANALYTES:
            _add_curve(made, plate, analyte, plate == plates[0], generator)
    return {
        "curves": conform(pd.DataFrame(made["curves"]), CURVES),
        "standards": conform(pd.DataFrame(made["standards"]), STANDARDS),
        "plate_review": conform(pd.DataFrame(made["review"]), PLATE_REVIEW),
        "agreement": conform(pd.DataFrame(made["agreement"]), AGREEMENT),
        "controls": conform(pd.DataFrame(_controls(plates, generator)), CONTROLS),
        "plate_map": conform(pd.DataFrame(_wells(plates, generator)), PLATE_MAP),
        "plates": conform(pd.DataFrame({"source": SOURCE, "plate": plates, "source_file": "data/x.csv"}), PLATES),
        "names": conform(
            pd.DataFrame(
                {"source": SOURCE, "layer": "cytokine", "written": list(ANALYTES), "feature": list(ANALYTES),
                 "label": list(ANALYTES.values()), "how": "exact"}
            ),
            NAMES,
        ),
    }  # fmt: skip


def _add_curve(
    made: dict[str, list[dict[str, object]]], plate: str, analyte: str, first: bool, generator: np.random.Generator
) -> None:
    key = {"source": SOURCE, "plate": plate, "analyte": analyte}
    a, b, c, d, g = 20.0, 1.1, 400 * np.exp(0.1 * generator.standard_normal()), 18000.0, 0.9
    series = 8000.0 / 3.0 ** np.arange(8)
    for level, expected in enumerate(series, start=1):
        signal = (d + (a - d) / (1 + (expected / c) ** b) ** g) * np.exp(0.05 * generator.standard_normal())
        lost = first and analyte == "il6" and level == 5
        hook = first and analyte == "tnf" and level == 1
        made["standards"].append(
            {**key, "well": f"A{level}", "type": "standard", "level": f"Standard{level}", "series": expected,
             "expected": expected * (1000 if lost else 1), "signal": signal * (0.4 if hook else 1),
             "concentration": expected, "recovery": 1.0, "used": not (lost or hook),
             "reason": "off its dilution series" if lost else "high-dose hook" if hook else ""}
        )  # fmt: skip
    made["curves"].append(
        {**key, "unit": "pg/mL", "concentration": "refit", "model": "5pl", "model_reason": "smaller AICc",
         "background": "include", "a": a, "b": b, "c": c, "d": d, "g": g, "residual_sd": 0.05, "df": 5,
         "standards_used": 8 - int(first and analyte in ("il6", "tnf")), "blanks": 2, "lod": 1.2,
         "lod_kind": "blanks", "lloq": series[6], "uloq": series[1], "lowest_standard": series[-1],
         "highest_standard": series[0],
         "standards_left_out": int(first and analyte in ("il6", "tnf"))}
    )  # fmt: skip
    made["review"].append(
        {**key, "wells": 70, "beads_median": 90, "beads_min": 20 if first else 60, "low_bead_wells": 2 * first,
         "blanks": 2, "blank_median": 20, "below_share": 0.4 if analyte == "il1b" else 0.0,
         "above_share": 0.03 if analyte == "mcp1" else 0.0, "replicate_cv_median": 0.08, "recovery_low": 0.91,
         "recovery_high": 1.12, "curve_shift": 0.1}
    )  # fmt: skip
    made["agreement"].append(
        {**key, "compared": 60, "median_log2_ratio": 0.01, "median_abs_log2_ratio": 0.04,
         "p95_abs_log2_ratio": 0.31 if analyte == "il6" and first else 0.09, "status_differs": 1,
         "explanation": "the instrument's fit used a standard off its series" if analyte == "il6" and first else ""}
    )  # fmt: skip


def _controls(plates: tuple[str, ...], generator: np.random.Generator) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for control in ("Control1", "Control2"):
        for analyte in ANALYTES:
            z = generator.standard_normal(len(plates))
            for run, plate in enumerate(plates, start=1):
                far = control == "Control1" and run == 1
                rows.append(
                    {"source": SOURCE, "control": control, "analyte": analyte, "plate": plate, "run": run, "wells": 2,
                     "value": 7 + 0.1 * z[run - 1], "centre": 7.0, "sd": 0.1, "z": 4.2 if far else z[run - 1],
                     "rules": "1-3s" if far else ""}
                )  # fmt: skip
    return rows


def _wells(plates: tuple[str, ...], generator: np.random.Generator) -> list[dict[str, object]]:
    kinds = {0: "standard", 1: "blank", 2: "control"}
    return [
        {"source": SOURCE, "plate": plate, "well": f"{'ABCDEFGH'[row]}{column + 1}", "row": row + 1,
         "column": column + 1, "type": kinds.get(column, "sample"), "written": f"W{row}{column}",
         "beads": 15 if (row, column) == (3, 5) else 90, "level": 0.4 * generator.standard_normal(),
         "replicate_shift": 0.05 * generator.standard_normal(), "edge": row in (0, 7) or column in (0, 11)}
        for plate in plates
        for row in range(8)
        for column in range(12)
    ]  # fmt: skip

"""Writes the data files that the plans in tests/workflow/plans name, with effects that the tests can look for."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter

# Ratios after treatment (or under a condition) that the data were made with; everything else stays as it is.
MSD_RATIOS = {"IL-6": 0.55, "TNF-α": 0.6, "IL-1β": 0.6, "IFN-γ": 0.65, "IL-8": 0.7, "IL-17A": 0.7}
EXERCISE_RATIOS = {"easy": 1.2, "hard": 1.9, "sprints": 1.5, "mixed": 1.3}
DRIFT_AT_REST = 1.25
NPX_SHIFT = -0.8
TREG_ODDS = 1.6
LUMINEX_RATIOS = {"IL-6": 0.45, "TNF-a": 0.6}
PLATE_RATIOS = {"P1": 1.0, "P2": 2.0, "P3": 0.6}
ELISA_RATIO_TREATED, ELISA_RATIO_DISEASED = 0.6, 1.8

MSD_LEVELS = {"IL-6": 2.4, "TNF-α": 3.1, "IL-1β": 0.6, "IFN-γ": 8.0, "IL-8": 14.0, "IL-17A": 1.1, "IL-10": 0.7}
MSD_LOD_IL17A = 0.3
COUNTS_1E9_PER_L = {"Neutrophils": 4.2, "Lymphocytes": 1.8, "Monocytes": 0.45, "Platelets": 250.0}


def lognormal(generator: np.random.Generator, spread: float, shape: int | tuple[int, ...]) -> np.ndarray:
    """Factors around 1, `spread` being their standard deviation on the log2 scale."""
    return 2.0 ** generator.normal(0.0, spread, shape)


def write_csv(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """One row per dictionary, columns in the order of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(list(rows)).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_workbook(path: Path, sheets: dict[str, Sequence[dict[str, object]]]) -> None:
    """A workbook as an instrument writes it: numbers are numbers, text is text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, list(rows[0]))
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, list(row.values()))


def open_label_msd(root: Path) -> None:
    """Eight patients in duplicate wells, IL-17A partly below its limit; P08 has no second blood count."""
    generator = np.random.default_rng(101)
    patients = [f"P{number:02d}" for number in range(1, 9)]
    person = {analyte: lognormal(generator, 0.8, len(patients)) for analyte in MSD_LEVELS}
    wells, counts = [], []
    for place, patient in enumerate(patients):
        for visit in ("Pre", "Post"):
            levels = {
                analyte: level
                * person[analyte][place]
                * (MSD_RATIOS.get(analyte, 1.0) if visit == "Post" else 1.0)
                * lognormal(generator, 0.25, 1)[0]
                for analyte, level in MSD_LEVELS.items()
            }
            for _ in range(2):
                row: dict[str, object] = {
                    "Well": f"{'ABCDEFGH'[len(wells) % 8]}{1 + len(wells) // 8}",
                    "Plate": "20A-1",
                    "Patient": patient,
                    "Visit": visit,
                }
                for analyte, level in levels.items():
                    value = level * lognormal(generator, 0.05, 1)[0]
                    is_below = analyte == "IL-17A" and value < MSD_LOD_IL17A
                    row[f"{analyte} Signal"] = round(900 * value)
                    row[f"{analyte} Calc. Concentration (pg/mL)"] = f"<{MSD_LOD_IL17A}" if is_below else round(value, 4)
                wells.append(row)
            if (patient, visit) != ("P08", "Post"):
                noise = lognormal(generator, 0.2, len(COUNTS_1E9_PER_L))
                count = {
                    f"{population} (10^9/L)": round(level * factor, 2)
                    for (population, level), factor in zip(COUNTS_1E9_PER_L.items(), noise, strict=True)
                }
                counts.append({"Patient": patient, "Visit": visit, **count})
    path = root / "data/open_label_msd/msd_results.xlsx"
    write_workbook(path, {"Results": wells, "Blood count": counts})


def crossover_five_conditions(root: Path) -> None:
    """Eight people, five conditions in a Latin-square order, eight times each; S3 never did `mixed`."""
    generator = np.random.default_rng(102)
    folder = root / "data/crossover_five_conditions"
    written = {"rest": "rest", "easy": "50 % continuous", "hard": "70 % continuous"}
    written |= {"sprints": "intervals", "mixed": "mixed"}
    hours = {"pre": 0, "h1": 1, "h2": 2, "h3": 3, "h6": 6, "h12": 12, "h24": 24, "h48": 48}
    analytes = {"IL-6": 1.2, "TNF-α": 2.2, "IL-10": 0.6, "IL-8": 9.0, "MCP-1": 160.0, "IL-1ra": 300.0}
    populations = {"Neutrophils": 3900.0, "Lymphocytes": 1900.0, "Monocytes": 420.0}
    samples, cytokines, counts = [], [], []
    for number in range(8):
        person, order = f"S{number + 1}", [list(written)[(number + step) % 5] for step in range(5)]
        own_cytokine, own_count = lognormal(generator, 0.7, len(analytes)), lognormal(generator, 0.3, len(populations))
        for period, condition in enumerate(order, start=1):
            if (person, condition) == ("S3", "mixed"):
                continue
            for time, hour in hours.items():
                sample = f"{person}-{period}-{time}"
                day = 1 + 7 * (period - 1) + hour // 24
                samples.append({
                    "sample_id": sample, "person": person, "time": time, "condition": written[condition],
                    "order": ">".join(order), "period": period, "drawn_at": f"2024-03-{day:02d}",
                    "age": 20 + number,
                })  # fmt: skip
                for (analyte, level), own in zip(analytes.items(), own_cytokine, strict=True):
                    value = level * own * lognormal(generator, 0.2, 1)[0]
                    cytokines.append({
                        "sample_id": sample, "plate": f"plate {number // 2 + 1}", "analyte": analyte,
                        "concentration": f"{value:.4g}", "lod": 0.05,
                    })  # fmt: skip
                for (population, level), own in zip(populations.items(), own_count, strict=True):
                    value = level * own * lognormal(generator, 0.1, 1)[0]
                    if population == "Neutrophils" and 1 <= hour <= 6:
                        value *= DRIFT_AT_REST * EXERCISE_RATIOS.get(condition, 1.0)
                    counts.append({"sample_id": sample, "cell": population, "count": round(value)})
    write_csv(folder / "samples.csv", samples)
    write_csv(folder / "cytokines.csv", cytokines)
    write_csv(folder / "counts.csv", counts)


def olink_cohorts(root: Path) -> None:
    """Three cohorts of four, 25 proteins; cohort 2023 came in pg/mL. Half of the proteins fall by `NPX_SHIFT`."""
    generator = np.random.default_rng(103)
    folder = root / "data/olink_cohorts"
    folder.mkdir(parents=True, exist_ok=True)
    assays = ["IL6", "TNF", "IL10", "CXCL8", "CCL2", *(f"PROT{number}" for number in range(1, 21))]
    samples = []
    for cohort in (2021, 2022, 2023):
        rows = []
        for number in range(4):
            subject, own = f"{cohort}-{number + 1}", generator.normal(4, 1.5, len(assays))
            for visit in ("d0", "d1"):
                sample = f"{subject}_{visit}"
                samples.append({
                    "SampleID": sample, "Subject": subject, "Visit": visit, "Cohort": cohort, "Age": 30 + number,
                    "Sex": "FM"[number % 2],
                })  # fmt: skip
                for place, assay in enumerate(assays):
                    npx = own[place] + generator.normal(0, 0.15) + (NPX_SHIFT if visit == "d1" and place < 12 else 0)
                    rows.append({
                        "SampleID": sample, "Assay": assay, "NPX": npx if cohort < 2023 else 2**npx, "LOD": 0.5,
                        "PlateID": f"plate_{cohort}", "Unit": "NPX" if cohort < 2023 else "pg/mL",
                    })  # fmt: skip
        pd.DataFrame(rows).to_parquet(folder / f"npx_{cohort}.parquet", index=False)
    write_csv(folder / "samples.csv", samples)


def flow_alone(root: Path) -> None:
    """Ten patients: fractions of CD4+ T cells, and absolute counts from a second tube."""
    generator = np.random.default_rng(104)
    fractions, counts = [], []
    for number in range(1, 11):
        own = generator.normal(0, 0.3, 4)
        for visit in ("V1", "V2"):
            tube = f"P{number:02d}-{visit}"
            logits = np.array([-2.8, -3.6, -0.4, 0.3]) + own + generator.normal(0, 0.08, 4)
            logits[0] += np.log(TREG_ODDS) if visit == "V2" else 0.0
            percent = 100 / (1 + np.exp(-logits))
            names = ("Treg", "Th17", "CD4+ naive", "CD4+ T cells")
            columns = [f"{name} | Freq. of Parent (%)" for name in names]
            cells = dict(zip(columns, percent.round(3), strict=True))
            fractions.append({"Tube": tube, **cells})
            absolute = np.array([850.0, 480.0, 210.0]) * lognormal(generator, 0.15, 3)
            counts.append({"Tube": tube, **dict(zip(("CD4+", "CD8+", "B cells"), absolute.round(), strict=True))})
    write_csv(root / "data/flow_alone/flow.csv", fractions)
    write_csv(root / "data/flow_alone/trucount.csv", counts)


def plates_with_layouts(root: Path) -> None:
    """Sixteen patients on three plates that differ by `PLATE_RATIOS`, two wells each, and two bridge samples on all.

    S07 is haemolysed (the plan excludes it), well A12 of P3 has a bubble, and S31 was measured at dilution 1:4, below
    the limit of IL-1b.
    """
    generator = np.random.default_rng(105)
    folder = root / "data/plates_with_layouts"
    analytes = {"IL-6": 4.0, "TNF-a": 9.0, "IL-1b": 3.0, "IL-10": 5.0}
    samples, on_plate = [], {plate: [] for plate in PLATE_RATIOS}
    levels = {}
    for number in range(16):
        patient, arm = f"Pt{number + 1:02d}", ("LDN 4.5 mg", "placebo")[number % 2]
        own = lognormal(generator, 0.5, len(analytes))
        for visit in ("baseline", "week_16"):
            sample = f"S{len(samples) + 1:02d}"
            samples.append({
                "sample_id": sample, "patient": patient, "visit": visit, "arm": arm, "type": "sample",
                "site": ("north", "south")[number // 2 % 2], "age": 31 + 2 * number, "gender": "FM"[number // 4 % 2],
            })  # fmt: skip
            treated = visit == "week_16" and arm.startswith("LDN")
            ratios = [LUMINEX_RATIOS.get(analyte, 1.0) if treated else 1.0 for analyte in analytes]
            levels[sample] = own * lognormal(generator, 0.2, len(analytes)) * ratios
            on_plate[list(PLATE_RATIOS)[min(number // 6, 2)]].append(sample)
    for bridge in ("BR1", "BR2"):
        blank = dict.fromkeys(("patient", "visit", "arm", "site", "age", "gender"), "")
        samples.append({"sample_id": bridge, **blank, "type": "bridge"})
        levels[bridge] = lognormal(generator, 0.3, len(analytes))
    write_csv(folder / "samples.csv", samples)
    for number, (plate, ratio) in enumerate(PLATE_RATIOS.items(), start=1):
        tubes = [tube for tube in [*on_plate[plate], "BR1", "BR2"] for _ in range(2)]
        # the bubble sits on a patient's sample: fill row A first
        wells = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)][: len(tubes)]
        layout = [
            {"well": well, "sample": tube, "dilution": "1:4" if tube == "S31" else "1:2"}
            for well, tube in zip(wells, tubes, strict=True)
        ]
        rows = []
        for well, tube in zip(wells, tubes, strict=True):
            noise = lognormal(generator, 0.04, len(analytes))
            values = np.array(list(analytes.values())) * levels[tube] * ratio * noise
            row: dict[str, object] = {"Location": well, **dict(zip(analytes, values.round(3), strict=True))}
            if (plate, well) == ("P3", "A12"):
                row |= {analyte: round(30 * value, 3) for analyte, value in zip(analytes, values, strict=True)}
            if tube == "S31":
                row["IL-1b"] = "OOR <"
            rows.append(row)
        write_csv(folder / f"plate_{number}.csv", rows)
        write_csv(folder / f"layout_{number}.csv", layout)
    write_csv(folder / "plates.csv", [
        {"file": f"plate_{number}.csv", "plate": plate, "layout": f"layout_{number}.csv", "lot": f"L{number // 2}",
         "run_date": f"2024-05-{10 + number}"}
        for number, plate in enumerate(PLATE_RATIOS, start=1)
    ])  # fmt: skip
    write_csv(folder / "lod.csv", [
        {"analyte": analyte, "plate": plate, "lower": 0.1, "upper": 5000}
        for analyte in analytes
        for plate in PLATE_RATIOS
    ])  # fmt: skip


def healthy_controls_once(root: Path) -> None:
    """Ten patients twice (MS10 was lost before week 16) and eight healthy people once; fatigue of patients only."""
    generator = np.random.default_rng(106)
    folder = root / "data/healthy_controls_once"
    analytes = {"IL-6": 2.0, "TNF-a": 4.0, "IL-17A": 3.0, "IL-10": 2.5, "MCP-1": 150.0}
    samples, cytokines, fatigue = [], [], []
    people = [("MS", f"MS{number:02d}") for number in range(1, 11)] + [("HC", f"HC{number}") for number in range(1, 9)]
    for number, (group, subject) in enumerate(people):
        own = lognormal(generator, 0.4, len(analytes)) * (ELISA_RATIO_DISEASED if group == "MS" else 1.0)
        for visit in ("V1", "V2") if group == "MS" and subject != "MS10" else ("V1",):
            sample = f"{subject}/{visit}"
            effect = ELISA_RATIO_TREATED if visit == "V2" else 1.0
            values = np.array(list(analytes.values())) * own * effect * lognormal(generator, 0.15, len(analytes))
            concentrations = {f"{name} pg/ml": f"{value:.4g}" for name, value in zip(analytes, values, strict=True)}
            samples.append({
                "sample": sample, "subject": subject, "visit": visit, "group": group, "age": 28 + number,
                "sex": "FM"[number % 2],
            })  # fmt: skip
            cytokines.append({"sample": sample, **concentrations})
            if group == "MS":
                score = 45 + number + generator.integers(-3, 4) - (8 if visit == "V2" else 0)
                fatigue.append({"subject": subject, "visit": visit, "MFIS total": score})
    write_csv(folder / "samples.csv", samples)
    write_csv(folder / "cytokines.csv", cytokines)
    write_csv(folder / "fatigue.csv", fatigue)


WRITERS: dict[str, Callable[[Path], None]] = {
    writer.__name__: writer
    for writer in (
        open_label_msd,
        crossover_five_conditions,
        olink_cohorts,
        flow_alone,
        plates_with_layouts,
        healthy_controls_once,
    )
}

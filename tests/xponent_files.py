"""Composes small xPONENT exports, writes them the ways files are found, and says whether a reading is an honest one."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options, Readout
from cytoshift.study.problem import Problems

ANALYTES = ("IL-6", "TNF-α", "IL-10")
# A, B, C, D, F of FI = A + B/(1 + (x/C)^D)^F
CURVES = {
    "IL-6": (3.0, 9000.0, 350.0, -1.1, 0.9),
    "TNF-α": (-1.5, 7000.0, 120.0, -1.4, 1.0),
    "IL-10": (0.4, 12000.0, 800.0, -0.95, 1.3),
}
TOP = {"IL-6": 4000.0, "TNF-α": 1500.5, "IL-10": 9000.25}
BACKGROUND = {"IL-6": 20.5, "TNF-α": 11.0, "IL-10": 33.25}
STANDARDS = 5
EXACT = ("signal", "net_signal", "beads", "dilution", "expected", "value", "lower", "upper")
REPORTED = ("reported_mean", "reported_cv", "reported_recovery")


@dataclass
class Export:
    """Lines above the results, blocks by name (header first), and the two lines at the end."""

    head: list[list[str]]
    blocks: dict[str, list[list[str]]]
    end: list[list[str]] = field(default_factory=lambda: [["-- CRC --"], ["CRC32: 1A2B3C4D"]])

    def lines(self, order: list[str] | None = None) -> list[list[str]]:
        """Rows of cells of the whole file, blocks in the order given (those not named are left out)."""
        rows = [*self.head]
        for name in self.blocks if order is None else order:
            rows += [["DataType:", name], *self.blocks[name], []]
        return [*rows, *self.end]


def compose(samples: int = 4, dilution: str = "2") -> Export:
    """Two blanks, five four-fold standards, one control and samples, from the curves above; numbers as text.

    The lowest sample is below the lower asymptote and the highest above the upper one, as far as there are samples.
    """
    names = ["Background0", *(f"Standard{level}" for level in range(1, STANDARDS + 1)), "Control1"]
    names += [*(f"P{number:02d} pre" for number in range(1, samples + 1)), "Background0"]
    where = [f"{place + 1}(1,{'ABCDEFGH'[place % 8]}{place // 8 + 1})" for place in range(len(names))]
    expected = {
        f"Standard{level}": {a: TOP[a] / 4 ** (level - 1) for a in ANALYTES} for level in range(1, STANDARDS + 1)
    }
    expected["Control1"] = {a: TOP[a] / 30 for a in ANALYTES}
    cells: dict[str, list[list[str]]] = {name: [] for name in ("Median", "Net MFI", "Count", "Result", "Comments")}
    recovery = []
    for place, (name, location) in enumerate(zip(names, where, strict=True)):
        factor = 1.0 if name.startswith(("Background", "Standard")) else float(dilution)
        row: dict[str, list[str]] = {block: [] for block in (*cells, "% Recovery")}
        for column, analyte in enumerate(ANALYTES):
            net = _net(name, analyte, place, expected, factor)
            result, comment = _result(name, analyte, net, factor)
            row["Median"].append(_text(net + BACKGROUND[analyte]))
            row["Net MFI"].append(_text(net))
            row["Count"].append(str(60 + 7 * place + column))
            row["Result"].append(result)
            row["Comments"].append(comment)
            known = expected.get(name, {}).get(analyte)
            number = known is not None and result[0] not in "<>"
            row["% Recovery"].append(f"{100 * float(result) / known:.2f}" if number else "N/A")
        for block in cells:
            cells[block].append([location, name, *row[block], *([str(400 + place)] if block != "Comments" else [])])
        if name in expected:
            recovery.append([location, name, *row["% Recovery"]])
    return Export(_head(len(names)), _blocks(cells, recovery, expected, names, where, dilution))


def _net(name: str, analyte: str, place: int, expected: dict[str, dict[str, float]], factor: float) -> float:
    low, height, mid, slope, last = CURVES[analyte]
    if name.startswith("Background"):
        return 0.0
    if name in expected:
        concentration = expected[name][analyte] * (1.04 if place % 2 else 0.97) / factor
    else:
        concentration = mid * 2.0 ** (place - 8)
    if name == "P01 pre":
        return round(low - 2.25, 2)
    if name == "P02 pre":
        return round(low + height + 40.5, 2)
    return round(low + height / (1 + (concentration / mid) ** slope) ** last, 2)


def _result(name: str, analyte: str, net: float, factor: float) -> tuple[str, str]:
    low, height, mid, slope, last = CURVES[analyte]
    if name.startswith("Background"):
        return "NaN", ""
    if net <= low:
        return f"< {_text(TOP[analyte] / 4 ** (STANDARDS - 1))}", ""
    if net >= low + height:
        return f"> {_text(TOP[analyte])}", ""
    result = mid * ((height / (net - low)) ** (1 / last) - 1) ** (1 / slope)
    return repr(float(result * factor)), "Extrapolated" if name == "P04 pre" else ""


def _blocks(
    cells: dict[str, list[list[str]]],
    recovery: list[list[str]],
    expected: dict[str, dict[str, float]],
    names: list[str],
    where: list[str],
    dilution: str,
) -> dict[str, list[list[str]]]:
    of_wells = ["Location", "Sample", *ANALYTES]
    plain = ["Analyte:", *ANALYTES]
    beads = ["BeadID:", *(str(12 + column) for column in range(len(ANALYTES)))]
    summaries = {name: row for name, row in zip(names, cells["Result"], strict=True) if not name.startswith("Back")}
    averages = [[name, *("N/A" if cell == "NaN" else cell for cell in row[2:-1])] for name, row in summaries.items()]
    levels = {
        kind: [[name, *map(_text, row.values())] for name, row in expected.items() if name.startswith(kind)]
        for kind in ("Standard", "Control")
    }
    factors = [
        [place, name, "" if name.startswith(("Back", "Stan")) else dilution]
        for place, name in zip(where, names, strict=True)
    ]
    coefficients = [
        [f"Coefficient {letter}", *(_text(CURVES[analyte][place]) for analyte in ANALYTES)]
        for place, letter in enumerate("ABCDF")
    ]
    return {
        "Median": [[*of_wells, "Total Events"], *cells["Median"]],
        "Net MFI": [[*of_wells, "Total Events"], *cells["Net MFI"]],
        "Count": [[*of_wells, "Total Events"], *cells["Count"]],
        "Result": [[*of_wells, "Total Events"], *cells["Result"]],
        "Range": [of_wells, *([*row[:2], "", "", ""] for row in cells["Median"])],
        "Avg Result": [["Sample", *ANALYTES], *averages],
        "%CV Replicates": [["Sample", *ANALYTES], *([name, "", "", ""] for name in summaries)],
        "% Recovery": [of_wells, *recovery],
        "Comments": [of_wells, *cells["Comments"]],
        "Units": [plain, beads, ["Units:", *["pg/mL"] * len(ANALYTES)]],
        "Standard Expected Concentration": [["Reagent", *ANALYTES], *levels["Standard"]],
        "Control Expected Concentration": [["Reagent", *ANALYTES], *levels["Control"]],
        "Per Bead Count": [plain, beads, ["Per Bead:", *["50"] * len(ANALYTES)]],
        "Dilution Factor": [["Location", "Sample", "Dilution Factor"], *factors],
        "Analysis Types": [plain, ["AnalysisType", *["Logistic 5P"] * len(ANALYTES)]],
        "Analysis Coefficients": [plain, *coefficients],
        "R^2": [plain, ["Value", "0.99125", "0.9875", "0.9995"]],
        "Audit Logs": [["UserId", "Date", "Message"]],
        "Warnings/Errors": [["Location", "Status", "Message"], ["1,B1", "Warning", "Sample empty."]],
    }


def _head(wells: int) -> list[list[str]]:
    return [
        ["Program", "xPONENT", "", "MAGPIX"],
        ["Build", "4.2.1324.0"],
        ["Date", "26/02/2024", "16:07"],
        ["Batch", "plate A"],
        ["Operator", "nobody to name"],
        ["BatchStartTime", "28/02/2024 21:44:35"],
        ["ProtocolMicrosphere", "Map", "50 regions", "Type", "MagPlex", "Count", str(len(ANALYTES))],
        ["ProtocolAnalysis", "Type", "Quan", "Mode", "FitOfAllStandards"],
        ["Reagent", "LotName", "LotNumber"],
        *([f"Standard{level}"] for level in range(1, STANDARDS + 1)),
        ["Control1"],
        [],
        ["Samples", str(wells), "Min Events", "50", "Per Bead"],
        ["Results"],
    ]


def _text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(float(number))


def with_decimal_comma(rows: list[list[str]]) -> list[list[str]]:
    """The rows with every number of the blocks written with a decimal comma."""
    start = next(place for place, row in enumerate(rows) if row[:1] == ["DataType:"])
    return rows[:start] + [[_comma(cell) for cell in row] for row in rows[start:]]


def _comma(cell: str) -> str:
    body = cell.lstrip("<> ")
    try:
        float(body)
    except ValueError:
        return cell
    return cell.replace(".", ",")


def with_thousands(rows: list[list[str]], mark: str, decimal: str = ".") -> list[list[str]]:
    """The rows with every number of 1,000 and more in groups of three digits."""
    start = next(place for place, row in enumerate(rows) if row[:1] == ["DataType:"])
    return rows[:start] + [[_grouped(cell, mark, decimal) for cell in row] for row in rows[start:]]


def _grouped(cell: str, mark: str, decimal: str) -> str:
    body = cell.lstrip("<> ")
    try:
        float(body)
    except ValueError:
        return cell
    whole, point, rest = body.partition(".")
    if "e" in body or not whole.isdigit():
        return cell.replace(".", decimal)
    return cell[: len(cell) - len(body)] + f"{int(whole):,}".replace(",", mark) + point.replace(".", decimal) + rest


def write(
    rows: list[list[str]], separator: str = ",", quoted: bool = True, padded: bool = False, line_end: str = "\r\n"
) -> str:
    """The rows as text: every cell quoted, or only those that must be; padded to one width or not."""
    width = max(map(len, rows)) if padded else 0
    lines = []
    for row in rows:
        filled = row + [""] * (width - len(row))
        always = quoted and not (row and row[0].startswith(("-- CRC", "CRC")))
        lines.append(separator.join(f'"{c}"' if always or separator in c else c for c in filled))
    return line_end.join(lines) + line_end


def read(raw: bytes, options: Options | None = None) -> Readout:
    """Read as the pipeline does."""
    return read_instrument(Content("plate.csv", raw), "xponent", options or Options())


def compare(raw: bytes, truth: Readout) -> tuple[str, Readout | Problems]:
    """What reading gives beside the truth: "same", "subset" (with a remark that the truth lacks) or "refused".

    Raises AssertionError for a number that differs, a status that claims more, or a loss that nobody is told of.
    """
    try:
        found = read(raw)
    except Problems as problems:
        lines = str(problems).splitlines()
        assert lines, "a refusal without a reason"
        assert all(line.startswith("plate.csv") and len(line) > 20 for line in lines), lines
        return "refused", problems
    key = ["plate", "well", "analyte"]
    there, whole = found.wells.set_index(key), truth.wells.set_index(key)
    assert there.index.is_unique
    assert there.index.isin(whole.index).all(), "a well or analyte that is not in the file"
    beside = whole.loc[there.index]
    lost = len(there) < len(whole)
    for name in (*EXACT, *REPORTED):
        got, right = there[name].to_numpy(), beside[name].to_numpy()
        given = ~np.isnan(got)
        assert np.array_equal(got[given], right[given]), f"{name} differs"
        lost |= bool((np.isnan(got) & ~np.isnan(right)).any())
    lost |= _check_words(there, beside)
    lost |= _check_curves(found.curves, truth.curves)
    known = {remark.message for remark in truth.remarks}
    fresh = [remark for remark in found.remarks if remark.message not in known]
    assert fresh or not lost, "numbers are missing and no remark says so"
    return ("subset" if lost else "same"), found


def _check_words(there: pd.DataFrame, beside: pd.DataFrame) -> bool:
    status, right = there["status"].to_numpy(), beside["status"].to_numpy()
    weaker = (status == "missing") | ((status == "observed") & (right == "extrapolated"))
    assert ((status == right) | weaker).all(), "a status that the file does not give"
    for name in ("written", "type", "level"):
        assert there[name].tolist() == beside[name].tolist(), f"{name} differs"
    assert ((there["unit"] == beside["unit"]) | (there["unit"] == "")).all()
    return bool((status != right).any() or (there["unit"] != beside["unit"]).any())


def _check_curves(curves: pd.DataFrame, truth: pd.DataFrame) -> bool:
    right = truth.set_index(["plate", "analyte"])
    for row in curves.itertuples(index=False):
        same = right.loc[(row.plate, row.analyte)]
        for name in ("a", "b", "c", "d", "g"):
            assert getattr(row, name) == same[name], f"curve of {row.analyte} differs"
        assert np.isnan(row.r_squared) or row.r_squared == same["r_squared"]
    return len(curves) < len(truth) or bool(curves["r_squared"].isna().any())

"""How does xPONENT write a plate? One file of "DataType:" blocks, as the software exports it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from zlib import crc32

import numpy as np

from cytoshift.simulate.raw import CONTROL, STANDARD, RawPlate

RESULT_DIGITS = 6
FIRST_REGION = 12
COEFFICIENTS = ("A", "B", "C", "D", "F")
SHORT_OF_BEADS = "The acquisition had at least one region that did not reach the specified count."
Rows = list[list[str]]


def write_xponent(raw: RawPlate, batch: str, line_end: str = "\n") -> str:
    """Write one plate as xPONENT 3.1 exports it: a header, then one block per kind of number, then a checksum.

    Results out of range are "< v" and "> v", v being the lowest or highest standard without the dilution factor, as
    the software writes it. "Extrapolated" in the comments means a net signal outside those of the standards.

    Parameters: `raw`, the plate; `batch`, its name in the header; `line_end`. Returns the text of the file.
    """
    blocks = [_header(raw, batch), *_well_blocks(raw), *_average_blocks(raw), *_standard_blocks(raw)]
    text = line_end.join([_text(block, line_end) for block in blocks])
    # The software's own algorithm is not published: this is the CRC-32 of everything above its line.
    return f"{text}{line_end}-- CRC --{line_end}CRC32: {crc32(text.encode()):08X}{line_end}"


def results_as_text(raw: RawPlate) -> np.ndarray:
    """The Result block's cells, wells × analytes: numbers, "< v", "> v", or NaN for blanks."""
    cells = np.array([[_number(value) for value in row] for row in raw.result.tolist()], dtype=object)
    for sign, where, limits in (("<", raw.too_low, raw.stated[-1]), (">", raw.too_high, raw.stated[0])):
        written = np.array([f"{sign} {_number(limit, 12)}" for limit in limits.tolist()], dtype=object)
        cells = np.where(where, written, cells)
    return cells


def _header(raw: RawPlate, batch: str) -> Rows:
    day = date.fromisoformat(raw.plate.run_date)
    run, before = (f"{d.month}/{d.day}/{d.year}" for d in (day, day - timedelta(days=1)))
    reagents = [f"{STANDARD}{i + 1}" for i in range(len(raw.stated))]
    reagents += [f"{CONTROL}{i + 1}" for i in range(len(raw.control_expected))]
    size = raw.assay.plate_rows * raw.assay.plate_columns
    return [
        ["Program", "xPONENT", "", "LX100/LX200"],
        ["Build", "3.1.971.0"],
        ["Date", run, "9:12 AM"],
        [],
        ["SN", "SIMULATED"],
        ["Batch", batch],
        ["Version", "1"],
        ["Operator", ""],
        ["ComputerName", "SIMULATED"],
        ["Country Code", "409"],
        ["ProtocolName", "SIMULATED DATA"],
        ["ProtocolVersion", "1"],
        ["ProtocolDescription", "SIMULATED DATA"],
        ["ProtocolDevelopingCompany", ""],
        ["SampleVolume", "50 uL"],
        ["DDGate", "7500 to 20000"],
        ["SampleTimeout", "60 sec"],
        ["BatchStartTime", f"{run} 9:12:05 AM"],
        ["BatchStopTime", f"{run} 10:03:41 AM"],
        ["BatchDescription", "<None>"],
        ["ProtocolPlate", "Name", f"Current {size}-well plate", "Type", str(size), "Plates", "1"],
        ["ProtocolMicrosphere", "Map", "100 regions", "Type", "MagPlex", "Count", str(len(raw.analytes))],
        ["ProtocolAnalysis", "Type", "Quan", "Mode", "FitOfAllStandards"],
        ["NormBead", "None"],
        ["ProtocolHeater", "Off"],
        [],
        ["Most Recent Calibration and Control Results:"],
        ["Last MagCAL1 Calibration", f"Passed {before} 8:31:10 AM"],
        ["Last CAL2 Calibration", f"Passed {before} 8:32:21 AM"],
        ["Last MagCON1 Verification", f"Passed {before} 8:33:30 AM"],
        ["Last CON2 Verification", f"Passed {before} 8:34:42 AM"],
        [],
        ["AssayLotInfo:"],
        ["KitName", "LotNumber", "ExpirationDate", "Manufacturer"],
        ["SIMULATED", raw.plate.lot, "", ""],
        [],
        ["Reagent", "LotName", "LotNumber", "ExpirationDate", "Manufacturer"],
        *([name, "", "", "", ""] for name in reagents),
        [],
        ["Samples", str(len(raw.wells)), "Min Events", str(raw.assay.min_beads), "Per Bead"],
        [],
        ["Results"],
        [],
    ]


def _well_blocks(raw: RawPlate) -> Iterable[Rows]:
    """Blocks with one row per well; a total of all beads closes the row."""
    events = raw.beads.sum(axis=1).astype(str).tolist()
    empty = np.full(raw.net.shape, "", dtype=object)
    results = results_as_text(raw)
    for name, cells in (
        ("Median", _cells(raw.median, _mfi)),
        ("Net MFI", _cells(raw.net, _mfi)),
        ("Count", _cells(raw.beads, str)),
        ("Result", results),
        ("Range", empty),
    ):
        rows = [
            [*_place(raw, i), *row, total] for i, (row, total) in enumerate(zip(cells.tolist(), events, strict=True))
        ]
        yield [["DataType:", name], ["Location", "Sample", *raw.analytes, "Total Events"], *rows, []]


def _average_blocks(raw: RawPlate) -> Iterable[Rows]:
    """Blocks with one row per sample (replicates averaged), then recoveries and remarks."""
    names = list(dict.fromkeys(raw.samples.tolist()))
    wells = [raw.wells_of(name) for name in names]
    results = results_as_text(raw)
    header = ["Sample", *raw.analytes]
    printed = np.array([[_or_nan(cell) for cell in row] for row in results.tolist()])
    nets = [[_mfi(v) for v in raw.net[w].mean(axis=0)] for w in wells]
    means = [_average(results[w], printed[w]) for w in wells]
    spreads = [_spread(printed[w]) for w in wells]
    for name, rows in (
        ("Avg Net MFI", nets),
        ("Avg Result", means),
        ("Avg Range", [[""] * len(raw.analytes)] * len(names)),
        ("%CV Replicates", spreads),
    ):
        yield [["DataType:", name], header, *([n, *row] for n, row in zip(names, rows, strict=True)), []]
    header = ["Location", "Sample", *raw.analytes]
    known = np.flatnonzero(raw.levels > 0).tolist()
    yield [["DataType:", "% Recovery"], header, *([*_place(raw, i), *_recovery(raw, i, printed)] for i in known), []]
    remarks = _comments(raw, printed)
    yield [["DataType:", "Comments"], header, *([*_place(raw, i), *row] for i, row in enumerate(remarks.tolist())), []]


def _standard_blocks(raw: RawPlate) -> Iterable[Rows]:
    """Blocks about the analytes, the standards and the curves, then what went wrong."""
    header = ["Analyte:", *raw.analytes]
    regions = ["BeadID:", *(str(FIRST_REGION + i) for i in range(len(raw.analytes)))]
    yield [["DataType:", "Units"], header, regions, ["Units:", *["pg/mL"] * len(raw.analytes)], []]
    reagent = ["Reagent", *raw.analytes]
    band = raw.assay.control_band
    for name, kind, values in (
        ("Standard Expected Concentration", STANDARD, raw.stated),
        ("Control Expected Concentration", CONTROL, raw.control_expected),
        ("Control Range - Low", CONTROL, raw.control_expected * (1 - band)),
        ("Control Range - High", CONTROL, raw.control_expected * (1 + band)),
    ):
        rows = [[f"{kind}{i + 1}", *(_fixed(v, 3) for v in row)] for i, row in enumerate(values.tolist())]
        yield [["DataType:", name], reagent, *rows, []]
    wanted = ["Per Bead:", *[str(raw.assay.min_beads)] * len(raw.analytes)]
    yield [["DataType:", "Per Bead Count"], header, regions, wanted, []]
    factors = [
        [*_place(raw, i), _fixed(factor, 3) if kind in ("sample", "control") else ""]
        for i, (factor, kind) in enumerate(zip(raw.dilution.tolist(), raw.kinds.tolist(), strict=True))
    ]
    yield [["DataType:", "Dilution Factor"], ["Location", "Sample", "Dilution Factor"], *factors, []]
    yield [["DataType:", "Analysis Types"], header, ["AnalysisType", *["Logistic 5P"] * len(raw.analytes)], []]
    rows = [
        [f"Coefficient {letter}", *(_number(v, 9) for v in values)]
        for letter, values in zip(COEFFICIENTS, raw.coefficients.tolist(), strict=True)
    ]
    yield [["DataType:", "Analysis Coefficients"], header, *rows, []]
    yield [["DataType:", "R^2"], header, ["Value", *(_number(v) for v in _r_squared(raw).tolist())], []]
    yield [["DataType:", "Audit Logs"], ["UserId", "Date", "Message"], []]
    short = raw.wells[(raw.beads < raw.assay.min_beads).any(axis=1)]
    warnings = [[f"1,{well}", "Warning", SHORT_OF_BEADS] for well in short]
    yield [["DataType:", "Warnings/Errors"], ["Location", "Status", "Message"], *warnings, []]


def _comments(raw: RawPlate, results: np.ndarray) -> np.ndarray:
    """What the software remarks of each well × analyte."""
    remarks = np.full(raw.net.shape, "", dtype=object)
    ends = [raw.net[raw.samples == f"{STANDARD}{i}"].mean(axis=0) for i in (1, len(raw.stated))]
    outside = (raw.net < np.minimum(*ends)) | (raw.net > np.maximum(*ends))
    kinds = raw.kinds[:, None]
    remarks[outside & np.isfinite(results) & np.isin(kinds, ["sample", "standard"])] = "Extrapolated"
    expected = raw.control_expected[np.maximum(raw.levels - 1, 0) % len(raw.control_expected)]
    inside = np.abs(results / expected - 1) <= raw.assay.control_band
    remarks[(kinds == "control") & ~inside] = "Control Failed."
    return remarks


def _recovery(raw: RawPlate, well: int, results: np.ndarray) -> list[str]:
    """100 × result / what the standard or control truly holds, in %."""
    held = raw.expected if raw.kinds[well] == "standard" else raw.control_expected
    percent = 100 * results[well] / held[raw.levels[well] - 1]
    return [f"{v:.2f}" if np.isfinite(v) else "N/A" for v in percent.tolist()]


def _average(cells: np.ndarray, results: np.ndarray) -> list[str]:
    """Mean of the replicates' results; a lone or common "< v" stands for itself, anything else is N/A."""
    means = results.mean(axis=0).tolist()
    same = (cells == cells[0]).all(axis=0)
    return [_number(mean) if np.isfinite(mean) else (cells[0, j] if same[j] else "N/A") for j, mean in enumerate(means)]


def _spread(results: np.ndarray) -> list[str]:
    """100 × SD (n − 1) / mean of the replicates' results."""
    if len(results) < 2:
        return [""] * results.shape[1]
    return [_number(v) for v in (100 * results.std(axis=0, ddof=1) / results.mean(axis=0)).tolist()]


def _r_squared(raw: RawPlate) -> np.ndarray:
    """1 − residual over total sum of squares of the standards' net signals about the instrument's curve."""
    standards = raw.kinds == "standard"
    a, b, c, d, f = raw.coefficients
    net, held = raw.net[standards], raw.expected[raw.levels[standards] - 1]
    residual = ((net - (a + b / (1 + (held / c) ** d) ** f)) ** 2).sum(axis=0)
    return np.asarray(1 - residual / ((net - net.mean(axis=0)) ** 2).sum(axis=0))


def _place(raw: RawPlate, well: int) -> list[str]:
    return [f"{well + 1}(1,{raw.wells[well]})", str(raw.samples[well])]


def _cells(values: np.ndarray, write: Callable[[float], str]) -> np.ndarray:
    return np.array([[write(value) for value in row] for row in values.tolist()], dtype=object)


def _mfi(value: float) -> str:
    return _fixed(value, 3)


def _fixed(value: float, decimals: int) -> str:
    """A number with at most so many decimals."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".rstrip("0").rstrip(".")


def _number(value: float, digits: int = RESULT_DIGITS) -> str:
    """A number with so many significant digits, never in powers of ten; NaN is written so."""
    if not np.isfinite(value):
        return "NaN"
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def _or_nan(cell: str) -> float:
    return float(cell) if cell[0] not in "<>" else float("nan")


def _text(rows: Sequence[Sequence[str]], line_end: str) -> str:
    return line_end.join('"' + '","'.join(row) + '"' if row else "" for row in rows)

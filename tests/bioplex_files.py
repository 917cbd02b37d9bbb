"""Small Bio-Plex Manager exports as a person would get them: workbooks by analyte or by kind, and XML.

Signals are round numbers; concentrations follow from the stated curve by the software's own arithmetic, so that every
check a reader makes of a file holds.
"""

import io
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import xlsxwriter

from cytoshift.intake.instruments.content import Content

HEADINGS = [
    *("Analyte", "Type", "Well", "Description", "FI", "FI - Bkgd", "Std Dev", "%CV", "Obs Conc", "Exp Conc"),
    *("(Obs/Exp) * 100", "Group", "Ratio", "Dilution", "Bead Count", "Sampling Errors"),
]
LEGEND = [
    "Sampling Errors: 1 - Low bead #, 2 - Agg beads, 3 - Classify %, 4 - Region selection, 5 - Platform temperature",
    "***Value not available / --- = Designated as an outlier",
    "*Value extrapolated beyond standard range",
    "OOR = Out of Range / OOR> = Out of Range Above  / OOR< = Out of Range Below",
    "Ratio = Member/Reference",
]
# analyte → A, T, C, D, G of FI = A + (T - A) / ((1 + (Conc / C)^D))^G
CURVES = {"Hu IL-6 (19)": (2.5, 20000.5, 400.25, -1.25, 0.75), "Hu IL-10 (56)": (-3.25, 15000.0, 900.5, -0.75, 1.5)}
BLANK, STANDARDS, SAMPLES = 12.5, (12012.5, 3012.5, 512.5), (2512.5, 96.5, 9.5, None, 14512.5)
_EXPECTED = (1000.0, 100.0, 10.0)


@dataclass
class Sheet:
    """One sheet: its name and its rows; tests change the rows before they are written."""

    name: str
    rows: list[list[object]] = field(default_factory=list)


def concentration(analyte: str, net: float) -> float | None:
    """The concentration a curve gives for a net signal, by hand; None past an asymptote."""
    low, top, middle, slope, power = CURVES[analyte]
    if not low < net < top:
        return None
    return middle * (((top - low) / (net - low)) ** (1 / power) - 1) ** (1 / slope)


def formula(analyte: str) -> str:
    low, top, middle, slope, power = CURVES[analyte]
    sign = f"- {low:g}" if low >= 0 else f"+ {-low:g}"
    return f"Std. Curve: FI = {low:g} + ({top:g} {sign}) / ((1 + (Conc / {middle:g})^{slope:g}))^{power:g}"


def _observed(analyte: str, net: float, dilution: float) -> object:
    found = concentration(analyte, net)
    if found is None:
        return "OOR <" if net < 100 else "OOR >"
    return round(found * dilution, 5)


def _data_rows(analyte: str) -> list[list[object]]:
    rows: list[list[object]] = [
        [analyte, "B", well, "", BLANK, BLANK, "", "", "", "", "", "", "", 1, 101, ""] for well in ("A1", "B1")
    ]
    for number, (signal, expected) in enumerate(zip(STANDARDS, _EXPECTED, strict=True), start=1):
        net = signal - BLANK
        observed = _observed(analyte, net, 1)
        recovery = round(100 * observed / expected, 5) if isinstance(observed, float) else "***"
        row = [analyte, f"S{number}", f"{'CDE'[number - 1]}1", "", signal, net, "", "", observed, expected, recovery]
        rows.append([*row, "", "", 1, 110 + number, ""])
    rows.append([analyte, "C1", "F1", "Control low", 300.5, 288.0, "", "", _observed(analyte, 288.0, 4), 0, "***"])
    rows[-1] += ["", "", 4, 90, ""]
    for number, signal in enumerate(SAMPLES, start=1):
        well = f"{'ABCDE'[number - 1]}2"
        start = [analyte, f"X{number}", well, f"P-{number:02d} V1"]
        if signal is None:
            rows.append([*start, "***", "***", "***", "***", "***", "", "", "", "", 4, 3, "1"])
        else:
            observed = _observed(analyte, signal - BLANK, 4)
            shown = f"*{observed}" if number == 2 else observed
            rows.append([*start, signal, signal - BLANK, "", "", shown, "", "", "", "", 4, 70 + number, ""])
    return rows


def analyte_sheets(analytes: tuple[str, ...] = tuple(CURVES)) -> list[Sheet]:
    """One sheet per analyte: header lines, a table of single wells, legend and curve."""
    sheets = []
    for analyte in analytes:
        rows: list[list[object]] = [
            ["File Name: C:\\Runs\\pilot plate 1.rbx"],
            [f"Analyte: {analyte}"],
            ["Acquisition Date: 25-Mar-2011, 04:12 PM"],
            ["Plate ID: Plate 1"],
            ["RP1 Target: 16357"],
            [],
            list(HEADINGS),
            *_data_rows(analyte),
            [],
            *([line] for line in LEGEND),
            [],
            ["Regression Type: Logistic - 5PL"],
            [formula(analyte)],
            ["FitProb. = 0.2095, ResVar. = 1.4306"],
        ]
        sheets.append(Sheet(analyte, rows))
    return sheets


def pooled_sheet() -> Sheet:
    """One analyte with pooled rows (A2,B2) above the single wells they summarise."""
    analyte = "Hu IL-6 (19)"
    sheet = analyte_sheets((analyte,))[0]
    singles = [
        [analyte, "B", "A1", "", 12.0, 12.0, "", "", "", "", "", "", "", 1, 100, ""],
        [analyte, "B", "B1", "", 13.0, 13.0, "", "", "", "", "", "", "", 1, 100, ""],
        [analyte, "X1", "A2", "P-01 V1", 110.0, 97.5, "", "", _observed(analyte, 97.5, 4), "", "", "", "", 4, 80, ""],
        [analyte, "X1", "B2", "P-01 V1", 114.0, 101.5, "", "", _observed(analyte, 101.5, 4), *[""] * 4, 4, 82, ""],
    ]
    pooled = [
        [analyte, "B", "A1,B1", "", 12.5, 12.5, 0.70711, 5.65685, "", "", "", "", "", 1, "", ""],
        [analyte, "X1", "A2,B2", "P-01 V1", 112.0, 99.5, 2.82843, 2.52538, _observed(analyte, 99.5, 4), *[""] * 4, 4],
    ]
    first = sheet.rows.index(HEADINGS) + 1
    data = len(_data_rows(analyte))
    sheet.rows[first : first + data] = [*pooled, [], [], list(HEADINGS), *singles]
    return sheet


KIND_COLUMNS = {
    "FI": 4,
    "FI - Bkgd": 5,
    "Obs Conc": 8,
    "Exp Conc": 9,
    "Dilution": 13,
    "Bead Count": 14,
}


def kind_sheets(named_above: bool = True) -> list[Sheet]:
    """The same plate with all analytes together: one sheet per kind of number.

    `named_above`: analytes stand in the row above the header, the kind repeated below each; else in the header row.
    """
    tables = {analyte: _data_rows(analyte) for analyte in CURVES}
    sheets = []
    for kind, column in KIND_COLUMNS.items():
        start = [["File Name: C:\\Runs\\pilot plate 1.rbx"], ["Plate ID: Plate 1"], ["RP1 Target: 16357"], []]
        about = ["Type", "Well", "Description"]
        above = [["", "", "", *tables], [*about, *([kind] * len(tables))]]
        header = above if named_above else [[*about, *tables]]
        rows = [
            [*first[1:4], *(table[place][column] for table in tables.values())]
            for place, first in enumerate(next(iter(tables.values())))
        ]
        sheets.append(Sheet(kind, [*start, *header, *rows, [], *([line] for line in LEGEND)]))
    return sheets


def write_workbook(sheets: list[Sheet]) -> bytes:
    """The sheets as XLSX, text as text and numbers as numbers."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            for row, cells in enumerate(sheet.rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        if cell:
                            page.write_string(row, column, cell)
                    elif cell is not None:
                        page.write_number(row, column, cell)
    return target.getvalue()


def workbook(sheets: list[Sheet], path: str = "plate.xlsx") -> Content:
    return Content(path, write_workbook(sheets))


_WELL = '<MemberWell RowNo="{row}" ColNo="{column}" WellNumber="1"><MWAnalytes>{analytes}</MWAnalytes></MemberWell>'


def _xml_entry(tag: str, label: str, description: str, readings: dict[str, list[float]], result: str) -> str:
    """An entry with two wells per analyte; `result` is the concentration of both wells, as ReadError if no number."""
    number = result.replace(".", "").isdecimal()
    flags = f'ReadingOK="{str(number).lower()}" ReadError="{"" if number else escape(result)}" ReadErrorCode="0"'
    stated = "" if tag == "Blank" else f"<MWObsConc {flags}>{result if number else '0.0E+000'}</MWObsConc>"
    analytes, wells = "", ["", ""]
    for region, (name, (first, second)) in enumerate(readings.items(), start=12):
        mean = (first + second) / 2
        spread = abs(first - second) / 2**0.5
        net = mean if tag == "Blank" else mean - 10
        analytes += (
            f'<Analyte RegionNumber="{region}"><AnalyteName>{name}</AnalyteName><ReplicateCount>2</ReplicateCount>'
            f"<RawMean>{mean:.17E}</RawMean><Mean>{net:.17E}</Mean><StdDeviation>{spread:.17E}</StdDeviation>"
            f"<PercentCV>{100 * spread / mean:.17E}</PercentCV>"
            + ("<ExpectedConc>1.5E+002</ExpectedConc>" if tag == "Standard" else "")
            + "</Analyte>"
        )
        for place, signal in enumerate((first, second)):
            wells[place] += (
                f'<MWAnalyte RegionNumber="{region}"><AnalyteName>{name}</AnalyteName>'
                f'<Reading Valid="true" Code="0" OutlierType="None">{signal:.17E}</Reading>{stated}</MWAnalyte>'
            )
    row = {"B": 1, "S1": 2, "C1": 3}.get(label) or 3 + int(label[1:])
    members = "".join(_WELL.format(row=row, column=place + 1, analytes=text) for place, text in enumerate(wells))
    dilution = {"Blank": "", "Standard": "<Dilution>1.0</Dilution>"}.get(tag, "<Dilution>4.0E+000</Dilution>")
    return (
        f"<{tag}><Description>{description}</Description><Label>{label}</Label>{dilution}"
        f"<Analytes>{analytes}</Analytes>\n<MemberWells>{members}</MemberWells></{tag}>\n"
    )


def xml_entries() -> list[str]:
    """Groups of entries: blanks, standards, unknowns; two analytes, two wells each."""

    def readings(signal: float) -> dict[str, list[float]]:
        return {"IL-6": [signal, signal + 4], "IL-10": [signal + 1, signal + 3]}

    return [
        "<Blanks>" + _xml_entry("Blank", "B", "", readings(8.0), "0.0") + "</Blanks>\n",
        "<Standards>" + _xml_entry("Standard", "S1", "", readings(900.0), "151.25") + "</Standards>\n",
        "<Unknowns>"
        + _xml_entry("Unknown", "X1", "P-01 V1", readings(300.0), "41.5")
        + _xml_entry("Unknown", "X2", "P-02 V1", readings(12.0), "OOR <")
        + "</Unknowns>\n",
    ]


INTERPOLATORS = [
    '<Interpolator RegionNumber="12"><AnalyteName>IL-6</AnalyteName><ConcentrationUnits>pg/ml</ConcentrationUnits>'
    '<Regression Type="10">Logistic - 5PL</Regression><EquationErr>Unable to calculate regression</EquationErr>'
    "</Interpolator>\n",
    '<Interpolator RegionNumber="13"><AnalyteName>IL-10</AnalyteName><ConcentrationUnits>pg/ml</ConcentrationUnits>'
    '<Regression Type="10">Logistic - 5PL</Regression><EquationErr>Unable to calculate regression</EquationErr>'
    "</Interpolator>\n",
]


def xml_text(entries: list[str] | None = None, interpolators: list[str] | None = None) -> str:
    """The XML export of the entries."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<bpm:BioPlexManager xmlns:bpm="http://www.Bio-Rad.com/XMLschema/2010/Bio-Plex_5" '
        'BioPlexManagerVersion="6.2.0.175">\n<NativeDocumentName>pilot</NativeDocumentName>\n'
        '<Wells><Well RowNo="4" ColNo="1" WellNo="1"><PlateID>555</PlateID><BeadRegions>'
        '<BeadRegion RegionNumber="12"><RegionCount>60</RegionCount></BeadRegion></BeadRegions></Well></Wells>\n'
        f"<StandardCurves><Interpolators>{''.join(INTERPOLATORS if interpolators is None else interpolators)}"
        f"</Interpolators></StandardCurves>\n<Samples>{''.join(xml_entries() if entries is None else entries)}"
        "</Samples>\n</bpm:BioPlexManager>\n"
    )


def xml(text: str, encoding: str = "utf-8") -> Content:
    return Content("plate.xml", text.encode(encoding))

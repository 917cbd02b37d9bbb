"""What does each plate look like, well by well: does the edge read differently, and did a well miss its volume?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, finding, listed
from cytoshift.frames import conform
from cytoshift.quality.robust import NORMAL_MAD
from cytoshift.quality.rows import LOGARITHMIC_UNITS
from cytoshift.quality.scale import at_limit
from cytoshift.tables import PLATE_MAP

FORMATS = ((8, 12), (16, 24), (32, 48))
FEWEST_ANALYTES = 5
REPLICATE_FACTOR = 1.25  # a pipetting error of a quarter of the volume
REPLICATE_SDS = 5.0
SAME_SIDE = 0.8  # of the analytes
EDGE_FACTOR = 1.05  # in signal, which a curve makes into more in concentration
EDGE_LEVEL = 0.01  # chance of a finding in a study without an edge effect, all plates of a source together
EDGE_DRAWS = 4999
FEWEST_AT_EDGE = 5  # samples whose place differs from that of the samples they are compared with
KEY = ["source", "plate", "well"]


def well_numbers(wells: pd.DataFrame, measurements: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """One row per well × analyte with the number the plate map is drawn from, whatever the files hold.

    `number` is log2 of the raw signal; for a source without signals log2 of the concentration (NPX as it is, a
    non-detect at its limit). `group` names what the well should read alike with: its standard, control or the samples;
    `replicates` its replicate wells. Rows without a well or plate, excluded ones and outliers are left out. `subject`
    is empty for what is no sample of a subject.
    """
    rows = pd.concat([_from_wells(wells), _from_measurements(measurements, wells, samples)], ignore_index=True)
    rows = rows[(rows["well"] != "") & (rows["plate"] != "")].reset_index(drop=True)
    real = samples[samples["type"].isin(["sample", ""])].drop_duplicates("sample").set_index("sample")["subject"]
    rows["subject"] = rows["sample"].map(real).astype("object").fillna("")
    # bridge and pool samples read like each other, not like people
    reference = (rows["type"] == "sample") & (rows["sample"] != "") & ~rows["sample"].isin(real.index)
    rows["type"] = rows["type"].mask(reference, "control")
    named = rows["sample"].where(rows["sample"] != "", rows["written"])
    level = rows["level"].where(rows["level"] != "", rows["written"])
    is_sample = rows["type"] == "sample"
    rows["group"] = rows["type"].where(is_sample | (rows["type"] == "blank"), rows["type"] + " " + level)
    rows["replicates"] = rows["group"].where(~is_sample, "sample " + named)
    return rows


def map_plates(rows: pd.DataFrame) -> pd.DataFrame:
    """The PLATE_MAP table: level, replicate shift, beads and place of every well; `rows` as from `well_numbers`."""
    known = rows[rows["number"].notna()]
    alike = [known[name] for name in ("source", "plate", "analyte", "group")]
    level = known["number"] - known.groupby(alike)["number"].transform("median")
    wells = rows.groupby(KEY, sort=False).agg(
        type=("type", "first"), written=("written", "first"), beads=("beads", "median")
    )
    wells["level"] = level.groupby([known[name] for name in KEY]).median()
    wells["replicate_shift"] = replicate_shifts(known).groupby([known[name] for name in KEY]).median()
    wells = wells.reset_index()
    wells = wells.assign(well=wells["well"].str.split(",")).explode("well", ignore_index=True)  # "A3,A4" are two
    wells["well"] = wells["well"].str.strip()
    places = wells["well"].str.extract(r"^([A-Za-z]{1,2})0*(\d{1,2})$")
    row = places[0].str.upper().map(_row_number, na_action="ignore")
    wells["row"], wells["column"] = row.astype("Int64"), places[1].astype("Int64")
    wells["edge"] = _at_edge(wells)
    order = wells.assign(place=wells.groupby(["source", "plate"], sort=False).ngroup())
    order = order.sort_values(["place", "row", "column", "well"], kind="stable")
    return conform(order[PLATE_MAP.names()], PLATE_MAP)


def replicate_shifts(known: pd.DataFrame) -> pd.Series:
    """log2 number of each row less the mean of its replicate wells on the plate; NaN without any."""
    same = known.groupby(["source", "plate", "analyte", "replicates"])["number"]
    total, count = same.transform("sum"), same.transform("size")
    return known["number"] - (total - known["number"]) / (count - 1).where(count > 1)


def find_replicate_shifts(rows: pd.DataFrame) -> list[Finding]:
    """Find wells that as a whole lie off their replicate: a volume missed, not noise of an analyte.

    `rows` as from `well_numbers`. Per sample the well farthest from the others, by its median over ≥ 5 analytes:
    reported beyond a factor 1.25 and beyond 5 robust SDs of such medians in the source, with ≥ 80 % of the analytes on
    that side. Of two wells nothing says which one is wrong.
    """
    known = rows[rows["number"].notna() & (rows["type"] == "sample")]
    known = known.assign(shift=replicate_shifts(known))
    known = known[known["shift"].notna()]
    if known.empty:
        return []
    of_well = known.groupby([*KEY, "replicates"], sort=False)
    known["same"] = np.sign(known["shift"]) == np.sign(of_well["shift"].transform("median"))
    wells = known.groupby([*KEY, "replicates"], sort=False).agg(
        median=("shift", "median"), size=("shift", "size"), share=("same", "mean"), sample=("sample", "first"),
        written=("written", "first"),
    ).reset_index()  # fmt: skip
    usual = NORMAL_MAD * wells.groupby("source")["median"].transform(lambda shift: shift.abs().median())
    limit = np.maximum(np.log2(REPLICATE_FACTOR), REPLICATE_SDS * usual)
    off = (wells["median"].abs() > limit) & (wells["size"] >= FEWEST_ANALYTES) & (wells["share"] >= SAME_SIDE)
    wells = wells.assign(limit=limit, size_of_shift=wells["median"].abs())[off]
    wells = wells.sort_values("size_of_shift", ascending=False, kind="stable")
    found = []
    for worst in wells.drop_duplicates(["source", "plate", "replicates"]).sort_index().to_dict("records"):
        numbers = {
            "log2_shift": float(worst["median"]),
            "analytes": int(worst["size"]),
            "share_on_that_side": float(worst["share"]),
            "limit": float(worst["limit"]),
        }
        word = "below" if worst["median"] < 0 else "above"
        message = (
            f"{worst['source']}, plate {worst['plate']}: well {worst['well']} of {worst['sample'] or worst['written']} "
            f"reads a factor {2 ** worst['size_of_shift']:.3g} {word} its replicate in {worst['share']:.0%} of "
            f"{worst['size']} analytes: one of them missed its volume."
        )
        sample, plate = str(worst["sample"]), str(worst["plate"])
        found.append(finding("quality", "well_off_its_replicate", message, numbers, sample=sample, plate=plate))
    return found


def find_edge_effects(rows: pd.DataFrame, table: pd.DataFrame, generator: np.random.Generator) -> list[Finding]:
    """Find sources (or single plates) whose samples read higher or lower at the edge of the plate.

    `rows` as from `well_numbers`, `table` as from `map_plates`. Each sample's level and the share of its wells at the
    edge are compared within the subject where it has several samples on the plate, else with the plate's other single
    samples; slope Σxy/Σx², levels cut at 3 robust SDs. The p-value is that of exchanging the places within these
    groups at random: half of EDGE_LEVEL is spent on all plates of a source together, half on single plates. Reported
    beyond a factor 1.05.
    """
    wells = table[(table["type"] == "sample") & table["row"].notna() & table["level"].notna()]
    if wells.empty:
        return []
    about = rows.drop_duplicates(KEY).set_index(KEY)[["sample", "subject", "replicates"]]
    wells = wells.join(about, on=KEY, how="inner")
    wells = wells[wells["subject"] != ""]
    found = []
    for source, part in wells.groupby("source", sort=True):
        of_sample = part.groupby(["plate", "subject", "replicates"], sort=False)
        placed = of_sample.agg(level=("level", "mean"), edge=("edge", "mean")).reset_index()
        found += _edges_of_source(str(source), placed, generator)
    return found


def _edges_of_source(source: str, placed: pd.DataFrame, generator: np.random.Generator) -> list[Finding]:
    repeated = placed.groupby(["plate", "subject"])["level"].transform("size") > 1
    block = pd.factorize(placed["plate"] + "\0" + placed["subject"].where(repeated, ""))[0]
    plate = placed["plate"].to_numpy()
    plates = sorted(set(plate))
    tested = [(listed(plates), np.ones(len(plate), dtype=bool))]
    if len(plates) > 1:
        tested += [(name, plate == name) for name in plates]
    together = False
    found = []
    for name, here in tested:
        allowed = EDGE_LEVEL / 2 if name is tested[0][0] else EDGE_LEVEL / 2 / len(plates)
        level, edge = placed["level"].to_numpy()[here], placed["edge"].to_numpy(dtype=float)[here]
        slope, p_value, moved = _edge_slope(level, edge, block[here], generator)
        if together or p_value > allowed or abs(slope) < np.log2(EDGE_FACTOR) or moved < FEWEST_AT_EDGE:
            continue
        together = name is tested[0][0]
        message = (
            f"{source}, {'plates' if together and len(plates) > 1 else 'plate'} {name}: samples at the edge read "
            f"{2**slope:.3g} times what the others read (median over analytes; p {p_value:.2g}): evaporation or "
            "temperature, unless samples that differ were placed there."
        )
        numbers = {"log2_shift": slope, "p_value": p_value, "samples": int(here.sum()), "of_use": moved}
        where = "" if together and len(plates) > 1 else name
        found.append(finding("quality", "edge_effect", message, numbers, plate=where))
    return found


def _edge_slope(
    level: np.ndarray, edge: np.ndarray, block: np.ndarray, generator: np.random.Generator
) -> tuple[float, float, int]:
    """Slope of level on edge within blocks, its permutation p-value, and how many samples it rests on."""
    order = np.argsort(block, kind="stable")
    level, edge, block = level[order], edge[order], pd.factorize(block[order])[0]
    size = np.bincount(block)
    y = level - (np.bincount(block, level) / size)[block]
    x = edge - (np.bincount(block, edge) / size)[block]
    moved = int((np.abs(x) > 1e-9).sum())
    if not moved:
        return 0.0, 1.0, 0
    reach = 3 * NORMAL_MAD * float(np.median(np.abs(y)))
    y = np.clip(y, -reach, reach)
    observed = float(x @ y)
    exceeding = 1
    for _ in range(0, EDGE_DRAWS, 500):
        # sorting random numbers within blocks permutes each block by itself
        places = np.argsort(block + generator.random((min(500, EDGE_DRAWS), len(x))), axis=1)
        exceeding += int((np.abs(x[places] @ y) >= abs(observed) - 1e-12).sum())
    draws = 500 * len(range(0, EDGE_DRAWS, 500)) + 1
    return observed / float(x @ x), exceeding / draws, moved


def _from_wells(wells: pd.DataFrame) -> pd.DataFrame:
    used = wells[~wells["excluded"].astype(bool) & ~wells["outlier"].astype(bool)]
    number = _log2(used["signal"].to_numpy(dtype=float))
    held = used.assign(number=number)[_COLUMNS]
    without = ~held["number"].notna().groupby(held["source"]).transform("any")
    held.loc[without, "number"] = _of_values(used[without])
    return held


def _from_measurements(measurements: pd.DataFrame, wells: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """The same for sources whose files are plain tables, where only samples have rows."""
    used = measurements[~measurements["source"].isin(set(wells["source"])) & ~measurements["excluded"].astype(bool)]
    references = set(samples.loc[~samples["type"].isin(["sample", ""]), "sample"])
    signal = _log2(used["signal"].to_numpy(dtype=float))
    with_signal = used["signal"].notna().groupby(used["source"]).transform("any").to_numpy(dtype=bool)
    held = used.assign(
        written=used["sample"],
        level=used["sample"],
        type=np.where(used["sample"].isin(references), "control", "sample"),
        number=np.where(with_signal, signal, _of_values(used)),
    )
    return held[_COLUMNS]


_COLUMNS = ["source", "plate", "analyte", "well", "sample", "written", "type", "level", "beads", "number"]


def _of_values(rows: pd.DataFrame) -> np.ndarray:
    numbers = at_limit(rows).astype(float)
    logarithmic = rows["unit"].str.upper().isin(LOGARITHMIC_UNITS).to_numpy(dtype=bool)
    numbers = np.where(logarithmic, numbers, _log2(numbers))
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _log2(numbers: np.ndarray) -> np.ndarray:
    return np.log2(np.where(numbers > 0, numbers, np.nan))


def _row_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _at_edge(wells: pd.DataFrame) -> np.ndarray:
    """First or last row or column of the smallest plate format that holds all wells of the plate."""
    plate = [wells["source"], wells["plate"]]
    rows, columns = (wells[name].astype("float64") for name in ("row", "column"))
    most_rows, most_columns = rows.groupby(plate).transform("max"), columns.groupby(plate).transform("max")
    edge = np.zeros(len(wells), dtype=bool)
    decided = np.zeros(len(wells), dtype=bool)
    for last_row, last_column in FORMATS:
        fits = ((most_rows <= last_row) & (most_columns <= last_column)).to_numpy() & ~decided
        edge |= fits & (rows.isin([1, last_row]) | columns.isin([1, last_column])).to_numpy()
        decided |= fits
    return edge

"""Where a file lists replicate wells one by one and pooled as well, which rows count, and do they agree?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import listed, plural
from cytoshift.intake.instruments.bioplex_checks import half_unit
from cytoshift.intake.instruments.readout import Remark


def drop_pooled(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Remark]]:
    """Keep single wells where the file has them; a pooled row ("G1,H1") counts only where none of its wells has one.

    Parameters: a typed frame. Returns it without the pooled rows that would count twice, their %CV and background
    passed to their wells, and remarks: how many rows were left out and how many agree with their wells' mean and SD
    (n − 1), and which wells of pooled rows have no row of their own.
    """
    pooled = frame["well"].str.contains(",").to_numpy(dtype=bool)
    if not pooled.any() or pooled.all():
        return frame, []
    members = _members(frame, pooled)
    of_one = members.groupby("pool")
    listed_wells = of_one["single"].count()
    summaries = listed_wells.index[listed_wells > 0]
    if not len(summaries):
        return frame, []
    members = members[members["pool"].isin(summaries)]
    remarks = [_agreement(frame, members)]
    kept = int(pooled.sum()) - len(summaries)
    if kept:
        wells = frame.loc[pooled, "well"].drop(index=summaries)
        message = (
            f"{plural(kept, 'pooled row')} without single wells of their own are read as they are: {listed(wells)}"
        )
        remarks.append(Remark("pooled_rows_kept", message, numbers={"rows": kept}))
    absent = members[members["single"].isna()]
    if len(absent):
        names = [f"{analyte} {well}" for analyte, well in zip(absent["analyte"], absent["well"], strict=True)]
        message = (
            f"{plural(len(names), 'well')} of pooled rows have no row of their own and are absent: {listed(names)}"
        )
        remarks.append(Remark("wells_absent", message, numbers={"wells": len(names)}))
    frame = frame.copy()
    told = members.dropna(subset=["single"])
    single, pool = told["single"].to_numpy(dtype=int), told["pool"].to_numpy(dtype=int)
    cv, net, fi = (frame[name].to_numpy(dtype=float).copy() for name in ("cv", "net", "fi"))
    cv[single] = np.where(np.isnan(cv[single]), cv[pool], cv[single])
    background = fi[pool] - net[pool]
    net[single] = np.where(np.isnan(net[single]), fi[single] - background, net[single])
    frame["cv"], frame["net"] = cv, net
    return frame.drop(index=summaries).reset_index(drop=True), remarks


def _members(frame: pd.DataFrame, pooled: np.ndarray) -> pd.DataFrame:
    """One row per pooled row × well: `pool`, plate, analyte, well, and `single`, the row of that well (NaN: none)."""
    keys = ["plate", "analyte", "well"]
    exploded = frame.loc[pooled, keys].assign(pool=np.flatnonzero(pooled))
    exploded = exploded.assign(well=exploded["well"].str.split(",")).explode("well")
    single = frame.loc[~pooled, keys].assign(single=np.flatnonzero(~pooled))
    return exploded.merge(single, on=keys, how="left")


def _agreement(frame: pd.DataFrame, members: pd.DataFrame) -> Remark:
    fi = frame["fi"].to_numpy(dtype=float)
    told = members.dropna(subset=["single"])
    signal = pd.Series(fi[told["single"].to_numpy(dtype=int)], index=told["pool"].to_numpy(dtype=int))
    again = signal.groupby(level=0).agg(["mean", "std", "size"])
    rows = again.index.to_numpy(dtype=int)
    deviation = frame["sd"].to_numpy(dtype=float)
    slack = half_unit(fi) + 1e-9 * np.abs(fi[rows])
    sd_slack = half_unit(deviation[rows]) + half_unit(fi) + 1e-9 * np.abs(fi[rows])
    both_absent = np.isnan(fi[rows]) & again["mean"].isna().to_numpy()
    mean_agrees = int((both_absent | (np.abs(again["mean"].to_numpy() - fi[rows]) <= slack)).sum())
    comparable = np.isfinite(deviation[rows]) & again["std"].notna().to_numpy()
    sd_agrees = int((np.abs(again["std"].to_numpy() - deviation[rows])[comparable] <= sd_slack[comparable]).sum())
    wells = int(again["size"].sum())
    agree = mean_agrees == len(rows) and sd_agrees == int(comparable.sum())
    message = (
        f"{plural(len(rows), 'pooled row')} summarise {plural(wells, 'single well')} that the file also lists: the "
        f"single wells are read, the pooled rows left out; FI is the wells' mean in {mean_agrees} of {len(rows)} and "
        f"Std Dev their standard deviation (n - 1) in {sd_agrees} of {int(comparable.sum())}"
    )
    numbers: dict[str, float | str] = {
        "pooled_rows": len(rows),
        "single_wells": wells,
        "mean_agrees": mean_agrees,
        "sd_agrees": sd_agrees,
        "sd_compared": int(comparable.sum()),
    }
    return Remark("pooled_rows", message, "note" if agree else "warning", "excluded", numbers)

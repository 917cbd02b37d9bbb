"""Which samples have more wells than the others: two samples under one id, perhaps."""

from __future__ import annotations

import pandas as pd

from cytoshift.findings import Finding, finding, listed

FEWEST_SAMPLES = 5  # with fewer nothing is usual
MOST_WITH_MORE = 0.1  # share of the samples; more often it was meant
_NAMED = 5


def find_uneven_wells(values: pd.DataFrame, references: set[str]) -> list[Finding]:
    """Find samples with more wells of an analyte than nearly all others of the source have.

    `values` as from `collapse_replicates`, with the column `wells`; `references` are samples that are on every plate.
    Usual is the median number of wells of the analyte; one sample, or a tenth of them, may have more. Returns one
    finding per source and sample.
    """
    here = values[(values["layer"] == "cytokine") & ~values["sample"].isin(references) & ~values["excluded"]]
    here = here[here["status"] != "missing"]
    of_analyte = here.groupby(["source", "feature"])["wells"]
    usual, samples = of_analyte.transform("median"), of_analyte.transform("size")
    more = here["wells"] > usual
    with_more = more.groupby([here["source"], here["feature"]]).transform("sum")
    uneven = more & (samples >= FEWEST_SAMPLES) & (with_more <= (MOST_WITH_MORE * samples).clip(lower=1))
    found = []
    for (source, sample), part in here.assign(usual=usual)[uneven].groupby(["source", "sample"], sort=False):
        wells, others = int(part["wells"].max()), int(part["usual"].min())
        message = (
            f"{source}: sample {sample} has {wells} wells where nearly all others have {others} "
            f"({listed(part['label'], _NAMED)}): two samples under one id, perhaps."
        )
        numbers = {"wells": wells, "usual": others, "analytes": len(part)}
        found.append(finding("quality", "wells_differ_in_number", message, numbers, sample=str(sample)))
    return found

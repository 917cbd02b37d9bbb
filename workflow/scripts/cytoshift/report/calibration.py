"""Where do the concentrations come from? In words, from the plan and from the curves that were fitted."""

from __future__ import annotations

from cytoshift.report.formats import listing, percent, plural
from cytoshift.report.inputs import ReportTables
from cytoshift.study.study import Study

CLOSE = 0.2  # log2: 15 %
CHOICES = {
    "refit": "from standard curves fitted here",
    "instrument": "the instrument's own",
    "signal": "not computed: the background-subtracted signal is analysed",
}
BACKGROUND = {
    "include": "Blanks entered as standards of concentration 0.",
    "constrain": "The lower asymptote was held at the mean of the blanks.",
    "subtract": "The mean of the blanks was taken from every signal first.",
}
LIMITS = {
    "blanks": "mean + 3 SD of the blanks' signal, SD pooled over plates",
    "lowest_standard": "the lowest standard, for want of blanks",
    "undefined": "undefined, as the blanks' limit lies under the curve",
}


def calibration_words(tables: ReportTables, study: Study) -> str:
    """How concentrations were obtained, and how far they lie from the instrument's own."""
    curves = tables.curves
    counts = curves["concentration"].value_counts()
    where = listing(
        [f"{words} ({plural(int(counts[name]), 'curve')})" for name, words in CHOICES.items() if name in counts]
    )
    said = [f"Concentrations are {where}."]
    if "refit" in counts:
        said += _curve_words(tables, study)
    return " ".join([*said, *_agreement_words(tables)])


def _curve_words(tables: ReportTables, study: Study) -> list[str]:
    fitted = tables.curves[tables.curves["model"] != ""]
    models = fitted["model"].value_counts()
    used = listing([f"{models[name]} × {name.upper()}" for name in ("5pl", "4pl") if name in models])
    kinds = fitted["lod_kind"].value_counts()
    limits = listing([f"{words} ({kinds[name]})" for name, words in LIMITS.items() if name in kinds])
    choices = study.calibrate
    below = "LOD" if study.limits.below == "lod" else "LLOQ"
    left_out = int((~tables.standards["used"].astype(bool) & (tables.standards["type"] == "standard")).sum())
    ends = f"{percent(choices.recovery)} ({percent(choices.recovery_at_ends)} at the ends)"
    return [
        f"Each plate and analyte has its own curve, y = d + (a − d)/(1 + (x/c)^b)^g on the logarithm of the signal "
        f"({used}; 5PL where the data identify its asymmetry).",
        BACKGROUND[choices.background],
        f"LOD: {limits}." if limits else "",
        f"LLOQ to ULOQ is the longest run of standards that read what they hold within {ends}.",
        f"Values under the {below} are non-detects; numbers outside LLOQ to ULOQ are extrapolated.",
        f"{plural(left_out, 'standard well')} left out of the fits, each with its reason." if left_out else "",
    ]


def _agreement_words(tables: ReportTables) -> list[str]:
    known = tables.agreement.dropna(subset=["median_abs_log2_ratio"])
    if known.empty:
        return []
    close, far = int((known["median_abs_log2_ratio"] <= CLOSE).sum()), int((known["explanation"] != "").sum())
    more = f"; {plural(far, 'curve')} with larger differences, explained on the plates' page" if far else ""
    return [
        "Refitted concentrations and the instrument's were compared well by well: for half of the wells they differ by "
        f"at most {CLOSE:g} on the log2 scale in {close} of {plural(len(known), 'curve')}{more}."
    ]

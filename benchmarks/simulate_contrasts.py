"""Do whole contrasts keep their level and coverage where some values are non-detects?

Run in the repository:
`OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_contrasts.py`. About 8 minutes of
processor time on one core. Writes docs/contrasts.md, the same bytes at each run.
"""

import textwrap
from pathlib import Path

from contrasts_cells import COUNTED, INVERTED, STUDIES, simulate
from contrasts_studies import (
    BETWEEN,
    COMPLETE_POWER,
    DOSES,
    KINDS,
    OF_PERIOD,
    PERIOD_EFFECT,
    PRIOR_DF,
    SHARES,
    SIZES,
    WITHIN,
    Kind,
)
from contrasts_tables import BIAS, ERRORS, Cells, kind_table, overall, shares_of, verdict_table
from inference_tables import standard_error, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "contrasts.md"
# Analytes per study without an effect (for sizes) and with one (for power, coverage and bias).
NULL_ANALYTES, MOVED_ANALYTES = 400, 250
MIXED_ANALYTES = 1000
LINE = 120

SIMULATED = """\
# Do whole contrasts keep their promises with non-detects?

Written by `benchmarks/simulate_contrasts.py`; simulated data throughout.

[inference.md](inference.md) looks at the tests of one change. Here a plan goes in and the rows of `shifts.tsv` and the
p-values of the decisions come out: method chosen, intervals formed, orders or arms redistributed as in a study.

## What was simulated

Values are normal on the log2 scale with a variance of {between:g} between subjects and {within:g}
within them, a correlation of {correlation:g}; in crossovers {of_period:g} of the latter belongs to
the period, and each period lies {period:g} above the one before. An analyte has one limit, below
which the stated share of all values of the contrast lie on average, those after an effect included;
non-detects are written with their limit, and the policy is the default one, `censored`. There are
{sizes} subjects in all, as many in each arm, order or dose ({doses} mg).

The effect is a fall, one that Student's t finds in {power:.0f} % of complete studies of that size.
Where subjects are few it is large: of {least} subjects in two arms, most values of the treated
after it are below the limit where 40 % of all are.

A cell has {studies} studies of {null} analytes without and of {moved} with the effect; for the
moderated t of {mixed}, a fifth of them at each share. Analytes are independent of each other and
are the replicates. Those of a study share the subjects, the arms, the orders that the sample sheet
gives and the rearrangements of the exact test, which leaves each p-value exact by itself. Where the
sample sheet gives no order each analyte has orders of its own, drawn for each subject by itself.
For the moderated t variances differ between analytes, like 1 over a χ² of {prior} degrees of
freedom, and the prior is learnt from all analytes of a study.

Monte Carlo standard errors: {size_error:.1f} points for a size of 5 % ({mixed_error:.1f} for the
moderated t), {power_error:.1f} for a power of 50 %, {held_error:.1f} for a coverage of 95 %
({inverted_error:.1f} inverted). **Bold**: a size above 5 %, a coverage below 95 % by more than
{errors:g} of them, or a median more than {bias:g} % off the effect by more than {errors:g} of its
own.

{columns}
## What was promised, and whether it holds

{overall}
{verdicts}
"""
COLUMNS = {
    "size": "percent of analytes without an effect that are rejected at 5 %, two-sided: by the p-value of the row, and "
    "by the exact one that decides in planned families",
    "attainable": "the largest size the exact p can have, from the rearrangements of the first {counted} analytes of a "
    "study",
    "power": "percent of analytes with the effect that are rejected, a row without p-value not being one",
    "coverage": "percent of 95 % intervals, of those given, that hold the effect (one with an open end counts as "
    "given); without an effect it is 100 less the size of the row",
    "coverage, inverted": "the same of the intervals that planned families get, by inverting the sign flips, for the "
    "first {inverted} analytes of a study; in brackets the percent bounded on both sides, where not all are",
    "median": "by how much the median estimate is larger than the effect, in percent of it; a row without estimate "
    "whose interval is open at one end counts as farther that way than all others",
    "no estimate, no p-value": "percent of the rows of analytes with the effect",
    "how": "methods of the rows",
}
ROWS = "## {title}\n\nExact p by {words}.\n\n{table}"


def simulate_cells() -> Cells:
    """Every kind of contrast at every size and share, without and with an effect."""
    cells: Cells = {}
    for kind in KINDS:
        for n in SIZES:
            for moved in (False, True):
                for share in (None,) if kind.mixed else SHARES:
                    analytes = MIXED_ANALYTES if kind.mixed else MOVED_ANALYTES if moved else NULL_ANALYTES
                    cell = simulate(kind, n, share, moved=moved, features=analytes)
                    for part in shares_of(kind) if share is None else (share,):
                        cells[kind.name, n, part, moved] = cell.part(part) if share is None else cell
        print(kind.name, flush=True)
    return cells


def page(cells: Cells) -> str:
    """The whole page."""
    of_kind = MIXED_ANALYTES // len(shares_of(KINDS[0]))
    head = SIMULATED.format(
        between=BETWEEN, within=WITHIN, correlation=BETWEEN / (BETWEEN + WITHIN), of_period=OF_PERIOD,
        period=PERIOD_EFFECT, sizes=" or ".join(map(str, SIZES)), doses=", ".join(f"{dose:g}" for dose in DOSES),
        power=100 * COMPLETE_POWER, least=SIZES[0], studies=STUDIES, null=NULL_ANALYTES, moved=MOVED_ANALYTES,
        mixed=f"{MIXED_ANALYTES:,}", prior=PRIOR_DF, errors=ERRORS, bias=BIAS,
        size_error=standard_error(5, STUDIES * NULL_ANALYTES), mixed_error=standard_error(5, STUDIES * of_kind),
        power_error=standard_error(50, STUDIES * MOVED_ANALYTES),
        held_error=standard_error(95, STUDIES * MOVED_ANALYTES), inverted_error=standard_error(95, STUDIES * INVERTED),
        columns=table(["column", "what it is"], COLUMNS.items()).format(counted=COUNTED, inverted=INVERTED),
        overall=overall(cells), verdicts=verdict_table(cells),
    )  # fmt: skip
    return _filled(head) + "\n" + "\n".join(_section(cells, kind) for kind in KINDS)


def _section(cells: Cells, kind: Kind) -> str:
    words = _rearranged(*(cells[kind.name, n, shares_of(kind)[-1], False].words for n in SIZES))
    return ROWS.format(title=kind.title, words=words, table=kind_table(cells, kind))


def _filled(text: str) -> str:
    """Paragraphs as lines of up to 120 characters; headings and tables as they are."""
    parts = text.split("\n\n")
    return "\n\n".join(
        part if part.startswith(("#", "|")) else textwrap.fill(part, LINE, break_on_hyphens=False) for part in parts
    )


def _rearranged(few: str, many: str) -> str:
    if few == many:
        return few
    drawn = many.removesuffix(few).strip()
    return f"{few}; {drawn} ones at {SIZES[1]} subjects" if many.endswith(few) else f"{few}, or {many}"


def main() -> None:
    """Run everything; write the page."""
    PAGE.write_text(page(simulate_cells()), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The words of docs/inference.md around the simulated tables."""

from collections.abc import Callable

from inference_claims import claims_table
from inference_families import ANALYTES, MAX_T, STUDIES, UNADJUSTED, Family
from inference_methods import DRAWS, FITTED_STUDIES, INVERTED_STUDIES
from inference_studies import CELL_STUDIES, CLOSE, COMPLETE_POWER, HEAVY, MIDDLE, SIZES, Scenario
from inference_tables import (
    Cells,
    attained_sizes,
    broken_table,
    calibration_table,
    cost_table,
    coverage_table,
    family_range,
    family_table,
    flag_table,
    power_table,
    signed,
    size_table,
)

SIMULATED = """\
# Which test for a few pairs with non-detects?

Written by `benchmarks/simulate_shift.py`; simulated data throughout.

Six to 24 subjects are measured before and after, and some values are below the limit. Which tests keep their level,
which intervals hold the truth, and which of those find the most? The short answer is at the
[end](#when-to-use-which).

## What was simulated

A pair is bivariate normal on the log2 scale with an SD of 1 between subjects: log-normal concentrations that differ
about twofold. One limit holds for all values and lies where the stated share of all values, both visits together, is
below it. Half the limit is then 1 SD below it, a favourable place for substitution (the truth is on average 0.6 to
0.8 SD below); the columns of LOD/√2 are also those of LOD/2 for an analyte with twice the spread. *Correlation* is
that of a subject's two values. *Heavy tails*: bivariate t with 3 degrees of freedom. *Unequal spread*: the SD of the
target visit is 1.5 and the means are equal. *Unequal limits*: the target's limit is 0.8 log2 units above the
reference's, as on another plate, and nothing changed.

The effect at n pairs is the one that the paired t finds in {power:.0f} % of complete studies of that size: {effects}
log2 units at 6, 8, 12 and 24 pairs and correlation 0.5; with heavy tails it is 1.4 times as large.

A cell is one scenario, n and share, without or with the effect. It has {cell:,} studies, the same ones for every
method; the calibrated likelihood ratio is fitted to the first {fitted:,} of them, and intervals by inverting the sign
flips are found for the first {inverted}. All tests are two-sided at 5 %. A study in which a method gives no p-value
counts as not rejected. Monte Carlo standard errors: 0.3 points for a size of 5 % ({fitted_error:.1f} for the
likelihood ratio), 0.8 (1.1) for a power of 50 %.

| name | what it is |
| --- | --- |
| calibrated LR | censored bivariate normal fit; t = √(ν(exp(W/n) − 1)) from its likelihood ratio W |
| censored t | Student's t of the scores of the fit without a change; a pair below the limit twice counts as half |
| score sign flips | all sign patterns of these scores ({draws:,} random ones at 24 pairs): exact; used in families |
| sign flips, LOD/2 | sign flips of the changes with LOD/2 in place of non-detects: exact |
| signed rank, LOD/2 | Wilcoxon signed rank of the same changes, exact with ties and Pratt's zeros |
| sign test | exact binomial test of the pairs whose order is known, non-detects included where they can be ordered |
| McNemar | exact test of detection only |
| t, LOD/2 and t, LOD/√2 | paired t with the substituted values |
| t, complete pairs | paired t of the pairs observed at both visits |

"Exact" means that the null hypothesis "the two visits are exchangeable" is rejected with at most 5 % probability at
every n, share of non-detects and distribution, not only in the cells below.

"""

VERDICTS = """\
## What was promised, and whether it holds

The promises were made before the simulation, for log-normal data (correlations 0.5, 0.8 and 0.9). "At equal size"
compares powers at the p-value that 5 % of the studies without an effect reach, so that neither method gains by
rejecting too often or loses by rejecting too rarely.

{claims}
The score sign flips are not below another exact test in any cell. The promise that the price of exactness is shown is
kept under [what exactness costs](#what-exactness-costs).

![Power, size, coverage and family-wise error](inference.png)

*How to read it. Upper row: power at correlation 0.5, a panel for each number of pairs; hollow markers rest on LOD/2.
At 6 pairs all exact tests but McNemar's are the same test. From 12 pairs on exact tests meet the others up to 40 %
non-detects; below that they pay for being exact. Lower row: every dot is one cell, the lines of dots within a band
are 6, 8, 12 and 24 pairs from top to bottom, at all shares of non-detects (size: correlations 0.5 and 0.8 and heavy
tails; coverage: correlation 0.5; families: none moved, and 8 of 20). A sound test has its dots left of the line at 5
% or scattered about it, a sound interval right of the line at 95 % or about it. Dots far left of 5 % are power given
away.*

"""

SIZE = """\
## Size

Percent of studies without a change that are rejected. *Attainable* is the largest size the sign flips can have: with
m informative pairs p-values are multiples of 2^(1−m), and pairs below the limit twice say nothing. Over the {cells}
cells at correlations 0.5, 0.8 and 0.9 and with heavy tails the simulated size lies between {low} and {high} standard
errors of it. **Bold**: above 5 % by more than 3 standard errors.

### Log-normal, correlation 0.5

{middle}
### Log-normal, correlation 0.8

{close}
### Heavy tails

{heavy}
"""

FAMILIES = """\
## Families of {analytes} analytes

{studies:,} studies of {analytes} analytes, correlated 0.5 with each other within a visit, five analytes at each of 0,
20, 40 and 60 % non-detects; in the studies with an effect eight of them moved, two at each share. FWER: percent of
studies with at least one false claim among the analytes that did not move. FDR: mean percent of false claims among
the claims; Benjamini–Hochberg (BH) promises the FDR, the others the FWER. *Found of the 8*: percent of the moved
analytes that are claimed; *any found*: of studies that claim at least one of them. The global test asks whether the
{analytes} moved upwards together, here diluted by twelve that did not.

{table}
Step-down max-T stays between {low:.1f} and {high:.1f} % (standard error 0.5); without adjustment up to {bare:.0f} %
of the studies make a false claim. At 6 and 8 pairs Holm on exact p-values can never reject: the smallest p-value
times {analytes} exceeds 5 %. Max-T flips all analytes together and can, because the analytes reach their extremes
under the same flips; from 8 pairs on it finds more than Holm on any of the p-values.

"""

COVERAGE = """\
## Coverage

Percent of 95 % intervals that hold the effect, of the intervals given; in brackets the percent of studies with an
interval bounded on both sides, where not all are. Correlation 0.5.

{table}
Standard errors are about 0.5 for the profile interval, 1.1 for the inverted flips and 0.35 for the others. An
interval that is unbounded on one side or both counts as given. The inverted flips hold 95 % throughout, at a price:
for every hypothetical shift both members of a pair are judged by the larger of their shifted limits, so that the
farther the shift, the fewer pairs are left to reject it. Both ends exist only where few values are below the limit.
The estimates from substitution are biased towards no change: with 60 % non-detects the interval of t on LOD/2 holds
the effect in 90 % of studies, that on LOD/√2 in less than 70 %. Complete pairs are those with high values at both
visits; their mean change is biased towards no change as soon as values are below the limit.

"""

POWER = """\
## Power

Percent of studies with the effect that are rejected.

### Log-normal, correlation 0.5

{middle}
### Log-normal, correlation 0.8

{close}
### Heavy tails

{heavy}
The fit uses what the partner of a non-detect says, which substitution throws away: at correlation 0.8 the calibrated
likelihood ratio finds at least as much as t on LOD/2 in every cell with non-detects, and several points more at 6 and
8 pairs with 40 % non-detects and more. With heavy tails at 24 pairs ranks find more than any mean does, as they
should; that p-value and the Hodges–Lehmann estimate stand beside the row for this reason.

"""

COST = """\
## What exactness costs

*Informative pairs*: mean number of pairs with a score. *Cannot reject*: studies with an effect whose smallest
possible p-value is above 5 %. Powers in percent, on the studies of the likelihood ratio, correlation 0.5.

{table}
At 6 pairs the smallest p-value is 1/32: all six changes must agree in sign, and one pair below the limit twice makes
a rejection impossible. At 7 it is 1/64, at 8 1/128, so one or two pairs may be uninformative; five pairs can never
reject. The calibrated likelihood ratio buys its power at these sizes with the assumption of normality and a size that
is near 5 % rather than guaranteed. At 12 pairs up to 40 % non-detects, and at 24 pairs, the price is within 2 points.

"""

MEANING = """\
## What exact does not mean

Percent of studies rejected in which the mean did not change and something else did.

{table}
The flips test exchangeability. Without non-detects unequal spread leaves the changes symmetric and the size as it
was. With non-detects a larger spread at one visit puts more of its values above the limit, or more below it, and
every test rejects the more often, the more pairs there are: a correct rejection of exchangeability that says nothing
of the mean. Unequal limits break the substituting tests where many values are below, complete pairs, and most of all
detection; the scores judge both members of a pair by the larger of their limits and stay exact, and the likelihood
takes each limit as it is.

For this reason a fit with a spread for each visit stands beside each row, and the row says "the distribution changed;
direction not established" where that fit prefers unequal spread (p < 0.1) or its estimate has the other sign. Percent
of rows so flagged, with equal spread; *claims* are rows with p ≤ 0.05:

{flags}
On rows near zero either sign of the estimate means nothing, so the sign rule counts only where p ≤ 0.05; on every row
it would put the flag on up to a third of all rows. The spread rule flags about one row in ten by construction. Of the
claims under unequal spread the flag catches the share in the last column, not all of them: a few pairs cannot tell a
change of spread from a change of mean.

"""

CALIBRATION = """\
## How many pairs the likelihood ratio counts

The calibration takes n pairs. A pair with both values below the limit is less than a pair: counted in full, the test
rejects too often when visits are highly correlated; not counted, it gives power away when they are not. Counting it
as 1 − ρ̂² of a pair, the share of a value that its partner does not explain, does neither. Where the likelihood has
no maximum (few pairs known at both visits) the p-value is that of the censored t, without estimate or interval.
Without non-detects all are the paired t. Cells with non-detects:

{table}
"""

ADVICE = """\
## When to use which

- **One analyte, an estimate and an interval**: the calibrated likelihood ratio with its profile interval, at every n;
  above 40 % non-detects the row says "approximate", and at 6 to 8 pairs the interval is often open at one end.
- **A confirmatory claim at 12 pairs or more**: the score sign flips. Exact, and hardly anything is
  lost up to 40 % non-detects.
- **A confirmatory claim at 6 to 8 pairs**: the flips only when few values are below the limit, and for a family with
  max-T or a global endpoint rather than one analyte; otherwise the calibrated likelihood ratio, saying that it is not
  exact. At 5 pairs no exact test can reject.
- **Families**: step-down max-T on the scores. Holm on exact p-values has no power at 8 pairs or fewer.
- **Heavy tails or a far outlier**: the signed rank, as a check beside the row.
- **Limits that differ between visits**: the scores or the fit; neither substitution nor detection.
- **Mostly below the limit (60 % and more)**: test detection, as a claim of its own where one limit holds; expect little
  from fewer than 24 pairs.
- **Never**: complete pairs. Biased, and with little power.
"""


def page(cells: Cells, families: dict[tuple[int, bool], Family]) -> str:
    """The whole page."""
    effects = ", ".join(f"{MIDDLE.shift(n):.2f}" for n in SIZES[:-1]) + f" and {MIDDLE.shift(SIZES[-1]):.2f}"
    low, high = family_range(families, MAX_T)
    return "".join(
        [
            SIMULATED.format(
                power=100 * COMPLETE_POWER,
                effects=effects,
                cell=CELL_STUDIES,
                fitted=FITTED_STUDIES,
                inverted=INVERTED_STUDIES,
                fitted_error=100 * (0.05 * 0.95 / FITTED_STUDIES) ** 0.5,
                draws=DRAWS,
            ),
            VERDICTS.format(claims=claims_table(cells)),
            SIZE.format(**_tables(size_table, cells), **_attained(cells)),
            FAMILIES.format(
                analytes=ANALYTES,
                studies=STUDIES,
                table=family_table(families),
                low=low,
                high=high,
                bare=family_range(families, UNADJUSTED)[1],
            ),
            COVERAGE.format(table=coverage_table(cells)),
            POWER.format(**_tables(power_table, cells)),
            COST.format(table=cost_table(cells)),
            MEANING.format(table=broken_table(cells), flags=flag_table(cells)),
            CALIBRATION.format(table=calibration_table(cells)),
            ADVICE,
        ]
    )


def _tables(make: Callable[[Cells, Scenario], str], cells: Cells) -> dict[str, str]:
    return {"middle": make(cells, MIDDLE), "close": make(cells, CLOSE), "heavy": make(cells, HEAVY)}


def _attained(cells: Cells) -> dict[str, str]:
    """How far the simulated size of the sign flips lies from the attainable one, in standard errors."""
    distances = attained_sizes(cells)
    return {"cells": str(len(distances)), "low": signed(min(distances)), "high": signed(max(distances))}

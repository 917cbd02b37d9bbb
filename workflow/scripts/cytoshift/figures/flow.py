"""Who was measured, and who was lost on the way to each comparison?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from cytoshift.figures.series import arms_in, people
from cytoshift.figures.sheet import MARGIN, Sheet, draw_empty
from cytoshift.figures.theme import DOUBLE, GREY, LABEL, PALE, SMALL, fit, style, wrap
from cytoshift.figures.words import arm_label, contrast_label, planned_contrasts, visit_label
from cytoshift.study.study import FigurePlan

LINE, PAD, GAP = 0.135, 0.08, 0.2


@dataclass(frozen=True)
class Tally:
    """What became of a contrast: subjects used by arm, range of pairs over features, and lost subjects by reason."""

    contrast: str
    used: dict[str, int]
    fewest: int
    most: int
    lost: dict[str, int]


def draw(samples: pd.DataFrame, pairs: pd.DataFrame, plan: FigurePlan, limit: int = 12) -> Iterator[tuple[str, Figure]]:
    """One figure `flow`: boxes from subjects through samples by visit to the pairs of each contrast.

    samples: the table, with `kept` where quality left samples out; pairs: the table; limit: contrasts
    shown, planned ones first.
    """
    every = samples[samples["type"].isin(["sample", ""])]
    if every.empty:
        yield "flow", draw_empty(plan, "From subjects to pairs", "The study has no samples.")
    else:
        tallies = [tally for contrast in planned_contrasts(plan) if (tally := count_pairs(pairs, contrast))]
        yield "flow", _figure(every, tallies, plan, limit)


def count_pairs(pairs: pd.DataFrame, contrast: str) -> Tally | None:
    """One contrast's pairs: a subject is used when any feature uses it, else lost with its commonest reason."""
    mine = pairs[pairs["contrast"] == contrast]
    if mine.empty:
        return None
    flag = mine["used"].astype(bool)
    used = mine[flag].drop_duplicates("subject")
    lost = mine[~mine["subject"].isin(used["subject"])]
    reason = lost["reason"].where(lost["reason"] != "", "no reason given")
    commonest = reason.groupby(lost["subject"]).agg(lambda given: given.value_counts(sort=True).index[0])
    per_feature = flag.groupby(mine["feature"]).sum()
    counts = {str(key): int(value) for key, value in commonest.value_counts().sort_index().items()}
    return Tally(
        contrast,
        {str(arm): int(n) for arm, n in used["arm"].value_counts().sort_index().items()},
        int(per_feature.min()), int(per_feature.max()),
        dict(sorted(counts.items(), key=lambda item: -item[1])),
    )  # fmt: skip


def _arm_lines(samples: pd.DataFrame, plan: FigurePlan, arm: str) -> list[str]:
    mine = samples[samples["arm"] == arm]
    kept = people(mine)
    lines = [f"{mine['subject'].nunique()} subjects", f"{len(mine)} samples"]
    counts = mine["visit"].value_counts()
    lines += [f"{visit_label(plan, visit.id)}: {counts[visit.id]}" for visit in plan.visits if visit.id in counts]
    if len(kept) < len(mine):
        lines.append(f"left out by quality: {len(mine) - len(kept)}")
    return lines


def _pair_lines(tally: Tally, plan: FigurePlan, inches: float) -> list[str]:
    by_arm = ", ".join(f"{arm_label(plan, arm)} {count}" if arm else f"{count}" for arm, count in tally.used.items())
    spread = f"{tally.fewest}" if tally.fewest == tally.most else f"{tally.fewest} to {tally.most}"
    lines = wrap(f"subjects used: {by_arm or 'none'}; per feature {spread}", inches, lines=2)
    if tally.lost:
        reasons = "; ".join(f"{count} {reason}" for reason, count in tally.lost.items())
        lines += wrap(f"lost: {sum(tally.lost.values())} ({reasons})", inches, lines=3)
    return lines


@style()
def _figure(samples: pd.DataFrame, tallies: list[Tally], plan: FigurePlan, limit: int) -> Figure:
    arms = arms_in(plan, list(samples["arm"]))
    columns = min(len(arms), 5)
    inner = DOUBLE - 2 * MARGIN
    gap = GAP if columns < 4 else 0.1
    wide = (inner - gap * (columns - 1)) / columns
    blocks = [_arm_lines(samples, plan, arm) for arm in arms]
    rows = [range(start, min(start + columns, len(arms))) for start in range(0, len(arms), columns)]
    arm_heights = [2 * PAD + LINE * (1 + max(len(blocks[index]) for index in row)) + 0.02 for row in rows]
    pairs = [(tally, _pair_lines(tally, plan, inner - 2 * PAD)) for tally in tallies[:limit]]
    pair_heights = [2 * PAD + LINE * (1 + len(lines)) + 0.02 for _, lines in pairs]
    head = 2 * PAD + LINE
    height = head + GAP + sum(arm_heights) + 0.1 * (len(rows) - 1) + GAP + sum(pair_heights) + 0.06 * len(pairs)
    more = len(tallies) - len(pairs)
    notes = [f"… and {more} more: see the table of pairs that could not be used."] if more else []
    notes.append("A subject is used when at least one feature has a pair; single features may have fewer.")
    sheet = Sheet(plan, "From subjects to pairs", height, notes=notes)
    top = height - head
    _box(sheet, MARGIN + inner / 4, top, inner / 2, head,
         f"{samples['subject'].nunique()} subjects, {len(samples)} samples", [])  # fmt: skip
    for row, block_height in zip(rows, arm_heights, strict=True):
        start, top = top, top - (GAP if row.start == 0 else 0.1) - block_height
        for index in row:
            left = MARGIN + (wide + gap) * (index - row.start)
            if row.start == 0:
                _join(sheet, (DOUBLE / 2, start), (left + wide / 2, top + block_height))
            _box(sheet, left, top, wide, block_height, arm_label(plan, arms[index]), blocks[index])
    for number, ((tally, lines), block_height) in enumerate(zip(pairs, pair_heights, strict=True)):
        if number == 0:
            _join(sheet, (DOUBLE / 2, top), (DOUBLE / 2, top - GAP))
        top -= (GAP if number == 0 else 0.06) + block_height
        _box(sheet, MARGIN, top, inner, block_height, contrast_label(plan, tally.contrast), lines, PALE)
    return sheet.figure


def _box(
    sheet: Sheet,
    left: float,
    bottom: float,
    wide: float,
    high: float,
    title: str,
    lines: list[str],
    face: str = "white",
) -> None:
    sheet.add(Rectangle((left, bottom), wide, high, facecolor=face, edgecolor=GREY, linewidth=0.8))
    level = bottom + high - PAD - 0.1
    sheet.text(left + PAD, level, fit(title, wide - 2 * PAD, LABEL, bold=True), LABEL, fontweight="bold")
    for number, line in enumerate(lines):
        sheet.text(left + PAD, level - LINE * (number + 1) - 0.01, fit(line, wide - 2 * PAD), SMALL)


def _join(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    bend = (start[1] + end[1]) / 2 + 0.02
    sheet.add(Line2D([start[0], start[0], end[0], end[0]], [start[1], bend, bend, end[1]], color=GREY, linewidth=0.8))
    sheet.add(Line2D([end[0]], [end[1] + 0.03], marker="v", color=GREY, markersize=4, markeredgewidth=0))

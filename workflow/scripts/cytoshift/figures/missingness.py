"""Where are the gaps and the non-detects, and do they cluster in an arm, a visit or a marker?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from cytoshift.figures.series import arms_in, natural, people
from cytoshift.figures.sheet import MARGIN, Entry, Sheet, draw_empty
from cytoshift.figures.theme import DOUBLE, GREY, LABEL, LIGHT, SMALL, STATUS_COLOURS, fit, style, text_width
from cytoshift.figures.words import arm_label, feature_labels, visit_label
from cytoshift.study.study import FigurePlan

LEFT, SHARE, GAP, ROW = 1.35, 0.95, 0.06, 0.13
ORDER = tuple(STATUS_COLOURS)


def draw(
    values: pd.DataFrame, samples: pd.DataFrame, plan: FigurePlan, limit: int = 70
) -> Iterator[tuple[str, Figure]]:
    """One figure `missingness`: features × samples by status, with each feature's shares beside it.

    values: after quality, with `excluded`; samples: the table; limit: features shown, those least often observed first
    chosen. A sample without a row for a feature counts as missing there.
    """
    who = people(samples)
    mine = values[values["sample"].isin(who["sample"])]
    if mine.empty:
        yield "missingness", draw_empty(plan, "Non-detects and gaps", "No sample has any value.")
    else:
        yield "missingness", _figure(status_matrix(mine, who, plan), who, feature_labels(mine), plan, limit)


def status_matrix(values: pd.DataFrame, samples: pd.DataFrame, plan: FigurePlan) -> pd.DataFrame:
    """Features × samples: the position of each status in ORDER; samples by arm, subject and visit in plan order."""
    visits = {visit.id: index for index, visit in enumerate(plan.visits)}
    arms = arms_in(plan, list(samples["arm"]))
    who = zip(*(samples[column].astype(str) for column in ("arm", "subject", "visit", "sample")), strict=True)
    order = [
        sample
        for *_, sample in sorted(
            who, key=lambda row: (arms.index(row[0]), natural(row[1]), visits.get(row[2], len(visits)), row[3])
        )
    ]
    status = values["status"].where(values["status"] != "", "missing")
    code = status.where(~values["excluded"].astype(bool), "excluded").map({s: i for i, s in enumerate(ORDER)})
    codes = values.assign(code=code).drop_duplicates(["feature", "sample"])
    table = codes.set_index(["feature", "sample"])["code"].unstack()  # noqa: PD010 -- every key occurs once
    known = values["feature"].drop_duplicates()
    return table.reindex(index=known, columns=order).fillna(ORDER.index("missing")).astype(int)


@style()
def _figure(table: pd.DataFrame, samples: pd.DataFrame, labels: object, plan: FigurePlan, limit: int) -> Figure:
    total = len(table)
    affected = (table.to_numpy() != 0).mean(axis=1)
    if total > limit:
        table = table.iloc[np.sort(np.argsort(-affected, kind="stable")[:limit])]
    codes = table.to_numpy()
    present = [index for index in range(len(ORDER)) if index == 0 or (codes == index).any()]
    legend = [
        Entry(STATUS_COLOURS[ORDER[index]][0], patch={"facecolor": STATUS_COLOURS[ORDER[index]][1]})
        for index in present
    ]
    high = ROW * len(table)
    notes = [f"{table.shape[1]} samples, by arm, then subject, then visit (dark to light above the map)."]
    if total > limit:
        notes.append(f"{limit} of {total} features: those least often observed.")
    sheet = Sheet(plan, "Non-detects and gaps", high + 0.72, legend=legend, notes=notes)
    for index, feature in enumerate(table.index):
        level = 0.32 + high - ROW * (index + 0.5) - 0.035
        sheet.text(LEFT - 0.06, level, fit(labels[feature], LEFT - MARGIN - 0.08), ha="right")  # type: ignore[index]
    _map(sheet, table, samples, plan, high)
    _shares(sheet, codes, high)
    return sheet.figure


def _map(sheet: Sheet, table: pd.DataFrame, samples: pd.DataFrame, plan: FigurePlan, high: float) -> None:
    palette = (np.array([to_rgba(STATUS_COLOURS[status][1]) for status in ORDER]) * 255).round().astype(np.uint8)
    facts = samples.drop_duplicates("sample").set_index("sample").reindex(table.columns)
    arms = arms_in(plan, list(facts["arm"]))
    room = DOUBLE - LEFT - SHARE - 2 * MARGIN - 0.12 - GAP * (len(arms) - 1)
    visits = [visit.id for visit in plan.visits if visit.id in set(facts["visit"])]
    left = LEFT
    for arm in arms:
        mine = (facts["arm"] == arm).to_numpy()
        wide = room * mine.sum() / len(facts)
        axes = sheet.axes(left, 0.32, wide, high)
        axes.imshow(palette[table.to_numpy()[:, mine]], aspect="auto", interpolation="none")
        # White hairlines keep the rows apart.
        axes.hlines(np.arange(0.5, len(table) - 1), -0.5, mine.sum() - 0.5, color="white", linewidth=0.6)
        axes.set_axis_off()
        shade = facts.loc[mine, "visit"].map({v: i for i, v in enumerate(visits)}).fillna(0).to_numpy(dtype=float)
        grey = (60 + 170 * shade / max(len(visits) - 1, 1)).astype(np.uint8)
        strip = sheet.axes(left, 0.34 + high, wide, 0.07)
        strip.imshow(np.repeat(grey[None, :, None], 3, axis=2), aspect="auto", interpolation="none")
        strip.set_axis_off()
        words = f"{arm_label(plan, arm)} ({facts.loc[mine, 'subject'].nunique()} subjects)"
        sheet.text(left, 0.47 + high, fit(words, wide, LABEL), LABEL)
        left += wide + GAP
    words = fit("visits: " + ", ".join(visit_label(plan, visit) for visit in visits), room)
    sheet.text(LEFT, 0.14, words, color=GREY)


def _shares(sheet: Sheet, codes: np.ndarray, high: float) -> None:
    left = DOUBLE - SHARE - MARGIN
    axes = sheet.axes(left, 0.32, SHARE - 0.12, high)
    start = np.zeros(len(codes))
    levels = np.arange(len(codes))
    for index, status in enumerate(ORDER[1:], start=1):
        share = (codes == index).mean(axis=1)
        if share.any():
            some = share > 0
            axes.barh(levels[some], share[some], left=start[some], height=0.75, color=STATUS_COLOURS[status][1])
            start += share
    axes.set_xlim(0, 1)
    axes.set_ylim(len(codes) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100"])
    axes.axvline(0, color=LIGHT, linewidth=0.7)
    words = "% not observed"
    sheet.text(left + (SHARE - 0.12 - text_width(words)) / 2, 0.37 + high, words, SMALL)

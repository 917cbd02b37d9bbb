"""The sections of the study file to be, as lines of YAML with the guesses commented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cytoshift.drafting.columns import decimal_of
from cytoshift.drafting.design import DesignDraft, find_contrasts
from cytoshift.drafting.instrument_sources import instrument_lines
from cytoshift.drafting.known_names import Layer, known_id, unknown_names
from cytoshift.drafting.occasions import Occasion
from cytoshift.drafting.people import People
from cytoshift.drafting.quoting import listed, printable, quoted
from cytoshift.drafting.samples import samples_lines
from cytoshift.drafting.sources import ScoreDraft, SourceDraft, Sources
from cytoshift.study.sources import is_log_unit

CHECK = "please check"


def design_lines(design: DesignDraft) -> list[str]:
    """`design`, `randomised`, `visits` and `arms`."""
    lines = [f"design: {design.design}   # guessed: {design.reason}; {CHECK}"]
    if design.several_arms:
        what = "Was the order of conditions" if design.design == "crossover" else "Were the arms"
        lines += [
            f"# >>> PLEASE SAY: {what} randomised? The words of the report, the model and the permutations",
            "# >>> depend on it. No file can tell; false is the cautious answer. If true: no `method: change`.",
            "randomised: false   # please say: true or false",
        ]
    visits = design.visits
    if visits.time_unit:
        guess = f"   # guessed from the values; {CHECK}" if visits.unit_is_guessed else ""
        lines.append(f"time_unit: {visits.time_unit}{guess}")
    lines.append(f"visits:   # guessed order, the first is the reference; {CHECK}" + (
        "" if visits.time_unit else ", and add `time:` where it is known"
    ))  # fmt: skip
    lines += [f"  - {quoted(_occasion(visit))}" for visit in visits.items]
    if design.several_arms:
        lines.append("arms:")
        lines += [f"  - {_arm(arm, place, design)}" for place, arm in enumerate(design.arms)]
        if any("ldn" in arm.id or "naltrexone" in arm.id for arm in design.arms):
            lines.append("  # an arm that took a drug can say so: dose_mg: 4.5")
    return lines


def _occasion(occasion: Occasion) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": occasion.id}
    if occasion.time is not None:
        entry["time"] = occasion.time
    written = [form for form in occasion.written if form.casefold() != occasion.id]
    return entry | ({"written": written} if written else {})


def _arm(arm: Occasion, place: int, design: DesignDraft) -> str:
    entry = _occasion(arm)
    comment = ""
    if place == design.control:
        entry["control"] = True
        comment = "guessed from its name" if design.control_is_named else "no name says which arm is the control"
    if len(arm.visits) < len(design.visits.items):
        entry["visits"] = arm.visits
        comment += (", " if comment else "") + "measured at these visits only"
    return quoted(entry) + (f"   # {comment}; {CHECK}" if comment else "")


def source_lines(sources: Sources, people: People) -> list[str]:
    """`samples`, `cytokines`, `cells` and `outcomes`."""
    lines = samples_lines(people, sources)
    for section, layer in (("cytokines", "cytokine"), ("cells", "cell")):
        drafts = [draft for draft in sources.values if draft.group.layer == layer]
        exported = [source for source in sources.instruments if source.layer == layer]
        lines += [f"{section}:"] if drafts or exported else []
        lines += [line for source in exported for line in instrument_lines(source)]
        for place, draft in enumerate(drafts):
            lines += _source(draft)
            has_limits = draft.limits or "lower" in draft.group.companions or is_log_unit(draft.group.unit)
            if layer == "cytokine" and not place and not has_limits:
                lines.append(
                    "    # limits: lod.csv   # detection limits (analyte, lower[, upper][, plate]), if you have them"
                )
        if any(draft.group.is_alone and len(draft.tables[0].columns) > 4 for draft in drafts):
            lines.append("  # One column each, where a pattern would have read other columns of the table as well.")
    lines += ["outcomes:"] if sources.scores else []
    for score in sources.scores:
        lines += _score(score)
    return lines


def _source(draft: SourceDraft) -> list[str]:
    group = draft.group
    feature = "analyte" if group.layer == "cytokine" else "population"
    known = sum(known_id(name, group.layer) is not None for name in group.written)
    names = "names" if len(group.written) > 1 else "name"
    first = f"  # guessed: {len(group.written)} {names} ({known} in the vocabulary): {listed(group.written, 6)}"
    lines = [f"  - id: {draft.id}", f"  {first}", f"    files: {quoted(draft.files())}"]
    if draft.sheet is not None:
        lines.append(f"    sheet: {quoted(draft.sheet)}")
    columns = {**draft.link, "value": group.value} | ({feature: group.name} if group.name else {})
    if group.layer == "cytokine":
        roles = draft.tables[0].roles
        columns |= {role: roles[role] for role in ("well", "plate", "dilution") if role in roles}
        columns |= dict(group.companions)
    lines += [f"    shape: {group.shape}", f"    columns: {quoted(columns)}"]
    guess = f"   # guessed: {group.unit_reason}; {CHECK}" if group.unit_reason else ""
    lines.append(f"    unit: {quoted(group.unit)}{guess}")
    if group.units:
        lines.append(f"    units: {quoted(dict(group.units))}")
    cells = [one.columns[name] for one in draft.tables for name in group.columns if name in one.columns]
    named = {"decimal": decimal_of(cells), "limits": draft.limits, "plates": draft.plates}
    lines += [f"    {key}: {quoted(value)}" for key, value in named.items() if value]
    where = {**group.where, **draft.where}
    if where:
        reason = "the rows of this source" if group.where else "leaves out rows whose sample is not in the study"
        lines.append(f"    where: {quoted(where)}   # guessed: {reason}; {CHECK}")
    return lines


def _score(draft: ScoreDraft) -> list[str]:
    lines = [f"  - id: {draft.id}", f"    file: {quoted(draft.table.table.path)}"]
    if draft.table.table.sheet is not None:
        lines.append(f"    sheet: {quoted(draft.table.table.sheet)}")
    lines += [
        f"    columns: {quoted({**draft.link, 'score': draft.column})}",
        f"    label: {quoted(_label(draft.column))}",
    ]
    if draft.score.questionnaire:
        lines.append(f"    questionnaire: {quoted(draft.score.questionnaire)}")
    lines.append(f"    better: {draft.score.better}   # guessed: which direction is good for the patient; {CHECK}")
    return lines


def _label(column: str) -> str:
    return " ".join(column.replace("_", " ").split()) or column


def name_lines(sources: Sources) -> list[str]:
    """`names`, commented out: what no vocabulary knows, with what it resembles."""
    lines: list[str] = []
    plain: list[str] = []
    named: list[tuple[Sequence[str], Layer]] = [(source.features, source.layer) for source in sources.instruments]
    named += [(draft.group.written, draft.group.layer) for draft in sources.values]
    for written, layer in named:
        for unknown in unknown_names(written, layer):
            if unknown.suggestion:
                lines.append(
                    f"#   - {quoted({'written': unknown.written, 'is': unknown.suggestion})}   # did you mean this?"
                )
            else:
                plain.append(unknown.written)
    head = ["# names:   # take the '#' away, here and in front of each line that is right"] if lines else []
    kept = [f"# Names that no vocabulary knows are kept as they are: {listed(plain, 12)}"] if plain else []
    return kept + head + list(dict.fromkeys(lines))


def index_lines(sources: Sources) -> list[str]:
    """`indices`, commented out, where the cells for a usual ratio are there."""
    cells = set().union(*(draft.group.ids() for draft in sources.values if draft.group.layer == "cell"))
    exported = [source for source in sources.instruments if source.layer == "cell"]
    cells |= {id_ for source in exported for name in source.features if (id_ := known_id(name, "cell"))}
    usual = (
        ("nlr", "Neutrophil–lymphocyte ratio", "neutrophils", "lymphocytes"),
        ("th17_treg", "Th17/Treg ratio", "th17", "treg"),
    )
    lines = [
        f"#   - {quoted({'id': id_, 'label': label, 'numerator': [above], 'denominator': [below]})}"
        for id_, label, above, below in usual
        if {above, below} <= cells
    ]
    return ["# indices:   # ratios to be tested like features", *lines] if lines else []


def contrast_lines(design: DesignDraft) -> list[str]:
    """`contrasts`, and `endpoints` with what must be planned by a person commented out."""
    contrasts = find_contrasts(design)
    against = any("against" in contrast for contrast in contrasts)
    meaning = "target − reference in `arm`, minus the same in `against`" if against else "target − reference"
    lines = [f"contrasts:   # guessed: {meaning}; {CHECK}"]
    lines += [f"  - {quoted(contrast)}" for contrast in contrasts]
    lines += [
        "endpoints:",
        "  # Planned endpoints are decided at alpha. They are worth something only when they are written down before",
        "  # anybody looks at the results; take the '#' away and name what was planned:",
        f"  # - {{id: main, tier: primary, contrasts: [{contrasts[0]['id']}], "
        'features: ["role:pro_inflammatory"], direction: decrease, test: global}',
        "  - {id: everything, tier: exploratory, features: [all], correction: benjamini_hochberg}",
    ]
    return lines


def head_lines(study_id: str, files: int, left_out: Iterable[str], facts: Mapping[str, int]) -> list[str]:
    """What this file is, and what was left out of it."""
    counted = ", ".join(f"{number} {what}" for what, number in facts.items() if number)
    lines = [
        f"# A first study file, drafted from {files} file{'s' if files != 1 else ''} ({counted}).",
        "# Everything marked 'guessed' needs your eyes. config/README.md explains every key. Then:",
        f"#   snakemake check --config studies={study_id}",
    ]
    return lines + [f"# Left out: {printable(reason, 240)}" for reason in left_out]

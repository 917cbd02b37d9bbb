"""Which visits and arms do the files write, in what order, and how would a study file name them?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cytoshift.drafting.columns import is_writable, pack
from cytoshift.intake.words import canonical
from cytoshift.vocabulary.names import make_id

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_UNITS = {"hour": 1.0, "minute": 1 / 60, "day": 24.0, "week": 168.0, "month": 730.5}
_UNIT_WORDS = (
    ("minute", r"min|mins|minutes?"),
    ("hour", r"h|hr|hrs|hours?"),
    ("day", r"d|days?"),
    ("week", r"w|wk|wks|weeks?"),
    ("month", r"m|mo|months?"),
)
_HEADER_UNITS = {"min": "minute", "hour": "hour", "day": "day", "week": "week", "month": "month"}
_EARLY = (r"screening|\bscr\b", r"base\s?line|\bbl\b|\bpre\b|\bpre[^a-z]|before|\bstart\b|enrol|inclusion")
_LATE = (r"\bpost\b|\bpost[^a-z]|after|\bend\b|\beot\b|final|\blast\b|exit", r"follow.?up|\bfu\b|wash.?out|\beos\b")
_CONTROLS = ("placebo", "sham", "vehicle", "control", "controls", "untreated", "usual", "rest", "healthy", "hc")


@dataclass
class Occasion:
    """A visit or arm: its id, how the files write it, and for a visit its time where the files say one."""

    id: str
    written: list[str]
    time: float | None = None
    visits: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Visits:
    """Visits in order, the unit of their times (None without times) and why that unit was guessed."""

    items: list[Occasion]
    time_unit: str | None
    unit_is_guessed: bool = False


def find_visits(texts: Iterable[str], header: str) -> Visits:
    """Visits in their natural order: baseline words first, then by number, follow-up last.

    Parameters: `texts`, as written; `header`, of their column, which may say the unit of plain numbers.
    """
    forms = _one_form_each(texts)
    header_unit = next((unit for word, unit in _HEADER_UNITS.items() if word in pack(header)), None)
    parsed = {form: _parse(form, header_unit) for form in forms}
    ordered = sorted(forms, key=lambda form: _order(form, parsed[form]))
    prefix = header_unit or ("t" if "time" in pack(header) or pack(header) in ("t", "tp") else "visit")
    ids = _ids(ordered, prefix)
    units = {unit for _, unit in parsed.values() if unit}
    plain_times = pack(header).startswith("time") and all(map(_is_number, forms))
    if len(units) == 1 or (plain_times and not units):
        unit = units.pop() if units else _unit_by_size([number for number, _ in parsed.values() if number is not None])
        times = {form: number if found or plain_times else None for form, (number, found) in parsed.items()}
        _add_zero(times, ordered)
        return Visits([Occasion(ids[f], forms[f], times[f]) for f in ordered], unit, plain_times and not header_unit)
    return Visits([Occasion(ids[form], forms[form]) for form in ordered], None)


def find_arms(texts: Iterable[str]) -> tuple[list[Occasion], int | None]:
    """Arms in natural order, and the place of the one whose name says that it is the control (None: none does)."""
    forms = _one_form_each(texts)
    ordered = sorted(forms, key=natural)
    ids = _ids(ordered, "arm")
    words = [set(re.split(r"[^a-z]+", form.casefold())) for form in ordered]
    control = next((place for wanted in _CONTROLS for place, word in enumerate(words) if wanted in word), None)
    return [Occasion(ids[form], forms[form]) for form in ordered], control


def natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sort key in which "V10" follows "V2" and "-3" goes before "0"."""
    parts = re.findall(r"-?\d+(?:\.\d+)?|\D+", text.casefold())
    return tuple((0, float(p), "") if _is_number(p) else (1, 0.0, p) for p in parts)


def _one_form_each(texts: Iterable[str]) -> dict[str, list[str]]:
    """First form → all its forms; forms that differ in case, spaces or trailing zeros are one."""
    forms: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        if text and is_writable(text):
            key = " ".join(canonical(text).casefold().split())
            forms.setdefault(first.setdefault(key, canonical(text)), []).append(canonical(text))
    return {form: list(dict.fromkeys(all_forms)) for form, all_forms in forms.items()}


def _is_number(text: str) -> bool:
    return re.fullmatch(_NUMBER, text.strip()) is not None


def _parse(text: str, header_unit: str | None) -> tuple[float | None, str | None]:
    """Number and unit of a visit: "week 8" is (8, week), "V2" (2, None), "baseline" (None, None)."""
    folded = text.casefold().strip()
    if _is_number(folded):
        return float(folded), header_unit
    for unit, words in _UNIT_WORDS:
        before, after = rf"(?:{words})[\s_.-]*({_NUMBER}).*", rf"({_NUMBER})[\s_-]*(?:{words})\b.*"
        match = re.fullmatch(f"{before}|{after}", folded)
        if match:
            return float(match[1] or match[2]), unit
    number = re.search(_NUMBER, re.sub(r"(?<=\w)-", " ", folded))
    return (float(number[0]) if number else None), None


def _unit_by_size(times: Sequence[float]) -> str:
    """Halves are hours, quarters of sixty are minutes, anything else days."""
    if any(time != int(time) for time in times):
        return "hour"
    return "minute" if max(times) >= 30 and all(time % 15 == 0 for time in times) else "day"


def _order(form: str, parsed: tuple[float | None, str | None]) -> tuple[float, float, tuple]:
    folded = form.casefold().replace("_", " ")
    number, unit = parsed
    early = next((place - 2 for place, words in enumerate(_EARLY) if re.search(words, folded)), None)
    if early is not None and not (number and unit):
        return (early, number or 0.0, natural(form))
    if number is not None:
        return (-1.5 if number < 0 else 0, number * _UNITS.get(unit or "", 1.0), natural(form))
    late = next((place + 2 for place, words in enumerate(_LATE) if re.search(words, folded)), 1)
    return (late, 0.0, natural(form))


def _add_zero(times: dict[str, float | None], ordered: Sequence[str]) -> None:
    """The first visit is time 0 where it alone has no time and nothing else is at 0."""
    rest = [times[form] for form in ordered[1:]]
    if ordered and times[ordered[0]] is None and all(time is not None and time > 0 for time in rest):
        times[ordered[0]] = 0.0


def _ids(forms: Sequence[str], prefix: str) -> dict[str, str]:
    """An id per form, each once; a plain number is named after its prefix."""
    ids: dict[str, str] = {}
    for form in forms:
        text = f"{prefix} {form.replace('-', 'minus ')}" if _is_number(form) else form
        base = make_id(text)[:50].strip("_")
        id_, number = base, 2
        while id_ in ids.values():
            id_, number = f"{base}_{number}", number + 1
        ids[form] = id_
    return ids

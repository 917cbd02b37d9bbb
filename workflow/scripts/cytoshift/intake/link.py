"""Which sample does a row of data belong to?"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.notebook import MOST_LINES, Notebook
from cytoshift.intake.words import Words, canonical
from cytoshift.study.problem import did_you_mean

KEYS = ("sample", "subject", "visit", "arm")
_NOT_IN_STUDY = " is no sample of the study"


class SampleIndex:
    """Finds samples by id, or by subject, visit and arm."""

    def __init__(
        self,
        samples: pd.DataFrame,
        visits: Words,
        arms: Words,
        exclusions: Exclusions,
        keys_first: bool,
        incomplete: bool = False,
    ) -> None:
        """Index the samples.

        Parameters: `keys_first`, subject, visit and arm go before the sample id (the ids were taken from another
        file); `incomplete`, reading the samples met mistakes, so that a sample that is not found may be one of them.
        """
        self._visits, self._arms, self._exclusions = visits, arms, exclusions
        self._keys_first, self._incomplete = keys_first, incomplete
        self._excluded = set(samples.loc[exclusions.excluded_samples(samples), "sample"])
        self._ids = {canonical(sample): sample for sample in samples["sample"] if sample}
        self._keys: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._about: dict[str, tuple[str, str]] = {}
        types = samples["type"] if "type" in samples else pd.Series("sample", index=samples.index)
        self._people = set(samples.loc[types == "sample", "sample"])
        self._subjects = {canonical(subject): subject for subject in samples["subject"] if subject}
        for sample, subject, visit, arm in samples[["sample", "subject", "visit", "arm"]].itertuples(index=False):
            self._keys.setdefault((canonical(subject), visit), []).append((arm, sample))
            self._about.setdefault(sample, (subject, visit))

    def link(self, rows: pd.DataFrame, source: str, where: str, notebook: Notebook) -> pd.DataFrame:
        """Sample, subject and visit of each row.

        Parameters: `rows`, texts in some of the columns sample, subject, visit, arm, indexed by the row in the file.
        Returns columns sample, subject, visit and `linked`; a row that cannot be linked is a problem unless `exclude`
        covers it, and keeps what it says.
        """
        given = rows.reindex(columns=list(KEYS), fill_value="").astype(object)
        codes, unique = pd.factorize(pd.MultiIndex.from_frame(given))
        found: list[tuple[str, str, str, bool]] = []
        mistakes: dict[str, tuple[dict[str, str], list[int]]] = {}
        for code, texts in enumerate(unique):
            said = dict(zip(KEYS, texts, strict=True))
            sample, mistake = self._find(said)
            if sample is not None:
                found.append((sample, *self._about[sample], True))
                continue
            visit = self._visits.find(said["visit"]) or said["visit"]
            found.append((said["sample"], said["subject"], visit, False))
            known = {key: text for key, text in (said | {"visit": visit, "source": source}).items() if key != "arm"}
            if not self._exclusions.covers(**known) and mistake:
                mistakes.setdefault(mistake, (said, []))[1].append(code)
        for number, (mistake, (said, combinations)) in enumerate(mistakes.items()):
            at = given.index[pd.Series(codes).isin(combinations)]
            hint = self._hint(mistake, said) if number < MOST_LINES else ""
            others = f" ({len(at) - 1} more rows like it)" if len(at) > 1 else ""
            notebook.problem(where, f"row {at[0]}", mistake + hint + others, f"samples of {source}")
        table = pd.DataFrame(found, columns=["sample", "subject", "visit", "linked"])
        return table.take(codes).set_axis(given.index)

    def ids(self) -> list[str]:
        """Every sample id of the study."""
        return list(self._ids)

    def _hint(self, mistake: str, said: dict[str, str]) -> str:
        """Which sample or subject may be meant by one that is not in the study."""
        if mistake == _no_such_sample(said["sample"]):
            return _meant(said["sample"], self._ids)
        if mistake.endswith(_NOT_IN_STUDY) and canonical(said["subject"]) not in self._subjects:
            return _meant(said["subject"], self._subjects)
        return ""

    def known(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Sample, subject and visit of those names that are sample ids; the others are left out."""
        found = {}
        for name in names:
            sample = self._ids.get(canonical(name))
            if sample is not None:
                subject, visit = self._about[sample]
                found[name] = {"sample": sample, "subject": subject, "visit": visit}
        return found

    def of_subjects(self, names: Iterable[str]) -> set[str]:
        """Those names that are ids of subjects' samples, not of bridge samples, controls or pools."""
        return {name for name in names if self._ids.get(canonical(name)) in self._people}

    def _find(self, said: dict[str, str]) -> tuple[str | None, str]:
        """The sample, or why there is none (no reason where the mistake was noted with the samples)."""
        by_key = bool(said["subject"] and said["visit"])
        if said["sample"] and not (self._keys_first and by_key):
            sample = self._ids.get(canonical(said["sample"]))
            return sample, "" if self._incomplete and self._keys_first else _no_such_sample(said["sample"])
        if not by_key:
            return None, "does not say which sample it is"
        visit = self._visits.find(said["visit"])
        arm = self._arms.find(said["arm"]) if said["arm"] else None
        unknown_arm = bool(said["arm"] and self._arms.ids and arm is None)
        if visit is None or unknown_arm:
            reason = self._visits.unknown(said["visit"]) if visit is None else self._arms.unknown(said["arm"])
            return None, "" if self._incomplete and self._keys_first else reason
        options = self._keys.get((canonical(said["subject"]), visit), [])
        options = [option for option in options if arm is None or option[0] == arm]
        if len(options) > 1:
            options = [option for option in options if option[1] not in self._excluded] or options
        subject = f"subject {said['subject']!r} at {visit}" + (f" under {arm}" if arm else "")
        if len(options) == 1:
            return options[0][1], ""
        if self._incomplete:
            return None, ""
        if not options:
            return None, subject + _NOT_IN_STUDY
        return None, f"{subject} has {len(options)} samples; name the column of the arm or of the sample id"


def _no_such_sample(sample: str) -> str:
    return f"{sample!r}{_NOT_IN_STUDY}"


def _meant(written: str, known: dict[str, str]) -> str:
    """The known id that is the same but for case, punctuation and leading zeros; otherwise the one spelt most like it.

    Only ids with the same numbers in them: P39 is not a misspelt P99 but another person. Never applied by itself:
    LDN-1-2 and LDN-12 may be two people.
    """
    same = [name for name in known.values() if _loose(name) == _loose(written)]
    if len(same) == 1:
        return f"; did you mean {same[0]!r}?"
    return did_you_mean(written, [name for name in known.values() if _numbers(name) == _numbers(written)])


def _numbers(name: str) -> list[str]:
    return [number.lstrip("0") for number in re.findall(r"[0-9]+", name)]


def _loose(name: str) -> str:
    """Letters and numbers of an id, without case, punctuation and leading zeros."""
    parts = re.findall(r"[^\W\d_]+|[0-9]+", name.casefold())
    return "|".join(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)

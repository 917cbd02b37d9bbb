"""Small studies for the figures' tests, as tables: drawn from a fixed generator, with every kind of value in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.study.study import FigurePlan
from cytoshift.tables import DECISIONS, PAIRS, PANEL, SAMPLE_MAP, SAMPLES, SHIFTS, VALUES

MARKERS = {
    "il6": ("IL-6", "pro_inflammatory", 2.5), "tnf": ("TNF-α", "pro_inflammatory", 12),
    "il1b": ("IL-1β", "pro_inflammatory", 0.8), "ifng": ("IFN-γ", "pro_inflammatory,th1", 6),
    "il17a": ("IL-17A", "pro_inflammatory,th17", 1.5), "il12p70": ("IL-12(p70)", "pro_inflammatory,th1", 1.1),
    "il10": ("IL-10", "anti_inflammatory", 3), "il4": ("IL-4", "anti_inflammatory,th2", 0.4),
    "il1ra": ("IL-1RA", "anti_inflammatory", 300), "cxcl8": ("IL-8 / CXCL8", "chemokine", 9),
    "ccl2": ("MCP-1 / CCL2", "chemokine", 180), "cxcl10": ("IP-10 / CXCL10", "chemokine", 240),
    "vegfa": ("VEGF-A", "growth_factor", 60), "csf2": ("GM-CSF", "growth_factor", 1.2),
    "crp": ("C-reactive protein", "acute_phase", 2.1e6), "beta_endorphin": ("β-Endorphin", "opioid_peptide", 22),
    "il2": ("IL-2", "", 1.9),
}  # fmt: skip
CELLS = {"neutrophils": 3900, "lymphocytes": 1800, "monocytes": 480, "eosinophils": 160, "basophils": 40}
CONDITIONS = ["max_70", "max_70_dry", "max_50", "intervals"]
SCORES = {"fatigue": ("Fatigue (MFIS)", 38), "pain": ("Pain (NRS)", 4)}


def plan(**changes: object) -> FigurePlan:
    """A two-arm, three-visit plan."""
    settings: dict[str, object] = {
        "id": "demo", "origin": "simulated", "disease": "relapsing-remitting multiple sclerosis",
        "intervention": "low-dose naltrexone", "design": "parallel", "time_unit": "week",
        "visits": [{"id": "baseline", "time": 0}, {"id": "week_8", "time": 8}, {"id": "week_16", "time": 16}],
        "arms": [{"id": "placebo", "control": True, "label": "Placebo"}, {"id": "ldn", "label": "LDN 4.5 mg"}],
        "contrasts": [
            {"id": "week_16", "reference": "baseline", "target": "week_16", "arm": "ldn", "against": "placebo"},
            {"id": "week_8", "reference": "baseline", "target": "week_8", "arm": "ldn", "against": "placebo"},
        ],
        "endpoints": [{"id": "inflammation", "tier": "primary", "contrasts": ["week_16"], "features": ["il6"]}],
        "alpha": 0.05,
    }  # fmt: skip
    return FigurePlan(**(settings | changes))


def crossover(targets: list[str]) -> FigurePlan:
    """A plan of rest and four conditions at eight times."""
    hours = [0, 0.5, 1, 1.5, 2, 3, 6, 24]
    return plan(
        id="ride", origin="observed", disease="healthy men", intervention="one hour of cycling", design="crossover",
        time_unit="hour",
        visits=[{"id": f"h{hour:g}".replace(".", "_"), "time": hour, "label": f"{hour:g} h"} for hour in hours],
        arms=[{"id": "rest", "control": True}, *({"id": arm} for arm in CONDITIONS)],
        contrasts=[{"id": "load", "reference": "h0", "against": "rest",
                    "each": {"target": targets, "arm": CONDITIONS}}],
        endpoints=[{"id": "all", "tier": "exploratory", "features": ["all"]}],
    )  # fmt: skip


def tables(study: FigurePlan, subjects: int = 24, extra: int = 0, seed: int = 1) -> dict[str, pd.DataFrame]:
    """samples, values, panel, pairs, shifts, decisions and sample_map of a study that follows the plan."""
    rng = np.random.default_rng(seed)
    samples = _samples(study, subjects, rng)
    markers = MARKERS | {f"x{i:04d}": (f"Protein {i}", "", 20.0) for i in range(extra)}
    panel = pd.concat([_markers(samples, markers, rng), _cells(samples, rng), _scores(samples, rng)])
    panel = conform(panel, PANEL)
    pairs, shifts = _pairs(study, panel, samples, {key: value[1] for key, value in markers.items()}, rng)
    return {
        "samples": samples, "panel": panel, "values": _values(panel, rng), "pairs": pairs, "shifts": shifts,
        "decisions": _decisions(shifts), "sample_map": _map(samples, rng),
    }  # fmt: skip


def _samples(study: FigurePlan, subjects: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    arms = [arm.id for arm in study.arms] or [""]
    for arm in arms:
        for number in range(subjects):
            subject = f"P{number + 1:02d}" if study.design == "crossover" else f"{arm[:1].upper()}{number + 1:02d}"
            for visit in study.visits:
                if rng.random() > 0.04 or visit is study.visits[0]:
                    sample = f"{subject}-{arm}-{visit.id}"
                    rows.append({"sample": sample, "subject": subject, "visit": visit.id, "arm": arm, "type": "sample"})
    return conform(pd.DataFrame(rows), SAMPLES)


def _markers(samples: pd.DataFrame, markers: dict, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for feature, (label, _, centre) in markers.items():
        person = {subject: rng.normal(0, 0.8) for subject in samples["subject"].unique()}
        fall = -1.3 if feature in ("il6", "tnf", "ifng", "cxcl10") else rng.normal(0, 0.1)
        treated = (
            (samples["arm"] == samples["arm"].iloc[-1]) & (samples["visit"] != samples["visit"].iloc[0])
        ).to_numpy()
        value = np.log2(centre) + samples["subject"].map(person) + fall * treated + rng.normal(0, 0.4, len(samples))
        limit = np.log2(centre) + {"il4": 0.4, "il1b": -0.5, "il17a": -0.7, "csf2": 2.2}.get(feature, -3)
        frames.append(_rows(samples, feature, label, "cytokine", "log2", "pg/mL", value.to_numpy(), limit, rng))
    return pd.concat(frames)


def _rows(samples, feature, label, layer, scale, unit, value, limit, rng):
    status = np.where(value < limit, "below", "observed")
    status = np.where((rng.random(len(value)) < 0.02) & (layer == "cytokine"), "missing", status)
    status = np.where((value > limit + 5.2) & (status == "observed") & (layer == "cytokine"), "above", status)
    seen = status == "observed"
    return pd.DataFrame({
        "sample": samples["sample"], "source": "luminex" if layer == "cytokine" else layer, "layer": layer,
        "feature": feature, "as_written": label, "label": label, "plate": "1", "scale": scale, "unit": unit,
        "value": np.where(seen, value, np.nan), "status": status,
        "lower": np.where(seen, value, np.where(status == "above", limit + 5.2, -np.inf)),
        "upper": np.where(seen, value, np.where(status == "below", limit, np.inf)),
    })  # fmt: skip


def _cells(samples: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for feature, centre in CELLS.items():
        value = np.log2(centre) + rng.normal(0, 0.4, len(samples))
        frames.append(_rows(samples, feature, feature.title(), "cell", "log2", "cells/uL", value, -99, rng))
    share = np.log(0.3 / 0.7) + rng.normal(0, 0.4, len(samples))
    frames.append(_rows(samples, "treg", "Treg of CD4", "cell", "logit", "fraction", share, -99, rng))
    return pd.concat(frames)


def _scores(samples: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return pd.concat([
        _rows(samples, key, label, "outcome", "identity", "points", rng.normal(centre, 1, len(samples)), 0, rng)
        for key, (label, centre) in SCORES.items()
    ])  # fmt: skip


def _values(panel: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    frame = panel[
        ["sample", "source", "layer", "feature", "label", "plate", "value", "lower", "upper", "status", "unit"]
    ]
    frame = frame.assign(measure="concentration", excluded=rng.random(len(panel)) < 0.01)
    return conform(frame[frame["layer"] != "outcome"], VALUES)


def _pairs(study, panel, samples, roles, rng):
    from cytoshift.study.contrasts import expand

    drawn = panel["value"].where(panel["status"] != "below", panel["upper"])
    drawn = drawn.where(panel["status"] != "above", panel["lower"])
    long = panel.assign(at=drawn).merge(samples[["sample", "subject", "visit", "arm"]], on="sample")
    facts = panel.drop_duplicates("feature").set_index("feature")
    pairs, shifts = [], []
    for contrast in expand(study.contrasts):
        mine = long[long["arm"].isin([contrast.arm or "", contrast.against or ""])]
        keys = ["feature", "arm", "subject"]
        before = mine[mine["visit"] == contrast.reference].set_index(keys)[["at", "status"]]
        after = mine[mine["visit"] == contrast.target].set_index(keys)[["at", "status"]]
        both = before.add_suffix("_r").join(after.add_suffix("_t"), how="outer").reset_index()
        both["used"] = both["at_r"].notna() & both["at_t"].notna()
        pairs.append(pd.DataFrame({
            "contrast": contrast.id, "feature": both["feature"], "subject": both["subject"], "arm": both["arm"],
            "role": np.where(both["arm"] == contrast.arm, "arm", "against"), "used": both["used"],
            "reason": np.where(both["used"], "", np.where(both["at_t"].isna(), "no target", "no reference")),
            "reference": both["at_r"], "target": both["at_t"], "reference_status": both["status_r"],
            "target_status": both["status_t"], "change": both["at_t"] - both["at_r"],
        }))  # fmt: skip
        for feature, group in both[both["used"]].groupby("feature", sort=False):
            change = group["at_t"] - group["at_r"]
            estimate, se = change.mean(), change.std() / np.sqrt(len(change))
            below = [(group[f"status_{end}"] == "below").sum() for end in "rt"]
            p = float(2 * np.exp(-0.5 * (estimate / se) ** 2) / 2.2) if se > 0 else np.nan
            shifts.append({
                "study": study.id, "contrast": contrast.id, "source": facts["source"][feature],
                "layer": facts["layer"][feature], "feature": feature, "label": facts["label"][feature],
                "roles": roles.get(feature, ""), "scale": facts["scale"][feature], "n_reference": len(group),
                "n_target": len(group), "n_pairs": len(group), "below_reference": below[0], "below_target": below[1],
                "estimate": estimate, "se": se, "ci_low": estimate - 2 * se, "ci_high": estimate + 2 * se,
                "p_value": min(p, 1.0), "note": "",
            })  # fmt: skip
    table = pd.DataFrame(shifts)
    lost = table["feature"] == "csf2"
    table.loc[lost, ["estimate", "ci_low", "ci_high", "p_value"]] = np.nan
    table.loc[lost, "note"] = "no value above the limit at either visit"
    table.loc[table["feature"] == "il4", "ci_low"] = -np.inf
    table.loc[table["feature"] == "il1ra", "ci_high"] = 6.0
    base = table["scale"].map({"log2": 2.0, "logit": np.e, "identity": np.nan})
    for ratio, column in (("ratio", "estimate"), ("ratio_low", "ci_low"), ("ratio_high", "ci_high")):
        table[ratio] = base ** table[column]
    return conform(pd.concat(pairs), PAIRS), conform(table, SHIFTS)


def _decisions(shifts: pd.DataFrame) -> pd.DataFrame:
    rows = []
    first = shifts["contrast"].iloc[0]
    for row in shifts.itertuples():
        common = {"study": row.study, "contrast": row.contrast, "feature": row.feature, "p_value": row.p_value}
        if row.contrast == first and row.feature in ("il6", "tnf", "ifng", "il1b", "csf2", "fatigue"):
            p = min(1.0, 6 * row.p_value) if row.p_value == row.p_value else 1.0
            rows.append(common | {"endpoint": "inflammation", "tier": "primary", "p_adjusted": p,
                                  "decision": "rejected" if p <= 0.05 else "not_rejected"})  # fmt: skip
        rows.append(common | {"endpoint": "everything", "tier": "exploratory", "decision": "none"})
    return conform(pd.DataFrame(rows), DECISIONS)


def _map(samples: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    pcs = rng.normal(0, 1, (len(samples), 2)) * [3, 2]
    pcs[:3] *= 4
    return conform(pd.DataFrame({
        "sample": samples["sample"], "subject": samples["subject"], "visit": samples["visit"], "arm": samples["arm"],
        "plate": [f"plate{1 + i % 4}" for i in range(len(samples))], "pc1": pcs[:, 0], "pc2": pcs[:, 1],
        "explained_pc1": 0.34, "explained_pc2": 0.12, "distance_mads": np.hypot(*pcs.T),
        "outlier": np.hypot(*pcs.T) > 9,
    }), SAMPLE_MAP)  # fmt: skip

"""The studies that ship with the project: the LDN demo and a tiny one for tests of the workflow.

Levels, spreads and effects are plausible for human serum and for a pilot of this size. They are assumptions, chosen to
look like such a study, and are not estimates from any trial.
"""

from __future__ import annotations

from math import log, log2

from cytoshift.simulate.assay import Assay, Defects, Hook, LostDecimal, LowBeads, Saturated, Swap
from cytoshift.simulate.design import (
    Analyte,
    Arm,
    Count,
    Fraction,
    Loss,
    Outcome,
    Plate,
    Reference,
    StudyDesign,
    Total,
    Visit,
)

DEMO_SEED = 20261122
EARLY = 0.6  # the share of the week-16 effect that is there by week 8
FACTORS = {"i": "inflammation", "t": "type_2", "v": "vascular"}

# An assay whose highest standard lies so many times above the concentration it can just tell from nothing.
SENSITIVITY = 30_000
DILUTION = 2.0  # of the samples

# written, feature, median pg/mL, between and within SD (log2), highest standard (pg/mL in the well), ratio under LDN at
# week 16, loadings on the factors
ANALYTES: tuple[tuple[str, str, float, float, float, float, float, dict[str, float]], ...] = (
    ("IL-1b", "il1b", 0.30, 0.85, 0.40, 4500, 0.70, {"i": 0.50}),
    ("IL-1ra", "il1ra", 250.0, 0.80, 0.36, 40000, 0.90, {"i": 0.45}),
    ("IL-2", "il2", 0.60, 0.85, 0.40, 3500, 0.85, {"i": 0.40}),
    ("IL-4", "il4", 0.10, 0.80, 0.36, 5000, 1.00, {"t": 0.50}),
    ("IL-5", "il5", 1.20, 1.05, 0.45, 3000, 1.00, {"t": 0.60}),
    ("IL-6", "il6", 3.00, 0.85, 0.42, 4000, 0.70, {"i": 0.60}),
    ("IL-8", "il8", 9.00, 0.70, 0.36, 4000, 0.88, {"i": 0.40, "v": 0.30}),
    ("IL-10", "il10", 3.00, 0.80, 0.38, 3000, 1.00, {"i": 0.25, "t": 0.40}),
    ("IL-12p70", "il12p70", 5.00, 0.95, 0.42, 3500, 0.72, {"i": 0.50}),
    ("IL-13", "il13", 4.50, 0.95, 0.44, 3000, 1.00, {"t": 0.60}),
    ("IL-17A", "il17a", 1.30, 0.95, 0.44, 4000, 0.68, {"i": 0.50}),
    ("IL-18", "il18", 220.0, 0.55, 0.26, 10000, 0.88, {"i": 0.45}),
    ("IFN-g", "ifng", 8.00, 1.00, 0.46, 8000, 0.76, {"i": 0.50}),
    ("TNF-a", "tnf", 8.00, 0.62, 0.30, 5000, 0.78, {"i": 0.60}),
    ("G-CSF", "g_csf", 20.0, 0.75, 0.36, 15000, 0.95, {"i": 0.40}),
    ("GM-CSF", "gm_csf", 0.15, 0.80, 0.38, 6000, 0.90, {"i": 0.35}),
    ("MCP-1", "mcp1", 200.0, 0.55, 0.27, 10000, 0.90, {"i": 0.35, "v": 0.35}),
    ("MIP-1b", "mip1b", 60.0, 0.65, 0.30, 10000, 1.00, {"v": 0.45}),
    ("RANTES", "rantes", 12000.0, 0.80, 0.42, 100000, 1.00, {"v": 0.60}),
    ("IP-10", "ip10", 150.0, 0.75, 0.38, 15000, 0.76, {"i": 0.50}),
    ("Eotaxin", "eotaxin", 90.0, 0.60, 0.26, 10000, 1.00, {"t": 0.35, "v": 0.30}),
    ("VEGF", "vegf_a", 60.0, 0.95, 0.38, 15000, 1.00, {"v": 0.60}),
    ("CRP", "crp", 1.2e6, 1.20, 0.60, 1.2e7, 0.78, {"i": 0.55}),
    ("PDGF-BB", "pdgf_bb", 1800.0, 0.75, 0.38, 30000, 1.00, {"v": 0.65}),
    ("b-Endorphin", "beta_endorphin", 14.0, 0.60, 0.32, 2500, 1.40, {"i": -0.20}),
)
AGE_SLOPES = {"il6": 0.12, "crp": 0.15, "ip10": 0.12, "tnf": 0.06}

# written, feature, median 10^9/L, between and within SD (log2), part of the differential, decimals. No effects: nothing
# truly happens to the blood counts, so that the demo also shows what nothing looks like.
COUNTS: tuple[tuple[str, str, float, float, float, bool, int], ...] = (
    ("Neutrophils", "neutrophils", 3.80, 0.38, 0.26, True, 2),
    ("Lymphocytes", "lymphocytes", 1.85, 0.36, 0.18, True, 2),
    ("Monocytes", "monocytes", 0.48, 0.34, 0.22, True, 2),
    ("Eosinophils", "eosinophils", 0.15, 0.75, 0.35, True, 2),
    ("Basophils", "basophils", 0.04, 0.45, 0.30, True, 2),
    ("Platelets", "platelets", 245.0, 0.30, 0.12, False, 0),
)

# written, feature, parent, median share %, between and within SD (logit), odds ratio under LDN at week 16, comes after
FRACTIONS: tuple[tuple[str, str, str, float, float, float, float, tuple[str, ...]], ...] = (
    ("CD3+ T cells", "t_cells", "lymphocytes", 72.0, 0.35, 0.16, 1.0, ()),
    ("CD4+ T cells", "cd4_t_cells", "CD3+ T cells", 64.0, 0.35, 0.12, 1.0, ()),
    ("CD8+ T cells", "cd8_t_cells", "CD3+ T cells", 88.0, 0.35, 0.15, 1.0, ("CD4+ T cells",)),
    ("Treg", "treg", "CD4+ T cells", 6.5, 0.30, 0.17, 1.15, ()),
    ("Th1", "th1", "CD4+ T cells", 14.0, 0.40, 0.22, 0.88, ()),
    ("Th2", "th2", "CD4+ T cells", 4.0, 0.40, 0.24, 1.0, ()),
    ("Th17", "th17", "CD4+ T cells", 2.2, 0.42, 0.25, 0.78, ()),
)


def ldn_ms_demo() -> StudyDesign:
    """Describe the demo: a 16-week randomised placebo-controlled pilot of LDN 4.5 mg in relapsing-remitting MS."""
    return StudyDesign(
        id="ldn-ms-demo",
        title="Low-dose naltrexone in relapsing-remitting MS, a 16-week randomised, placebo-controlled pilot",
        arms=(Arm(id="placebo", subjects=24, control=True), Arm(id="ldn", subjects=24, dose_mg=4.5)),
        visits=(
            Visit(id="baseline", day=0, written="V1"),
            Visit(id="week_8", day=56, written="V2"),
            Visit(id="week_16", day=112, written="V3"),
        ),
        analytes=_demo_analytes(),
        counts=tuple(
            Count(written=w, feature=f, centre=c, between_sd=b, within_sd=s, in_total=part, decimals=d)
            for w, f, c, b, s, part, d in COUNTS
        ),
        total=Total(written="Leukocytes", feature="leukocytes"),
        fractions=_demo_fractions(),
        outcomes=_demo_outcomes(),
        plates=(
            Plate(id="P1", file="plate_1.csv", lot="L2207", run_date="2025-03-18"),
            Plate(id="P2", file="plate_2.csv", lot="L2207", run_date="2025-03-19"),
            Plate(id="P3", file="plate_3.csv", lot="L2207", run_date="2025-03-20"),
            Plate(id="P4", file="plate_4.csv", lot="L2231", run_date="2025-03-25", shift=0.5),
            Plate(id="P5", file="plate_5.csv", lot="L2231", run_date="2025-03-26"),
        ),
        references=(
            Reference(sample="BRIDGE-A", type="bridge", level=1.0),
            Reference(sample="BRIDGE-B", type="bridge", level=2.5),
        ),
        losses=(Loss(arm="placebo", visits=("week_16",), patients=1),),
        sites={"Northfield": 5, "Harbour": 4, "Lakeside": 3},
        assay=Assay(
            dilution=DILUTION,
            defects=Defects(
                swap=Swap(plate="P1", arm="placebo", visit="week_8"),
                low_beads=LowBeads(plate="P2"),
                hook=Hook(plate="P3", feature="mcp1"),
                saturated=Saturated(plate="P3", feature="crp", arm="placebo", visit="week_8", fold=8.0),
                lost_decimal=LostDecimal(plate="P5", feature="tnf", level=4),
            ),
        ),
        response_spread=0.4,
        female_share=0.72,
    )


def tiny_design() -> StudyDesign:
    """Describe the tiny study of the workflow tests: six subjects, one arm, two visits, four analytes, one plate."""
    return StudyDesign(
        id="tiny",
        title="Six subjects before and after eight weeks of LDN",
        arms=(Arm(id="ldn", subjects=6, dose_mg=4.5),),
        visits=(Visit(id="baseline", day=0, written="V1"), Visit(id="week_8", day=56, written="V2")),
        analytes=(
            _tiny_analyte("IL-6", "il6", 2.0, 0.6, 0.55),
            _tiny_analyte("TNF-α", "tnf", 8.0, 1.0, 0.65),
            _tiny_analyte("IL-10", "il10", 0.9, 0.7, 1.0),
            _tiny_analyte("IL-17A", "il17a", 1.0, 0.7, 0.60),
        ),
        counts=tuple(
            Count(written=w, feature=f, centre=c, between_sd=b, within_sd=s, in_total=part, decimals=d)
            for w, f, c, b, s, part, d in COUNTS
        ),
        total=Total(written="Leukocytes", feature="leukocytes"),
        plates=(Plate(id="P1", file="plate_1.csv", lot="L2207", run_date="2025-03-11"),),
    )


def _demo_analytes() -> tuple[Analyte, ...]:
    return tuple(
        Analyte(
            written=written,
            feature=feature,
            centre=median,
            between_sd=between,
            within_sd=within,
            lower=DILUTION * top / SENSITIVITY,
            upper=DILUTION * top,
            loadings={FACTORS[key]: loading for key, loading in loadings.items()},
            effects=_effects(log2(ratio)),
            age_slope=AGE_SLOPES.get(feature, 0.0),
        )
        for written, feature, median, between, within, top, ratio, loadings in ANALYTES
    )


def _demo_fractions() -> tuple[Fraction, ...]:
    # The natural logarithm, because odds are compared on the natural logit.
    return tuple(
        Fraction(
            written=written,
            feature=feature,
            parent=parent,
            centre=share,
            between_sd=between,
            within_sd=within,
            effects=_effects(log(ratio)),
            after=after,
        )
        for written, feature, parent, share, between, within, ratio, after in FRACTIONS
    )


def _demo_outcomes() -> tuple[Outcome, ...]:
    """Scores improve a little in both arms, as they do in trials, and somewhat more under LDN."""
    inflamed = {"inflammation": 0.35}
    return (
        Outcome(
            written="MFIS", feature="fatigue", centre=42.0, between_sd=13.0, within_sd=5.5, lowest=0, highest=84,
            loadings=inflamed, effects={"placebo": (0.0, -2.5, -2.5), "ldn": (0.0, -5.0, -7.0)},
        ),
        Outcome(
            written="Pain NRS", feature="pain", centre=4.6, between_sd=1.5, within_sd=0.9, lowest=0, highest=10,
            loadings=inflamed, effects={"placebo": (0.0, -0.5, -0.5), "ldn": (0.0, -0.9, -1.2)},
        ),
        Outcome(
            written="Spasticity NRS", feature="spasticity", centre=4.2, between_sd=1.5, within_sd=0.8, lowest=0,
            highest=10, effects={"placebo": (0.0, -0.3, -0.3), "ldn": (0.0, -0.4, -0.6)},
        ),
    )  # fmt: skip


def _tiny_analyte(written: str, feature: str, median: float, lower: float, ratio: float) -> Analyte:
    return Analyte(
        written=written,
        feature=feature,
        centre=median,
        between_sd=0.7,
        within_sd=0.25,
        lower=lower,
        upper=8000.0,
        loadings={"inflammation": 0.5},
        effects={"ldn": (0.0, log2(ratio))},
    )


def _effects(change: float) -> dict[str, tuple[float, ...]]:
    """The effect of LDN at baseline, week 8 and week 16, of a marker that has changed so much by week 16."""
    return {"ldn": (0.0, EARLY * change, change)} if change else {}


DESIGNS = {"ldn-ms-demo": ldn_ms_demo, "tiny": tiny_design}

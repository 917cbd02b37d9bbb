"""How was it done? Methods in words, written from the plan and from the methods that the rows name."""

from __future__ import annotations

from cytoshift.figures.words import contrast_label
from cytoshift.report.calibration import calibration_words
from cytoshift.report.exactness import exact_paragraphs, is_joint
from cytoshift.report.formats import capital, count, listing, percent, plural
from cytoshift.report.grids import Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.regression import METHOD
from cytoshift.study.study import FigurePlan, Study

METHODS = {
    "paired_t": "paired t: mean change over its standard error, t interval",
    "moderated_t": "moderated t: paired or two-group t with the variances squeezed towards their common prior",
    "adjusted_difference": "difference between arms from a linear model with the plan's covariates",
    "signed_rank": "Wilcoxon signed-rank test (zeros by Pratt) with the Hodges–Lehmann shift",
    "rank_sum": "Wilcoxon rank-sum test with the Hodges–Lehmann shift",
    "welch_t": "Welch's t: difference of two arms, variances apart",
    "student_t": "Student's t: difference of two arms, common variance",
    "ancova": "analysis of covariance: arms compared at follow-up, adjusted for the baseline",
    "difference_of_changes": "difference between arms of the changes",
    "difference": "difference between arms",
    "linear_model": "linear model of the arms with the plan's covariates",
    "censored_pairs": (
        "censored pairs: maximum likelihood of a bivariate normal for the two values, non-detects as intervals"
    ),
    "censored_difference": "differences known as intervals: maximum likelihood of a normal (approximate)",
    "censored_pair_sum": (
        "sum or mean of the changes of several pairs of visits, each by maximum likelihood with non-detects as "
        "intervals"
    ),
    "censored_linear": "linear model of the arms, non-detects as intervals (maximum likelihood, one spread)",
    "censored_ancova": "arms compared at follow-up, adjusted for the baseline, non-detects as intervals",
    "censored_difference_of_changes": "difference between arms of the changes, non-detects as intervals",
    "censored_difference_of_sums": "difference between arms of sums of changes, non-detects as intervals",
    "unstructured": "mixed model for repeated measures (MMRM): unstructured covariance of the visits, REML",
    "own_pairs": "the subjects with every visit of the contrast, too few for a mixed model",
    "blocked": "linear model with one correlation within subjects for all features (limma's duplicateCorrelation)",
    "moderated_blocked": "linear model with one correlation within subjects for all features, variances moderated",
    "crossover": "difference between two conditions within the subjects, adjusted for period by least squares",
    "censored_crossover": (
        "difference between two conditions within the subjects, adjusted for period, non-detects as intervals"
    ),
    "crossover_model": (
        "mixed model of all conditions: sequence, period and condition fixed, subject (and period) random, REML"
    ),
    "random_intercept": "mixed model with a random intercept for each subject, REML",
    "dose_trend": "shift per mg of dose: linear model of the values at one visit on the dose",
    "dose_trend_given_baseline": "shift per mg of dose: linear model of the follow-up on baseline and dose",
    "dose_trend_of_changes": "shift per mg of dose: linear model of the changes on the dose",
    "censored_dose_trend": "shift per mg of dose at one visit, non-detects as intervals",
    "censored_dose_trend_given_baseline": "shift per mg of dose, adjusted for the baseline, non-detects as intervals",
    "censored_dose_trend_of_changes": "shift per mg of dose of the changes, non-detects as intervals",
    "detection_dose_trend": "detection only (mostly non-detects) over doses: tested in families, no estimate",
    "detection_paired": "detection only (mostly non-detects): exact McNemar test, odds ratio with exact interval",
    "detection_arms": "detection only (mostly non-detects): Fisher's exact test, odds ratio",
}
P_METHODS = {
    "t": "t",
    "moderated_t": "moderated t",
    "hc3_t": "t, standard error by HC3",
    "sign_flip": "exact sign flips",
    "calibrated_lr": "calibrated likelihood ratio",
    "profile": "profile likelihood, calibrated",
    "censored_t": "censored t",
    "influence_t": "t, standard error from what each subject adds to the estimate",
    "kenward_roger_t": "Kenward–Roger t",
    "satterthwaite_t": "Satterthwaite t",
    "exact_order": "exact relabelling of the order of conditions",
    "exact_mcnemar": "exact McNemar",
    "fisher_exact": "Fisher's exact",
    "exact_signed_rank": "exact signed-rank",
    "exact_rank_sum": "exact rank-sum",
    "hodges_lehmann": "Hodges–Lehmann",
    "exact": "exact",
    "": "none",
}
BIAS = (
    "Any such stand-in is biased: where both values of a pair lie below the limit the change counts as none, so shifts "
    "are mostly understated and their spread too small, and where limits differ between plates or visits it can make a "
    "shift of its own"
)
CENSORED = (
    "Pairs and arms with non-detects are fitted by maximum likelihood as normal on the analysis scale; p-value and "
    "interval come from the likelihood ratio, calibrated so that without non-detects it is the t test itself. Above "
    "40 % non-detects a row is called approximate. Where the fit says that the spread changed as well, the row says "
    "that the direction is not established"
)
EXACT_INSTEAD = (
    "Rows of planned endpoints in paired contrasts carry the p-value and the interval of the exact test instead; their "
    "estimate is that of the likelihood."
)
POLICIES = {
    "censored": (
        "it enters the likelihood as the interval it is; limit/√2 stands in only for methods that take no intervals, "
        "and their rows say so"
    ),
    "limit_over_sqrt2": "limit/√2 stands in for a non-detect",
    "half_limit": "half the limit stands in for a non-detect",
    "limit": "the limit stands in for a non-detect",
    "drop": "non-detects are left out of the tests",
}
PLATES = {
    "none": "Plates were not adjusted.",
    "plate_median": "Each analyte's median was aligned over plates.",
    "reference_samples": "Plates were aligned, per analyte, by the bridge and pool samples measured on every plate.",
    "combat": (
        "Plates were aligned by ComBat (empirical-Bayes location and scale per plate, Johnson 2007), which knew "
        "neither visits nor arms."
    ),
}
DUPLICATES = {
    "error": "stop the run",
    "drop": "make the value missing",
    "mean": "are averaged",
    "first": "are resolved to the first in the file",
    "last": "are resolved to the last in the file",
}


def method_paragraphs(tables: ReportTables, study: Study) -> list[tuple[str, str]]:
    """Heading and text of each part of the methods."""
    return [
        *([("Concentrations", calibration_words(tables, study))] if len(tables.curves) else []),
        ("Scale", _scale(tables, study)),
        ("Non-detects", _non_detects(tables, study)),
        ("Quality", _quality(study)),
        ("Plates", _plates(tables, study)),
        (
            "Pairing",
            "Change is target − reference; pairs are matched by subject id. A pair is lost only with a reason.",
        ),
        ("Moderated t", _moderated(tables, study)),
        ("Joint tests and error rates", _multiplicity(tables, study)),
        *exact_paragraphs(tables, P_METHODS),
        *([("Regression to the mean", METHOD)] if len(tables.regression_to_mean) else []),
        ("Random numbers", f"Flips and relabellings that are drawn start from seed {study.seed}."),
    ]


def methods_used(tables: ReportTables, plan: FigurePlan) -> Grid:
    """The estimators that rows name, by contrast: what ran, not what was asked for."""
    keys = ["contrast", "method", "p_method", "ci_method"]
    # The interval of an odds ratio of detection stands beside it, not in the columns of an estimate.
    odds = tables.shifts["method"].str.startswith("detection") & tables.shifts["effect_low"].notna()
    shifts = tables.shifts.assign(ci_method=tables.shifts["ci_method"].mask(odds, "exact"))
    grouped = shifts.groupby(keys, sort=False).size().rename("features").reset_index()
    rows = [
        [
            text(contrast_label(plan, row.contrast)),
            text(METHODS.get(row.method, row.method.replace("_", " ")) or "no estimate"),
            text(P_METHODS.get(row.p_method, row.p_method.replace("_", " "))),
            text(P_METHODS.get(row.ci_method, row.ci_method.replace("_", " "))),
            figure(count(row.features), float(row.features)),
        ]
        for row in records(grouped)
    ]
    headings = [
        Heading("Contrast"), Heading("Estimator"), Heading("p-value"), Heading("Interval"), Heading("Features", True),
    ]  # fmt: skip
    return Grid(
        headings, rows, "Estimators used", "Taken from the columns method, p_method and ci_method of shifts.tsv."
    )


def _scale(tables: ReportTables, study: Study) -> str:
    scales = set(tables.shifts["scale"])
    words = [
        ("log2", "concentrations, absolute counts and indices as log2, so that a shift is a ratio"),
        ("logit", "cell fractions as natural logit, so that a shift is an odds ratio"),
        ("identity", "clinical scores as they are, so that a shift is a difference of points"),
    ]
    said = listing([text for scale, text in words if scale in scales])
    units = sorted({source.unit for source in study.cytokines} & {"NPX", "NPQ"})
    logged = f" {listing(units)} is a logarithm already and was not logged again." if units else ""
    return f"Analysed: {said}.{logged}" if said else f"Nothing was analysed.{logged}"


def _non_detects(tables: ReportTables, study: Study) -> str:
    limits = study.limits
    shifts = tables.shifts
    exact = shifts["p_method"].isin(["sign_flip", "exact_order"]) & shifts["method"].str.startswith("censored")
    own = f" {EXACT_INSTEAD}" if exact.any() else ""
    floors = (
        "Constants that somebody wrote in place of non-detects are searched for and treated as non-detects; a smallest "
        "value that repeats is not called one where the file itself writes non-detects for that analyte and plate."
        if limits.detect_floors
        else "The search for constants written in place of non-detects was turned off."
    )
    return (
        "A value below its limit is an interval and stays one in tables and figures; in the tests "
        f"{POLICIES[limits.policy]}. {_bias(limits.policy)}.{own} A feature below its limit in more than "
        f"{percent(limits.detection_only_above)} of a contrast's values is tested on detection only. {floors} "
        "A gap without a limit is missing, not below."
    )


def _bias(policy: str) -> str:
    if policy == "censored":
        return CENSORED
    if policy == "drop":
        return "Leaving them out is biased: the values that remain are the higher ones"
    return BIAS


def _moderated(tables: ReportTables, study: Study) -> str:
    ran = tables.shifts["method"].fillna("").str.startswith("moderated_").any()
    # Pairs without non-detects are moderated unasked where they can be; their notes say why not.
    asked = any(contrast.method == "moderated_t" for contrast in study.contrasts)
    asked = asked or any("not moderated" in note for note in tables.shifts["note"].fillna(""))
    if ran:
        otherwise = "Where it did not have them, the ordinary t stands and the note of the row says why."
    elif asked:
        otherwise = "It was not used; the ordinary t stands and the note of the row says why."
    else:
        otherwise = "It was not used: nothing asked for it."
    return (
        "The moderated t needs at least 20 features of one layer in a contrast, each with at most "
        f"{percent(0.2)} non-detects, and a median of 5 residual degrees of freedom, or its prior cannot be learned. "
        f"{otherwise}"
    )


def _quality(study: Study) -> str:
    rules = study.quality
    named = [
        f"replicate CV above {percent(rules.max_replicate_cv.limit)} ({_done(rules.max_replicate_cv.on_fail)})",
        f"samples beyond {rules.outlier_mads.limit:g} MADs on the sample map ({_done(rules.outlier_mads.on_fail)})",
        f"samples far off in more than {percent(rules.failed_sample.limit)} of analytes "
        f"({_done(rules.failed_sample.on_fail)})",
        f"unit slips ({_done(rules.unit_slip.on_fail)})",
        f"visits computed from other visits ({_done(rules.derived_visit.on_fail)})",
    ]
    return f"Looked for: {'; '.join(named)}. Conflicting duplicate rows {DUPLICATES[study.duplicates]}."


def _done(on_fail: str) -> str:
    return {"flag": "flagged, kept", "exclude": "excluded"}[on_fail]


def _plates(tables: ReportTables, study: Study) -> str:
    text = PLATES[study.normalize.plates]
    adjusted = tables.plate_factors["feature"].nunique()
    if study.normalize.plates != "none":
        verb = "has" if adjusted == 1 else "have"
        text += f" {plural(adjusted, 'analyte')} {verb} a factor; visit and arm are never read."
    return text


def _multiplicity(tables: ReportTables, study: Study) -> str:
    tiers = set(tables.families["tier"])
    rules = [capital(words) for words in dict.fromkeys(tables.families["correction"]) if words and not is_joint(words)]
    text = f"{'. '.join(rules)}." if rules else ""
    if "primary" in tiers:
        text += (
            f" Primary endpoints share alpha {study.alpha:g} by Holm; secondary ones open, in the plan's order, only "
            "when every primary is rejected, each at the full alpha as long as all before it were fully rejected. So "
            f"the chance of any false claim among primary and secondary together is at most {study.alpha:g}."
        )
    else:
        text += " No primary endpoint was planned, so nothing is decided."
    text += " Exploratory endpoints carry q-values (Benjamini–Hochberg, missing p-values ignored) and no decision."
    return text.strip()

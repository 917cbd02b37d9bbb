"""Where does each sample lie among the others? Principal components, and a distance that outliers cannot pull."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from cytoshift.findings import Finding, action_of, finding
from cytoshift.frames import conform, empty
from cytoshift.quality.robust import column_mad, column_median
from cytoshift.quality.scale import points, to_matrix
from cytoshift.study.settings import OutlierMads
from cytoshift.tables import SAMPLE_MAP

FEWEST_SAMPLES, FEWEST_FEATURES = 5, 3
USUALLY_PRESENT = 0.5  # of samples with a number, for a feature to count; of features, for a sample to be placed
EXPLAINED = 0.8  # share of variance behind the distance
MOST_COMPONENTS = 5


def map_samples(
    values: pd.DataFrame, samples: pd.DataFrame, rule: OutlierMads
) -> tuple[pd.DataFrame, list[str], list[Finding]]:
    """Place samples by principal components of the standardised analysis-scale values, and find those far off.

    `values` as from `collapse_replicates` without excluded rows; `samples` the kept samples; `rule` is the plan's.
    Features present in half the samples, centred by median and scaled by SD, gaps filled with the feature's median, a
    non-detect at its limit; `PCA(svd_solver="full")`, each component's largest loading positive. Distance: Euclidean
    over the components that explain 80 % (at most 5), each in MADs from its median; `distance_mads` is that distance
    in MADs above its median. Samples with fewer than half the features are not placed. Returns the SAMPLE_MAP table,
    the outliers, findings.
    """
    about = samples.drop_duplicates("sample").set_index("sample")
    values = values[values["sample"].isin(about.index) & (values["measure"] != "score")]
    matrix = to_matrix(values, points(values))
    numbers, names = _informative(matrix.numbers, matrix.samples)
    if numbers.shape[0] < FEWEST_SAMPLES or numbers.shape[1] < FEWEST_FEATURES:
        return empty(SAMPLE_MAP), [], []
    model = PCA(n_components=min(*numbers.shape, max(MOST_COMPONENTS, 2)), svd_solver="full")
    scores = model.fit_transform(numbers)
    largest = np.argmax(np.abs(model.components_), axis=1)
    scores = scores * np.sign(model.components_[np.arange(len(largest)), largest])
    explained = model.explained_variance_ratio_
    used = max(2, int(np.searchsorted(np.cumsum(explained), EXPLAINED)) + 1)
    distance = robust_distance(scores[:, :used])
    here = about.loc[names]
    plates = values[values["plate"] != ""].groupby("sample")["plate"].agg(lambda plate: plate.mode().iloc[0])
    table = pd.DataFrame(
        {
            "sample": names,
            "subject": here["subject"].to_numpy(),
            "visit": here["visit"].to_numpy(),
            "arm": here["arm"].to_numpy(),
            "plate": plates.reindex(names).fillna("").to_numpy(),
            "pc1": scores[:, 0],
            "pc2": scores[:, 1],
            "explained_pc1": explained[0],
            "explained_pc2": explained[1],
            "distance_mads": distance,
            "outlier": distance > rule.limit,
        }
    )
    outliers = table[table["outlier"]]
    found = [_describe(row, rule, numbers.shape[1]) for row in outliers.to_dict("records")]
    return conform(table, SAMPLE_MAP), outliers["sample"].tolist(), found


def robust_distance(scores: np.ndarray) -> np.ndarray:
    """How many MADs above the median distance each sample lies from the centre.

    `scores` (samples, components). Each component is centred by its median and scaled by 1.4826 MAD, the Euclidean
    length is taken, and standardised likewise; (samples,), 0 everywhere when all samples coincide.
    """
    length = np.sqrt((_standardised(scores) ** 2).sum(axis=1))
    return _standardised(length)[:, 0]


def _standardised(numbers: np.ndarray) -> np.ndarray:
    numbers = numbers.reshape(len(numbers), -1)
    centred, mad = numbers - column_median(numbers), column_mad(numbers)
    return np.divide(centred, mad, out=np.zeros_like(centred), where=mad > 0)


def _informative(numbers: np.ndarray, samples: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Standardised numbers of usable features and samples, gaps filled with the feature's median (0)."""
    known = np.isfinite(numbers)
    if not known.any():
        return numbers[:, :0], samples
    measured = known.any(axis=1)
    features = known[measured].mean(axis=0) >= USUALLY_PRESENT
    numbers, known = numbers[:, features], known[:, features]
    if not features.any():
        return numbers, samples
    kept = known.mean(axis=1) >= USUALLY_PRESENT
    centred = numbers[kept] - column_median(numbers[kept])
    count = np.maximum(np.isfinite(centred).sum(axis=0), 1)
    mean = np.nansum(centred, axis=0) / count
    spread = np.sqrt(np.nansum((centred - mean) ** 2, axis=0) / np.maximum(count - 1, 1))
    varying = spread > 1e-12
    return np.nan_to_num(centred[:, varying] / spread[varying], nan=0.0), samples[kept]


def _describe(row: dict, rule: OutlierMads, features: int) -> Finding:
    numbers = {"distance_mads": float(row["distance_mads"]), "limit": rule.limit, "features": features}
    message = (
        f"Sample {row['sample']} lies {row['distance_mads']:.1f} MADs beyond the usual distance from the other samples "
        f"(limit {rule.limit:g})."
    )
    return finding(
        "quality",
        "outlying_sample",
        message,
        numbers,
        subject=row["subject"],
        sample=row["sample"],
        plate=row["plate"],
        action=action_of(rule.on_fail),
    )

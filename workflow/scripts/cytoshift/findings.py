"""How a check says what it noticed: one sentence for a person, and the numbers that triggered it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.tables import FINDINGS

Finding = dict[str, str]


def finding(
    stage: str,
    check: str,
    message: str,
    numbers: dict[str, Any] | None = None,
    *,
    severity: str = "warning",
    action: str = "flagged",
    subject: str = "",
    sample: str = "",
    feature: str = "",
    plate: str = "",
    contrast: str = "",
) -> Finding:
    """One row of the findings table; `numbers` is written as "key=value; …", floats with six significant digits."""
    return {
        "stage": stage,
        "check": check,
        "severity": severity,
        "subject": subject,
        "sample": sample,
        "feature": feature,
        "plate": plate,
        "contrast": contrast,
        "message": message,
        "numbers": "; ".join(f"{key}={_written(value)}" for key, value in (numbers or {}).items()),
        "action": action,
    }


def findings_table(rows: Iterable[Finding]) -> pd.DataFrame:
    """The findings as a table, in the order given."""
    return conform(pd.DataFrame(list(rows), columns=FINDINGS.names()), FINDINGS)


def listed(names: Iterable[Any], most: int = 8) -> str:
    """'a, b, c' with 'and 5 more' after the first `most`."""
    items = [_written(name) for name in names]
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def plural(count: int, singular: str, several: str = "") -> str:
    """'1 sample', '3 samples'."""
    return f"{count} {singular if count == 1 else several or singular + 's'}"


def action_of(on_fail: str) -> str:
    """What the findings table calls the plan's `on_fail`."""
    return "excluded" if on_fail == "exclude" else "flagged"


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)

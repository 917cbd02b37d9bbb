"""How does a check speak of many plates and analytes without filling pages? Up to forty lines, then one for all."""

from __future__ import annotations

from cytoshift.findings import Finding, finding, listed

MOST_SEPARATE = 40


def condense(found: list[Finding], most: int = MOST_SEPARATE) -> list[Finding]:
    """The findings of one check as they are; of more than `most`, one that names analytes and plates, and the first."""
    if len(found) <= most:
        return found
    first = found[0]
    analytes = list(dict.fromkeys(row["feature"] for row in found if row["feature"]))
    plates = list(dict.fromkeys(row["plate"] for row in found if row["plate"]))
    message = (
        f"{len(found)} plate × analyte combinations ({len(analytes)} analytes: {listed(analytes)}; plates "
        f"{listed(plates)}), each as the first: {first['message']}"
    )
    numbers = {"combinations": len(found), "analytes": len(analytes), "plates": len(plates)}
    return [
        finding(first["stage"], first["check"], message, numbers, severity=first["severity"], action=first["action"])
    ]

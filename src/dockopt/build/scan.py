"""Known vulnerabilities of an image, counted by whichever scanner is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

SEVERITIES = ("critical", "high", "medium", "low", "unknown")

#: Seconds a scan may take; the first fetches the scanner's database.
TIMEOUT = 900

#: Other names scanners have for the severities.
_NAMES = {"negligible": "low", "minor": "low", "moderate": "medium", "important": "high", "unspecified": "unknown"}


class Scan(NamedTuple):
    """What a scanner found."""

    scanner: str
    counts: dict[str, int]  #: by severity, all of :data:`SEVERITIES`


class ScanFailed(Exception):
    """The scanner gave no result. ``str()`` is one clear line."""


def scanner() -> str | None:
    """``trivy``, ``grype`` or ``docker scout``, the first that is installed."""
    for name in ("trivy", "grype"):
        if shutil.which(name) is not None:
            return name
    if shutil.which("docker") is not None:
        found = subprocess.run(["docker", "scout", "version"], capture_output=True, timeout=60, check=False)
        if found.returncode == 0:
            return "docker scout"
    return None


def scan(name: str, reference: str) -> Scan:
    """Scan an image in the local engine.

    :raises ScanFailed: where the scanner fails or writes something else.
    """
    command, count = {
        "trivy": (["trivy", "image", "--quiet", "--scanners", "vuln", "--format", "json", reference], _trivy),
        "grype": (["grype", f"docker:{reference}", "--quiet", "--output", "json"], _grype),
        "docker scout": (["docker", "scout", "cves", "--format", "sarif", f"local://{reference}"], _scout),
    }[name]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise ScanFailed(f"{name} was stopped after {TIMEOUT} s") from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ScanFailed(f"{name} failed: {last[:200] or f'exit code {done.returncode}'}")
    try:
        found = count(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ScanFailed(f"{name} wrote something that is no report") from None
    counts = Counter(_NAMES.get(severity.lower(), severity.lower()) for severity in found.values())
    known = {severity: counts.pop(severity, 0) for severity in SEVERITIES}
    known["unknown"] += counts.total()
    return Scan(name, known)


def _trivy(report: Any) -> Mapping[tuple[str, str], str]:
    return {
        (each["VulnerabilityID"], each["PkgName"]): each.get("Severity", "unknown")
        for result in report.get("Results") or ()
        for each in result.get("Vulnerabilities") or ()
    }


def _grype(report: Any) -> Mapping[tuple[str, str], str]:
    return {
        (each["vulnerability"]["id"], each["artifact"]["name"]): each["vulnerability"].get("severity", "unknown")
        for each in report["matches"]
    }


def _scout(report: Any) -> Mapping[tuple[str, str], str]:
    # One rule a vulnerability, one result a vulnerable package (SARIF 2.1.0).
    found: dict[tuple[str, str], str] = {}
    for run in report["runs"]:
        rules = {rule["id"]: rule.get("properties") or {} for rule in run["tool"]["driver"].get("rules") or ()}
        for result in run.get("results") or ():
            about = rules.get(result["ruleId"], {})
            package = str((about.get("purls") or [""])[0])
            found[result["ruleId"], package] = str(about.get("cvssV3_severity") or "unknown")
    return found

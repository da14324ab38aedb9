"""What was found, for machines: a baseline of what is known already, and SARIF 2.1.0 for code hosts. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from keywright.errors import Invalid
from keywright.scan.model import Finding, Part, Rule
from keywright.scan.shapes import NAMES

BASELINE = 1
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

TITLES = {exchange: exchange.capitalize() for exchange in NAMES} | {"kucoin": "KuCoin", "okx": "OKX"}
PARTS = {Part.KEY: "API key", Part.SECRET: "API secret", Part.PASSPHRASE: "API passphrase"}
WHY = {
    Rule.HELD: "it is one that Keywright holds or issued",
    Rule.NAMED: "its name says so",
    Rule.NEAR: "it looks like one, and the exchange is named near it",
    Rule.PAIRED: "it looks like one, and its other half stands beside it",
}
WHAT_TO_DO = (
    "delete the key at the exchange and make a new one: what was written down once is copied. Then take it out of the file, "
    "and keep the new one in the vault"
)


def sentence(finding: Finding) -> str:
    """Return a finding in words, without the value."""
    hit = finding.hit
    title = TITLES.get(hit.exchange, hit.exchange)
    return f"{title} {PARTS[hit.part]} ({hit.shown}): {WHY[hit.rule]}"


def plain(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values."""
    hit = finding.hit
    return {
        "path": _printable(finding.path),
        "line": hit.line,
        "column": hit.column,
        "commit": finding.commit or None,
        "exchange": hit.exchange,
        "part": hit.part.value,
        "rule": hit.rule.value,
        "shown": hit.shown,
        "digest": hit.digest,
    }


def baseline(findings: Iterable[Finding]) -> str:
    """Return the text of a baseline that takes these findings as known."""
    known = {
        finding.hit.digest: f"{_printable(finding.path)}: {finding.hit.exchange} {finding.hit.part.value}"
        for finding in findings
    }
    return json.dumps({"keywright_scan_baseline": BASELINE, "known": known}, indent=2, sort_keys=True) + "\n"


def read_baseline(text: bytes) -> frozenset[str]:
    """Return the digests a baseline takes as known. Raises `Invalid` for anything else than a baseline."""
    try:
        content = json.loads(text)
        version, known = content["keywright_scan_baseline"], content["known"]
        if version != BASELINE:
            raise Invalid("this baseline was written by another version", hint="write it anew with --write-baseline")
        return frozenset(map(str, dict(known)))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Invalid("this is no baseline of keywright scan", hint="write one with --write-baseline") from None


def sarif(findings: Iterable[Finding], *, version: str) -> str:
    """Return the findings as SARIF 2.1.0, which code hosts show beside the lines."""
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "keywright scan",
                        "semanticVersion": version,
                        "rules": [
                            {
                                "id": rule.value,
                                "shortDescription": {"text": f"An exchange's credentials: {why}"},
                                "help": {"text": WHAT_TO_DO},
                                "defaultConfiguration": {"level": "error"},
                            }
                            for rule, why in WHY.items()
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding) for finding in findings],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    hit = finding.hit
    result: dict[str, Any] = {
        "ruleId": hit.rule.value,
        "level": "error",
        "message": {"text": sentence(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path, errors="surrogateescape")},
                    "region": {"startLine": hit.line, "startColumn": hit.column},
                }
            }
        ],
        "partialFingerprints": {"keywrightScan/v1": hit.digest},
    }
    if finding.commit:
        result["properties"] = {"commit": finding.commit}
    return result


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

"""A report as plain values, and as one HTML file to hand over: no script, nothing loaded, good on paper. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import Any

from keywright.posture.model import Line, Report, Right, Weight

WEIGHTS = {Weight.NOW: "Mend now", Weight.SOON: "Mend soon", Weight.WATCH: "Keep an eye on"}

_STYLE = """
:root { color-scheme: light; --ink: #1b2130; --soft: #5b6475; --line: #d9dde6; --now: #a3201c; --soon: #8a5a00; --watch: #3a4d8f; }
* { box-sizing: border-box; }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0; }
p, ul { margin: .25rem 0; } .soft { color: var(--soft); }
.counts { display: flex; gap: 2rem; margin: 1.25rem 0; } .counts b { display: block; font-size: 1.5rem; }
article { border: 1px solid var(--line); border-left-width: 4px; border-radius: 6px; padding: .9rem 1rem; margin: .8rem 0; break-inside: avoid; }
.now { border-left-color: var(--now); } .soon { border-left-color: var(--soon); } .watch { border-left-color: var(--watch); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .6rem 0 0; } dt { color: var(--soft); } dd { margin: 0; }
code { font: 12.5px ui-monospace, monospace; } ul { padding-left: 1.2rem; }
"""


def plain(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "at": _iso(report.at),
        "counts": {weight.value: report.count(weight) for weight in Weight},
        "keys": [_plain(line) for line in report.lines],
    }


def _plain(line: Line) -> dict[str, Any]:
    facts = asdict(line.subject)
    for name in ("made_at", "last_used_at", "checked_at", "expires_at"):
        facts[name] = None if facts[name] is None else _iso(facts[name])
    facts["exceptions"] = [{**one, "at": _iso(one["at"])} for one in facts["exceptions"]]
    concerns = [
        {"code": one.code, "weight": one.weight.value, "message": one.said, "hint": one.advice} for one in line.concerns
    ]
    return {**facts, "concerns": concerns}


def html(report: Report, *, title: str) -> str:
    """Return the report as an HTML page that stands alone."""
    counts = "".join(f"<div><b>{report.count(weight)}</b>{escape(words)}</div>" for weight, words in WEIGHTS.items())
    lines = "\n".join(_article(line) for line in report.lines) or "<p>There are no keys.</p>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f'<p class="soft">{_iso(report.at)} · {len(report.lines)} keys · no secret is in this report</p>\n'
        f'<div class="counts">{counts}</div>\n{lines}\n</body>\n</html>\n'
    )


def _article(line: Line) -> str:
    subject = line.subject
    concerns = "".join(
        f"<li>{escape(one.said)}. <span class=soft>{escape(one.advice)}.</span></li>" for one in line.concerns
    )
    facts = [
        ("Key", f"<code>{escape(subject.masked)}</code>, {escape(subject.place)}, {escape(subject.status)}"),
        ("Owner", escape(subject.owner)),
        ("May", escape(", ".join(right_in_words(right) for right in subject.rights))),
        ("From", escape(", ".join(subject.addresses)) or _bound_in_words(subject.is_bound)),
        ("Leaves from", escape(subject.egress)),
        ("Made", _iso(subject.made_at)),
        ("Last used", _iso(subject.last_used_at) if subject.last_used_at else "" if not subject.knows_use else "never"),
        ("Checked", _iso(subject.checked_at) if subject.checked_at else ""),
        ("Ends", _iso(subject.expires_at) if subject.expires_at else ""),
        ("Bots", escape(", ".join(subject.bots))),
        ("Limits", escape(", ".join(subject.limits))),
        ("Accepted", escape("; ".join(f"{one.what} by {one.by}, {_iso(one.at)}" for one in subject.exceptions))),
    ]
    described = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    weight = line.weight.value if line.weight else "fine"
    return (
        f'<article class="{weight}"><h2>{escape(subject.name)}</h2>'
        f"{f'<ul>{concerns}</ul>' if concerns else '<p class=soft>Nothing to mend.</p>'}<dl>{described}</dl></article>"
    )


def right_in_words(right: Right) -> str:
    """Return a right with how well it is known: `trade`, `no withdraw`, `withdraw unknown`, and the grade unless proven."""
    said = f"{right.name} unknown" if right.allowed is None else right.name if right.allowed else f"no {right.name}"
    return said if right.grade == "proven" or right.allowed is None else f"{said} ({right.grade})"


def _bound_in_words(bound: bool | None) -> str:
    return {True: "listed addresses only", False: "any address", None: "not known"}[bound]


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")

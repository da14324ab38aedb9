"""A posture report as one HTML file to hand over: no secret, no script, nothing loaded, good on paper. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from keywright.posture.model import Line, Report, Weight
from keywright.web.posture_model import GroupView, LineView, Mending
from keywright.web.rendering import Pages
from keywright.web.texts import SOURCE


def posture_file(pages: Pages, report: Report, *, whose: str = "", locale: str = SOURCE) -> str:
    """Return the file in this language; `whose` names whom it is about, where it is about one."""
    return pages.page(
        "posture_file.html", locale=locale, at=report.at, whose=whose, keys=len(report.lines), groups=groups_of(report)
    )


def in_full(line: Line) -> LineView:
    """Return a line as it is handed over: whoever reads it can follow no link."""
    return LineView(line.subject, tuple(Mending(concern) for concern in line.concerns))


def groups_of(report: Report, view: Callable[[Line], LineView] = in_full) -> tuple[GroupView, ...]:
    """Return a report's lines by how soon they should be mended, those where nothing need be last."""

    def groups() -> Iterator[GroupView]:
        for weight in (*Weight, None):
            lines = tuple(view(line) for line in report.lines if line.weight is weight)
            if lines:
                yield GroupView(weight, lines)

    return tuple(groups())

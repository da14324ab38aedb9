"""Interleaved rounds: every contender a slice of time in turn, again and again, so that noise falls on all alike.

What is counted is the processor's time, so that waiting for a core that others have is not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 5
SLICE_SECONDS = 0.25


Work = Callable[[int], int | None]
"""Does as many calls as it is told; returns the nanoseconds it used if that was in another process."""


def measure(contenders: Mapping[str, Work], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return, per contender, nanoseconds per call of each round."""
    sizes = {name: _calibrate(work) for name, work in contenders.items()}
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            results[name].append(_used(work, sizes[name]) / sizes[name])
    return results


def _used(work: Work, count: int) -> int:
    began = time.thread_time_ns()
    elsewhere = work(count)
    return time.thread_time_ns() - began if elsewhere is None else elsewhere


def _calibrate(work: Work) -> int:
    count = 1
    while True:
        took = _used(work, count) / 1e9
        if took > SLICE_SECONDS / 10:
            return max(1, int(count * SLICE_SECONDS / took))
        count *= 4


def table(title: str, results: Mapping[str, list[float]], *, ours: str) -> tuple[str, dict[str, object]]:
    """Return the results as lines to read, and as an object to keep."""
    base = statistics.median(results[ours])
    lines, rows = [f"\n{title}", f"  {'':<34}{'median ns':>12}{'spread':>9}{'ratio':>9}"], []
    for name, values in sorted(results.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(values)
        spread = (max(values) - min(values)) / median
        lines.append(f"  {name:<34}{median:>12,.0f}{spread:>9.0%}{median / base:>8.2f}×")
        rows.append(
            {"name": name, "median_ns": round(median), "spread": round(spread, 3), "ratio": round(median / base, 3)}
        )
    return "\n".join(lines), {"title": title, "ours": ours, "rows": rows}

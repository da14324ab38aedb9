"""Interleaved rounds: every contender a slice of time in turn, again and again, so that noise falls on all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 5
SLICE_SECONDS = 0.25


def measure(contenders: Mapping[str, Callable[[int], None]], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return, per contender, nanoseconds per call of each round. A contender does `n` calls when called with `n`."""
    sizes = {name: _calibrate(work) for name, work in contenders.items()}
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            began = time.perf_counter_ns()
            work(sizes[name])
            results[name].append((time.perf_counter_ns() - began) / sizes[name])
    return results


def _calibrate(work: Callable[[int], None]) -> int:
    count = 1
    while True:
        began = time.perf_counter()
        work(count)
        took = time.perf_counter() - began
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

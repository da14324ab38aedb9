"""`make bench`: every comparison once, as a table on the screen and as JSON beside it.

`--in-process` leaves out what goes over HTTP.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.contenders import GROUPS
from benchmarks.over_http import over_http
from benchmarks.rounds import measure, table
from keywright import is_native


def main() -> None:
    """Measure, print, write `bench.json`."""
    kept = []
    print("Only the ratios within one run are claims: machines differ, and are shared.")
    print("The protocol's compiled part is in use." if is_native() else "The protocol is all Python.")
    for title, (ours, contenders) in GROUPS.items():
        text, rows = table(title, measure(contenders()), ours=ours)
        print(text)
        kept.append(rows)
    if "--in-process" not in sys.argv:
        kept.append(over_http())
    Path("bench.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print("\nwritten to bench.json")


if __name__ == "__main__":
    main()

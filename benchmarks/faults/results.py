"""What came of every fault, with the time at which it was inflicted: benchmarks/results/faults.json."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import psutil

from benchmarks.faults.fault import FAULTS, Row
from benchmarks.machine import RESULTS, save


class Results:
    """Written after every fault: what ran is kept when the rest is broken off.

    Faults may come from several runs, so each says when it ran. `earlier`: keeps those that do not run this time.
    """

    def __init__(self, outage_s: float, *, earlier: bool) -> None:
        self._outage_s = outage_s
        path = RESULTS / "faults.json"
        known = json.loads(path.read_text())["faults"] if earlier and path.exists() else []
        self._rows: dict[str, dict[str, Any]] = {row["name"]: row for row in known}

    def add(self, row: Row) -> Row:
        when = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "load_average": round(psutil.getloadavg()[0], 1)}
        self._rows[row.name] = msgspec.to_builtins(row) | when | {"outage_s": self._outage_s}
        save("faults", {"faults": [self._rows[name] for name in FAULTS if name in self._rows]})
        return row

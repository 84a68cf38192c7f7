"""Breaks everything once on the whole product, and counts what was lost. `make faults`.

make faults                                       all, into benchmarks/results/faults.json (a quarter of an hour)
make faults ARGS="--only web-killed box-killed"   some; what is known of the others stays in the results
make faults ARGS="--outage 15"                    what is stopped stays away for 15 s instead of a minute
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.faults.fault import FAULTS, Fault, Row, Violated, judged, missed
from benchmarks.faults.product import Product
from benchmarks.faults.results import Results

OUTAGE_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these faults")
    parser.add_argument("--outage", type=float, default=OUTAGE_S, help="seconds that a stopped part stays away")
    parser.add_argument("--keep", type=Path, help="an empty folder for data and logs, which stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        product = Product(options.keep or Path(temporary), options.outage)
        try:
            product.start()
            results = Results(options.outage, earlier=bool(options.only))
            rows = [results.add(_inflicted(product, fault)) for fault in _chosen(options.only)]
        finally:
            product.stop()
    held = sum(row.held for row in rows)
    print(f"{held} of {len(rows)} faults lost no more than their bound.")
    return 0 if held == len(rows) else 1


def _chosen(names: list[str] | None) -> list[Fault]:
    from benchmarks.faults import catalogue  # noqa: F401  (registers them; needs a product that runs)

    unknown = set(names or ()) - set(FAULTS)
    if unknown:
        raise SystemExit(f"There is no fault {', '.join(sorted(unknown))}. There are: {', '.join(FAULTS)}")
    return [FAULTS[name] for name in names or FAULTS]


def _inflicted(product: Product, fault: Fault) -> Row:
    try:
        product.recovered()
        before = product.lost()
        outcome = fault.inflict(product)
        product.recovered()
        row = judged(fault, outcome, product.lost() - before)
    except Exception as error:  # noqa: BLE001  (whatever broke, the other faults go on)
        words = str(error) if isinstance(error, Violated) else f"{type(error).__name__}: {error}"
        row = missed(fault, words)
        product.heal()
    print(row.line(), flush=True)
    return row


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"Took {time.monotonic() - started:.0f} s.")
    sys.exit(code)

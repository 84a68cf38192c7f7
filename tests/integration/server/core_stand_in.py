"""Stands in for `python -m workers.merging run`: writes what the real core writes, at once, as its arguments tell.

Usage: core_stand_in.py BEHAVIOUR RESULT_DIR OUT [--resume]. RESULT_DIR holds a prepared result; behaviours: finish,
refuse, crash, hang, and accept-crash, accept-hang, which accept something before. It refuses every checkpoint.
"""

import json
import shutil
import sys
import time


def main(behaviour: str, result_dir: str, out: str, *flags: str) -> int:
    if "--resume" in flags:
        sys.stderr.write("The checkpoint is of another run.\n")
        return 3
    if behaviour.startswith("accept-"):
        shutil.copytree(result_dir, out)
        behaviour = behaviour.removeprefix("accept-")
    figures = [{"name": "count-cars", "relative_accuracy": 0.97}]
    print(json.dumps({"type": "started", "bytes_before": 100, "bytes_after": 100, "queries": []}), flush=True)
    print("a library says something", flush=True)
    print(json.dumps({"type": "evaluated", "bytes_after": 60, "queries": figures}), flush=True)
    if behaviour == "refuse":
        sys.stderr.write('Query "count-cars" needs at least 32 train frames but has 0.\n')
        return 2
    if behaviour == "crash":
        sys.stderr.write("Traceback\nRuntimeError: it broke\n")
        return 1
    while behaviour == "hang":
        time.sleep(0.05)
    shutil.copytree(result_dir, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The child process that opens an uploaded model. Knows neither Django nor the database; limits itself first.

`python -m workers.tasks.model_check_child FOLDER` reads FOLDER/request.json and writes FOLDER/blobs/<digest> and then
FOLDER/answer.json.
"""

import os
import resource
import sys
from pathlib import Path

import msgspec

from edge_runtime.protocol.errors import GemelError
from workers.tasks.model_check import CheckAnswer, CheckRequest

MEMORY_BYTES = 8 * 2**30
CPU_S = 300
FILE_BYTES = 3 * 2**30


def limit_process() -> None:
    """RLIMIT_DATA, not RLIMIT_AS: torch maps far more addresses than it uses."""
    limits = (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in limits:
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def main(folder: Path) -> None:
    limit_process()
    os.environ["OMP_NUM_THREADS"] = "1"
    from workers.tasks.model_file import check_model_file  # torch comes after the limits

    request = msgspec.json.decode((folder / "request.json").read_bytes(), type=CheckRequest)
    try:
        answer = check_model_file(request, folder / "blobs")
    except GemelError as error:
        answer = CheckAnswer(problem=str(error))
    except MemoryError:
        answer = CheckAnswer(problem="The model needs more memory than a check may take.")
    (folder / "answer.json").write_bytes(msgspec.json.encode(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

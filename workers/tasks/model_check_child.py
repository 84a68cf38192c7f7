"""The child process that opens an uploaded model. Knows neither Django nor the database; limits itself first.

`python -m workers.tasks.model_check_child FOLDER` reads FOLDER/request.json and writes FOLDER/answer.json, after
FOLDER/blobs/<digest> where a model is checked.
"""

import os
import resource
import sys
from pathlib import Path

import msgspec

from edge_runtime.protocol.errors import GemelError
from workers.tasks.model_check import CheckAnswer, CheckRequest, RecogniseAnswer, RecogniseRequest

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
    request = msgspec.json.decode((folder / "request.json").read_bytes(), type=CheckRequest | RecogniseRequest)
    (folder / "answer.json").write_bytes(msgspec.json.encode(_answer(request, folder)))


def _answer(request: CheckRequest | RecogniseRequest, folder: Path) -> CheckAnswer | RecogniseAnswer:
    from workers.tasks.model_file import CORRECTABLE, check_model_file, recognise_model_file  # torch after the limits

    refused = CheckAnswer if isinstance(request, CheckRequest) else RecogniseAnswer
    try:
        if isinstance(request, RecogniseRequest):
            return recognise_model_file(request)
        return check_model_file(request, folder / "blobs")
    except CORRECTABLE as error:
        return CheckAnswer(problem=str(error), is_correctable=True)
    except GemelError as error:
        return refused(problem=str(error))
    except MemoryError:
        return refused(problem="The model needs more memory than a check may take.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

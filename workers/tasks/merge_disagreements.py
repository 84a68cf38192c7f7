"""What the core wrote of frames on which the models disagree. Only an illustration: what cannot be read is left out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from webapp.merges.services import DisagreementFound
from webapp.workloads.models import Dataset, DatasetKind
from workers.merging.disagreements import FOLDER, Disagreement, QueryDisagreements, read_disagreements

PICTURE_MAX_BYTES = 2**20
_TIMES = range(10**9, 2**33)  # seconds since 1970 that a box may have taken a frame at

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Disagreements:
    """Those of one query."""

    told: QueryDisagreements
    folder: Path

    @property
    def frames(self) -> int:
        return self.told.frames

    @property
    def differing(self) -> int:
        return self.told.differing

    def found(self, dataset: Dataset | None) -> tuple[DisagreementFound, ...]:
        """`dataset`: only of frames that a box took is the time known; elsewhere it is the order."""
        is_time = dataset is not None and dataset.kind == DatasetKind.FRAMES
        return tuple(_found(one, self.folder, is_time=is_time) for one in self.told.examples)


def disagreements_told(result_dir: Path) -> Mapping[str, Disagreements]:
    """By query, as the core calls it."""
    try:
        found = read_disagreements(result_dir)
    except (OSError, msgspec.DecodeError) as error:
        logger.warning("The disagreements in %s cannot be read: %s", result_dir, error)
        return {}
    return {one.query: Disagreements(one, result_dir / FOLDER) for one in found}


def _found(one: Disagreement, folder: Path, *, is_time: bool) -> DisagreementFound:
    return DisagreementFound(
        frame=one.frame,
        taken_at=datetime.fromtimestamp(one.at, UTC) if is_time and int(one.at) in _TIMES else None,
        picture=_picture(folder / Path(one.picture).name) if one.picture else b"",
        size=(one.width, one.height),
        original=msgspec.to_builtins(one.original),
        merged=msgspec.to_builtins(one.merged),
        truth=None if one.truth is None else msgspec.to_builtins(one.truth),
    )


def _picture(path: Path) -> bytes:
    try:
        content = path.read_bytes() if path.stat().st_size <= PICTURE_MAX_BYTES else b""
    except OSError as error:
        logger.warning("A picture of a disagreement cannot be read: %s", error)
        return b""
    return content if content.startswith(b"\xff\xd8") else b""

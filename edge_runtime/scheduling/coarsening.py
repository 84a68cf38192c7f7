"""Profiles with few large tensors instead of many small ones, for simulations that have to answer at once. Pure.

A network has hundreds of tensors and a decision looks at all of them. Tensors that are used by the same slots come and
go together but for the last ones, so pieces of a twelfth of a model change what a simulation finds by a percent or two.
"""

from edge_runtime.scheduling.words import ModelProfile, Profiles

PIECES = 12


def coarse(profiles: Profiles, pieces: int = PIECES) -> Profiles:
    """The same bytes, shared by the same slots, in about `pieces` tensors for a model of average size."""
    if not profiles.models:
        return profiles
    piece_bytes = sum(model.weight_bytes for model in profiles.models) / len(profiles.models) / pieces
    piece_of, sizes = dict[str, str](), dict[str, int]()
    for tensors in _by_users(profiles).values():
        piece = ""
        for digest, size_bytes in tensors.items():
            if not piece or sizes[piece] >= piece_bytes:
                piece, sizes[digest] = digest, 0
            piece_of[digest] = piece
            sizes[piece] += size_bytes
    return Profiles(tuple(_pieced(model, piece_of, sizes) for model in profiles.models))


def _by_users(profiles: Profiles) -> dict[frozenset[str], dict[str, int]]:
    groups: dict[frozenset[str], dict[str, int]] = {}
    for model in profiles.models:
        for digest, size_bytes in model.tensors.items():
            groups.setdefault(profiles.users[digest], {})[digest] = size_bytes
    return groups


def _pieced(model: ModelProfile, piece_of: dict[str, str], sizes: dict[str, int]) -> ModelProfile:
    pieces = {piece_of[digest]: sizes[piece_of[digest]] for digest in model.tensors}
    return ModelProfile(model.slot, pieces, model.batches, model.switch_ms)

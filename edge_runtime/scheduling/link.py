"""The way weights take to the compute device: one after the other, in chunks that are never broken off. Pure.

The same division into chunks is used by the executor's copying thread and by the simulator's virtual one.
"""

from collections.abc import Iterator, Mapping, Sequence

_CHUNK_BYTES = 256 * 1024  # small tensors travel together; what is on its way is waited for, so not too much


def chunks(digests: Sequence[str], sizes: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """`digests` in order, as few as reach _CHUNK_BYTES together."""
    chunk: list[str] = []
    size_bytes = 0
    for digest in digests:
        chunk.append(digest)
        size_bytes += sizes[digest]
        if size_bytes >= _CHUNK_BYTES:
            yield tuple(chunk)
            chunk, size_bytes = [], 0
    if chunk:
        yield tuple(chunk)

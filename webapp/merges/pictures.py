"""What the picture of sharing shows: each model a column of its layers by bytes, and which of them became one."""

from collections.abc import Iterable
from typing import Any

from webapp.merges.models import MergedGroup, MergedGroupQuery


def sharing_picture(group: MergedGroup, members: Iterable[MergedGroupQuery]) -> dict[str, Any]:
    """{"columns": [{"query", "model", "layers": [{"name", "size_bytes", "shared"}]}], ...} in the networks' order.

    `shared` is the index of the shared layer group that the layer belongs to, None for a private one.
    """
    shared = _shared_indices(group.shared_layers)
    columns = [
        {
            "query": member.name,
            "model": member.model.name,
            "layers": [
                {
                    "name": layer["name"],
                    "size_bytes": layer["size_bytes"],
                    "shared": shared.get((member.name, layer["name"])),
                }
                for layer in sorted(member.model.layers, key=lambda layer: layer["position"])
                if layer["size_bytes"]
            ],
        }
        for member in members
    ]
    return {"columns": columns, "groups": len(group.shared_layers)}


def after_widths(group: MergedGroup) -> dict[str, str]:
    """Shared and private weights after merging as widths of a bar whose whole is the weights before."""
    shared = sum(layer["size_bytes"] for layer in group.shared_layers)
    whole = max(1, group.bytes_before)
    private = max(0, group.bytes_after - shared)
    return {"shared_width": f"{100 * shared / whole:.2f}%", "private_width": f"{100 * private / whole:.2f}%"}


def _shared_indices(shared_layers: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """(query name, layer name) -> index. A query may use one shared copy at several places."""
    indices = {}
    for index, layer in enumerate(shared_layers):
        for query, names in layer["members"].items():
            for name in [names] if isinstance(names, str) else names:
                indices[query, name] = index
    return indices

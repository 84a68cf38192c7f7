"""YAML to typed structs, with errors that name the line. Knows nothing of workloads."""

import re
from typing import TypeVar

import msgspec
import yaml

from edge_runtime.protocol.errors import GemelError

T = TypeVar("T")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class YamlError(GemelError):
    code = "workload_file"


def decode_yaml(text: str, kind: type[T], source: str) -> T:
    """`text` as a `kind`. Raises YamlError: "source, line N: what is wrong"."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"{source}, line {line}: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise YamlError(f"{source} is no YAML file: {error}.") from error
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        line = line_of(root, path.strip("`"))
        raise YamlError(f"{source}, line {line}: {message.rstrip('.')}{_where(path)}.") from error


def line_of(root: yaml.Node | None, path: str) -> int:
    """The line (from 1) of the deepest node on a path such as `$.queries[0].model`."""
    node, line = root, 1
    for key, index in _STEP.findall(path):
        child = _child(node, key, index)
        if child is None:
            break
        node, line = child
    return line


def _child(node: yaml.Node | None, key: str, index: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value, name.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
        value = node.value[int(index)]
        return value, value.start_mark.line + 1
    return None


def _where(path: str) -> str:
    place = path.strip("`").removeprefix("$").lstrip(".")
    return f" (at {place})" if place else ""

"""Makes torchvision importable beside a CPU build of torch. Import `torchvision` from here, and only from here.

PyPI's torchvision is compiled against CUDA, so its operators cannot load beside a CPU torch, and then even its import
fails: it refers to operators (nms, qnms) that nobody defined. Here they are defined in Python where that is so, and
nothing happens where the compiled ones load. Still missing in that case: roi_pool, deform_conv2d, torchvision.io.
"""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from edge_runtime.vision import cpu_operators


def _load_compiled() -> bool:
    """Whether torchvision's own operators load. Tried, not guessed: an operator defined twice aborts the process."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("torchvision is not installed")
    for library in sorted(Path(found.origin).parent.glob("_C*.*")):
        try:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        except (OSError, RuntimeError):  # unresolved symbols: built for another torch
            continue
        return True
    return False


@contextlib.contextmanager
def _without_compiler() -> Iterator[None]:
    """torchvision's roi_align asks torch's compiler one question at import, which costs 2 of the import's 6 seconds.

    The answer is replaced below anyway, so the compiler stays unloaded until somebody really compiles.
    """
    names = ("torch._dynamo", "torch._dynamo.utils")
    if names[0] in sys.modules:
        yield
        return
    for name in names:
        sys.modules[name] = ModuleType(name)
    sys.modules[names[1]].is_compile_supported = lambda device_type: True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def _install_fallback() -> torch.library.Library:
    """Defines the operators and imports torchvision. They live as long as the returned library."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    library.impl("nms", cpu_operators.nms, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    # By name: the attributes torchvision.ops.boxes and .roi_align are not both modules.
    with _without_compiler():
        boxes: Any = importlib.import_module("torchvision.ops.boxes")
        roi_align: Any = importlib.import_module("torchvision.ops.roi_align")
    for module in (boxes, roi_align):  # the other operators keep their clear "couldn't load" error
        module._assert_has_ops = lambda: None
    # torchvision's own Python roi_align goes through torch.compile: 62 s for the first picture, and it needs g++.
    roi_align._roi_align = cpu_operators.roi_align
    roi_align.is_compile_supported = lambda device_type: True
    return library


HAS_COMPILED_OPERATORS = _load_compiled()
_fallback = None if HAS_COMPILED_OPERATORS else _install_fallback()

import torchvision  # noqa: E402  (possible only now)

__all__ = ["HAS_COMPILED_OPERATORS", "torchvision"]

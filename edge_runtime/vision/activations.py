"""How much memory a network's forward pass needs besides its weights, by measuring one."""

import weakref

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def activation_bytes(module: nn.Module, batch: Tensor) -> int:
    """Peak bytes of tensors alive at once in one inference pass over `batch` (N, 3, H, W), `batch` itself included.

    Parameters and buffers do not count. On CUDA the allocator's peak, workspaces included; on the CPU what operators
    return, without the scratch memory that a kernel frees before it returns. Leaves `module` in eval mode.
    """
    module.eval()
    with torch.inference_mode():
        return _cuda_peak(module, batch) if batch.is_cuda else _cpu_peak(module, batch)


def _cuda_peak(module: nn.Module, batch: Tensor) -> int:
    torch.cuda.synchronize(batch.device)
    torch.cuda.reset_peak_memory_stats(batch.device)
    before = torch.cuda.memory_allocated(batch.device)
    module(batch)
    torch.cuda.synchronize(batch.device)
    return int(torch.cuda.max_memory_allocated(batch.device) - before + batch.untyped_storage().nbytes())


def _cpu_peak(module: nn.Module, batch: Tensor) -> int:
    weights = [*module.parameters(), *module.buffers()]
    live = _LiveStorages(ignored={tensor.untyped_storage().data_ptr() for tensor in weights})
    live.add(batch)
    with live:
        module(batch)
    return live.peak


class _LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows every storage that an operator returns until it is freed. Views share a storage and count once."""

    def __init__(self, ignored: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._ignored = ignored
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return result

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if id(storage) in self._sizes or storage.data_ptr() in self._ignored:
            return
        self._sizes[id(storage)] = storage.nbytes()
        weakref.finalize(storage, self._freed, id(storage))
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)

    def _freed(self, identity: int) -> None:
        self._now -= self._sizes.pop(identity)

"""Mixed precision of joint training on accelerators. Evaluation runs in full precision: it measures what is shipped."""

import enum

import torch


class Precision(enum.StrEnum):
    """The dtype of forward passes in training; weights, gradients and the optimiser stay float32."""

    FULL = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


_DTYPES = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}


def precision_for(device: torch.device) -> Precision:
    """Full on a CPU. bfloat16 where an accelerator has it: it needs no loss scaling."""
    if device.type != "cuda":
        return Precision.FULL
    return Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT16


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    return torch.autocast(device.type, dtype=_DTYPES.get(precision), enabled=precision in _DTYPES)


def gradient_scaler(device: torch.device, precision: Precision) -> torch.amp.GradScaler:
    """Passes everything through as it is but for float16, whose small gradients would vanish."""
    return torch.amp.GradScaler(device.type, enabled=precision is Precision.FLOAT16)

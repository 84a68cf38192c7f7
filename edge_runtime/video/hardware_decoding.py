"""Finding a hardware decoder that FFmpeg can use here. Decoded pictures come back into system memory."""

import logging
from functools import cache

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

log = logging.getLogger(__name__)

# What most cameras send: a device that cannot decode it is of no use.
_CODEC = "h264"
# CUDA: in the context that the models run in. One of its own would take hundreds of MiB for every camera.
_OPTIONS: dict[str, dict[str, object]] = {"cuda": {"primary_ctx": "1"}}


@cache
def hardware_decoder() -> HWAccel | None:
    """The first kind of device that FFmpeg was built with, that opens on this machine, and that decodes H.264.

    None where there is none. A stream that the device cannot decode is decoded in software all the same.
    Asked once per process: opening a device takes up to a second.
    """
    for kind in hwdevices_available():
        device = HWAccel(kind, allow_software_fallback=True, options=_OPTIONS.get(kind))
        try:
            is_usable = av.CodecContext.create(_CODEC, "r", hwaccel=device).is_hwaccel
        except (av.FFmpegError, OSError) as error:
            # FFmpeg knows more devices than a machine has.
            log.debug("No %s device: %s", kind, error)
            continue
        if is_usable:
            log.info("Video is decoded by the %s device", kind)
            return device
    return None

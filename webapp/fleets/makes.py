"""How makes of network cameras usually name their streams: what stands after the address in rtsp://user:password@...

As is widely documented; models differ, so this is help for a person and decides nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Make:
    """`second`: the smaller stream."""

    name: str
    first: str
    second: str


MAKES = (
    Make("Axis", "/axis-media/media.amp", "/axis-media/media.amp?resolution=640x360"),
    Make("Dahua, Amcrest, Lorex", "/cam/realmonitor?channel=1&subtype=0", "/cam/realmonitor?channel=1&subtype=1"),
    Make("Foscam", ":88/videoMain", ":88/videoSub"),
    Make("Hanwha (Wisenet)", "/profile1/media.smp", "/profile2/media.smp"),
    Make("Hikvision, Annke", "/Streaming/Channels/101", "/Streaming/Channels/102"),
    Make("Reolink", "/h264Preview_01_main", "/h264Preview_01_sub"),
    Make("TP-Link Tapo, VIGI", "/stream1", "/stream2"),
    Make("Uniview", "/media/video1", "/media/video2"),
    Make("Vivotek", "/live1s1.sdp", "/live1s2.sdp"),
)

"""Addresses of files: how fast they are played, and options that there are not."""

import pytest

from edge_runtime.protocol.sources import SourceError, is_paced, source_kind


@pytest.mark.parametrize(
    ("address", "paced"),
    [
        ("file:///films/a.mp4", True),
        ("file:///films/a.mp4?pace=timestamps", True),
        (" file:///films/a.mp4?pace=fast ", False),
        ("/films/a.mp4?pace=fast", True),  # a path is a path, whatever is in it
        ("rtsp://camera/live?pace=fast", True),
    ],
)
def test_only_a_file_whose_address_says_so_is_read_as_fast_as_possible(address, paced):
    source_kind(address)
    assert is_paced(address) is paced


@pytest.mark.parametrize("option", ["pace=slow", "pace=", "speed=2", "pace=fast&pace=fast", "what.mp4"])
def test_refuses_an_option_that_there_is_not(option):
    with pytest.raises(SourceError, match="The only option"):
        source_kind(f"file:///films/a.mp4?{option}")

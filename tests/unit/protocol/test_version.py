"""Box and server one version apart speak the version between them; further apart they say who has to be updated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.version import SPOKEN, Versions, VersionsApart, agreed, versions_from

OLDEST, NEWEST = SPOKEN
ranges = st.tuples(st.integers(1, 99), st.integers(0, 9)).map(lambda pair: Versions(pair[0], sum(pair)))


def test_this_version_speaks_with_the_one_before_and_the_one_after() -> None:
    assert agreed(box=Versions(NEWEST - 1, NEWEST - 1), server=SPOKEN) == NEWEST - 1
    assert agreed(box=Versions(OLDEST + 1, NEWEST + 1), server=SPOKEN) == NEWEST
    assert agreed(box=SPOKEN, server=Versions(NEWEST - 1, NEWEST - 1)) == NEWEST - 1


def test_who_says_nothing_is_from_before_versions_were_said() -> None:
    assert versions_from("") == Versions(1, 1)


@pytest.mark.parametrize(
    ("box", "server", "behind"),
    [((1, 2), (3, 4), "box"), ((3, 4), (1, 2), "server")],
)
def test_who_is_behind_is_named(box: tuple[int, int], server: tuple[int, int], behind: str) -> None:
    with pytest.raises(VersionsApart, match=f"update the {behind}"):
        agreed(box=Versions(*box), server=Versions(*server))


@given(ranges, ranges)
def test_what_is_agreed_on_is_the_newest_that_both_speak(box: Versions, server: Versions) -> None:
    common = set(range(box.oldest, box.newest + 1)) & set(range(server.oldest, server.newest + 1))
    if common:
        assert agreed(box=box, server=server) == max(common)
    else:
        with pytest.raises(VersionsApart):
            agreed(box=box, server=server)


@given(ranges)
def test_what_is_said_is_understood(said: Versions) -> None:
    assert versions_from(str(said)) == said


@given(st.text())
def test_nonsense_is_refused_and_never_more_than_that(header: str) -> None:
    try:
        found = versions_from(header)
    except ProtocolError:
        return
    assert 1 <= found.oldest <= found.newest


def test_a_reason_to_close_a_websocket_fits_into_one() -> None:
    with pytest.raises(VersionsApart) as caught:
        agreed(box=Versions(10001, 10002), server=Versions(10003, 10004))
    assert len(str(caught.value).encode()) <= 123

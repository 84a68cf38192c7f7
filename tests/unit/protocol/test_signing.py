"""Following the server from key to key: only what the pinned key vouches for counts."""

import pytest

from edge_runtime.protocol.signing import SignatureError, newest_key, private_key_new, public_key_of, rotation

KEYS = [private_key_new() for _ in range(4)]
PUBLIC = [public_key_of(key) for key in KEYS]
CHAIN = [rotation(KEYS[i], PUBLIC[i + 1]) for i in range(3)]


@pytest.mark.parametrize("start", range(4))
def test_leads_from_any_key_of_the_chain_to_its_end(start):
    assert newest_key(PUBLIC[start], reversed(CHAIN)) == PUBLIC[3]


def test_a_key_that_no_rotation_names_stays():
    assert newest_key(public_key_of(private_key_new()), CHAIN) not in PUBLIC


def test_a_step_that_the_old_key_did_not_sign_is_refused():
    thief = rotation(KEYS[3], PUBLIC[1])
    forged = type(thief)(PUBLIC[0], PUBLIC[1], thief.signature)
    with pytest.raises(SignatureError):
        newest_key(PUBLIC[0], [forged])


def test_a_circle_ends():
    circle = [rotation(KEYS[0], PUBLIC[1]), rotation(KEYS[1], PUBLIC[0])]
    assert newest_key(PUBLIC[0], circle) == PUBLIC[0]

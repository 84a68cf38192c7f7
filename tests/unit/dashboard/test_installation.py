"""What the page of settings says of the installation."""

from webapp.dashboard.installation import fingerprint


def test_a_fingerprint_is_the_start_of_the_public_key_in_groups():
    assert fingerprint("0123456789abcdef" * 4) == "0123 4567 89ab cdef 0123 4567 89ab cdef"

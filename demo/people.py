"""The demo's people, in the database. As a command it sets a password from GEMEL_DEMO_PASSWORD."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import django


def administrator_set(username: str, password: str, must_change: bool) -> Any:
    """The administrator of everything, with this password; made at the first call. Only a hash is stored."""
    from webapp.accounts.models import Person  # needs django.setup() first

    person, _ = Person.objects.get_or_create(username=username)
    person.is_superuser = person.is_staff = True
    person.must_change_password = must_change
    person.set_password(password)
    person.save()
    return person


@contextlib.contextmanager
def session_of(username: str) -> Iterator[str]:
    """The key of a signed-in session for as long as it is needed: for the demo's own measurements and pictures."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from webapp.accounts.models import Person

    person = Person.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    try:
        yield str(session.session_key)
    finally:
        session.delete()


if __name__ == "__main__":
    django.setup()
    from webapp.accounts.models import Person

    if not Person.objects.filter(username=sys.argv[1]).exists():
        sys.exit("There is no demo here yet: start it with make demo, which shows the first password.")
    administrator_set(sys.argv[1], os.environ["GEMEL_DEMO_PASSWORD"], must_change=True)

"""The demo's administrator, in the database. As a command it sets the password from GEMEL_DEMO_PASSWORD."""

import os
import sys
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


if __name__ == "__main__":
    django.setup()
    from webapp.accounts.models import Person

    if not Person.objects.filter(username=sys.argv[1]).exists():
        sys.exit("There is no demo here yet: start it with make demo, which shows the first password.")
    administrator_set(sys.argv[1], os.environ["GEMEL_DEMO_PASSWORD"], must_change=True)

"""`manage.py rotate_signing_key`: a new key for manifests, which the old one vouches for."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction
from django.utils import timezone

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.signing import private_key_new
from webapp.common.signing_key import signing_key, signing_key_replace
from webapp.rollouts.services import signing_key_rotate


class Command(BaseCommand):
    help = (
        "Replaces the key that signs bundles. Where the key is GEMEL_SIGNING_KEY, put the new one there first and give "
        "the old one in GEMEL_SIGNING_KEY_OLD."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        is_in_environment = bool(os.environ.get("GEMEL_SIGNING_KEY"))
        old = os.environ.get("GEMEL_SIGNING_KEY_OLD") if is_in_environment else signing_key()
        if not old:
            raise CommandError("Give the key that counted until now in GEMEL_SIGNING_KEY_OLD; nothing was changed.")
        new = signing_key() if is_in_environment else private_key_new()
        try:
            with transaction.atomic():
                made = signing_key_rotate(actor=None, old_key=old, new_key=new, now=timezone.now())
                if not is_in_environment:
                    signing_key_replace(new)
        except (GemelError, ValueError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError:
            if not is_in_environment:
                signing_key_replace(old)  # the commit failed: what is stored is signed with the old key
            raise
        self.stdout.write(
            f"Bundles are signed with key {made.new_public_key[:16]}… from now on; boxes follow by themselves."
        )

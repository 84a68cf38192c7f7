"""`manage.py backup FILE`: the whole installation into one file, while it runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from edge_runtime.protocol.errors import GemelError
from webapp.backups.installation import backup


class Command(BaseCommand):
    help = "Writes database, artifact store and keys into one file, and checks it. Keep it as secret as the keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backup(options["file"])
        except GemelError as error:
            raise CommandError(str(error)) from error
        rows = sum(table.rows for table in made.tables.values())
        self.stdout.write(
            f"{options['file']} holds {rows} rows of {len(made.tables)} tables, {made.artifacts} artifacts and the "
            "keys; it was read back and is whole. It is as secret as the keys in it."
        )

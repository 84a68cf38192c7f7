"""`manage.py restore FILE`: the installation as it was backed up. Web, beat and workers have to be stopped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from edge_runtime.protocol.errors import GemelError
from webapp.backups.installation import restore


class Command(BaseCommand):
    help = "Brings back what `backup` wrote. Stop web, beat and the workers first."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="replace the data that is here already")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = restore(options["file"], is_replacing=options["replace"])
        except GemelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored the installation of {restored.created_at}: {restored.artifacts} artifacts and "
            f"{sum(table.rows for table in restored.tables.values())} rows. Start web, beat and the workers; "
            "boxes go on by themselves, and people sign in again."
        )

"""Where collected static files lie: each under its digest, so that browsers keep it for ever, and compressed.

Tabler's style sheet is trimmed to what our templates and scripts name (ADR 0021): most of a browser's time until the
first paint goes to rules that no page uses.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from webapp.common.style_trimming import UsedClasses, trimmed

STYLE_SHEET = "tabler/css/tabler.min.css"
_SOURCES = (("templates", "*.html"), ("webapp", "*.html"), ("webapp", "*.py"), ("webapp", "*.js"))


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Modules import each other by their digests, too; by plain names they would be asked for again and again."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if STYLE_SHEET in paths and not dry_run:
            storage, path = paths[STYLE_SHEET]
            used = UsedClasses.of(source.read_text() for source in trimmed_by(Path(settings.BASE_DIR)))
            with storage.open(path) as file:
                css = trimmed(file.read().decode(), used)
            self.delete(STYLE_SHEET)
            self._save(STYLE_SHEET, ContentFile(css.encode()))
            paths = {**paths, STYLE_SHEET: (self, STYLE_SHEET)}
        yield from super().post_process(paths, dry_run, **options)


def trimmed_by(root: Path) -> Iterator[Path]:
    """The files that decide which rules of the style sheet stay."""
    for folder, pattern in _SOURCES:
        yield from (root / folder).rglob(pattern)

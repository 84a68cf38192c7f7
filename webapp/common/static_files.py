"""Which files of the front-end packages are served: the few that pages use, of the thousand that the packages hold."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Patterns are of names of files and folders. Tabler's `libs` also refers to source maps that it does not ship."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("libs", "types", "flags", "payments", "social", "socials", "ext"),
        *("*.rtl.*", "tabler-*", "*.esm.min.js*", "tabler.esm.js*", "*.cjs.js", "*.amd.js", "*.d.ts", "*.gz"),
    ]

"""Which files of the front-end packages are served: the few that pages use, of the thousand that the packages hold."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Patterns are of names of files and folders. Tabler's style sheet refers to its source map."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *(
            "types",
            "ext",
            "*.rtl.*",
            "tabler-*",
            "tabler.css*",
            "*.esm.min.js*",
            "*.cjs.js",
            "*.amd.js",
            "*.d.ts",
            "*.gz",
        ),
    ]

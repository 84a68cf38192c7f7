"""The short way to English gives what Django's own tags give."""

import pytest
from django.template import Context, Engine
from django.utils import translation

DJANGOS = Engine(libraries={"i18n": "django.templatetags.i18n"})
OURS = Engine(libraries={"i18n": "webapp.common.templatetags.quick_i18n"})
GIVEN = {"box": "<north>", "count": 3, "one": 1, "share": 0.5, "nobody": None}


@pytest.mark.parametrize("language", ["en", "de"])  # Django's own catalogues have "Monday" and "Home" in German
@pytest.mark.parametrize(
    "source",
    [
        '{% translate "Monday" %}',
        '{% translate "50 % of it\'s \\"done\\" & so on" %}',
        '{% translate "Home" as home %}{{ home }}',
        '{% translate "Monday"|lower %}',
        "{% translate box %}",
        "{% trans 'Home' noop %}",
        "{% blocktranslate %}Home{% endblocktranslate %}",
        "{% blocktranslate %}{{ box }} at 5 % of {{ share }}, {{ nobody }}{{ missing }}{% endblocktranslate %}",
        "{% blocktranslate with name=box|upper %}On {{ name }}, {{ box }}{% endblocktranslate %}",
        "{% blocktranslate trimmed %}\n  On\n  {{ box }}\n{% endblocktranslate %}",
        "{% blocktranslate asvar words %}On {{ box }}{% endblocktranslate %}{{ words }}",
        "{% blocktranslate count boxes=count %}{{ boxes }} box{% plural %}{{ boxes }} boxes{% endblocktranslate %}",
        "{% blocktranslate count boxes=one %}{{ boxes }} box{% plural %}{{ boxes }} boxes{% endblocktranslate %}",
        "{% blocktrans with a=box count n=count %}{{ n }} {{ a }}{% plural %}{{ n }} of {{ a }}{% endblocktrans %}",
        "{% get_current_language as language %}{{ language }}",
    ],
)
def test_says_what_django_says(source: str, language: str) -> None:
    said = []
    with translation.override(language):
        for engine in (DJANGOS, OURS):
            said.append(engine.from_string("{% load i18n %}" + source).render(Context(GIVEN)))

    assert said[0] == said[1]

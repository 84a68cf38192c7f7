"""Django's tags for translation, which every template loads as `i18n`, with a short way where the reader gets English.

Texts are written in English, so there is nothing to look up: Django's own way costs five times a plain variable, which
lists of a hundred rows feel (settings.TEMPLATES puts this library in the place of Django's).
"""

from collections.abc import Sequence
from typing import Any

from django import template
from django.conf import settings
from django.template.base import Parser, Token, render_value_in_context
from django.template.context import Context
from django.templatetags import i18n as django_i18n
from django.utils.translation import get_language

register = template.Library()
register.tags.update(django_i18n.register.tags)
register.filters.update(django_i18n.register.filters)


def _is_written_so() -> bool:
    return get_language() == settings.LANGUAGE_CODE


class QuickTranslateNode(django_i18n.TranslateNode):
    def __init__(self, node: django_i18n.TranslateNode) -> None:
        super().__init__(node.filter_expression, node.noop, node.asvar, node.message_context)
        is_plain = not (node.filter_expression.filters or node.asvar)
        self.text: str | None = self.filter_expression.var.literal if is_plain else None

    def render(self, context: Context) -> str:
        return self.text if self.text is not None and _is_written_so() else super().render(context)


class QuickBlockTranslateNode(django_i18n.BlockTranslateNode):
    def __init__(self, node: django_i18n.BlockTranslateNode) -> None:
        options = {name: getattr(node, name) for name in ("message_context", "trimmed", "asvar", "tag_name")}
        super().__init__(node.extra_context, node.singular, node.plural, node.countervar, node.counter, **options)
        self.one = self.render_token_list(self.singular)
        self.many = self.render_token_list(self.plural) if self.plural else self.one

    def render(self, context: Context, nested: bool = False) -> str:
        if self.asvar or not _is_written_so():
            return super().render(context, nested)
        given = {name: value.resolve(context) for name, value in self.extra_context.items()}
        wording = self.one
        if self.counter:
            given[self.countervar] = count = self.counter.resolve(context)
            wording = self.one if count == 1 else self.many
        return _filled(wording, given, context)


def _filled(wording: tuple[str, Sequence[str]], given: dict[str, Any], context: Context) -> str:
    text, names = wording
    values = ((name, given[name] if name in given else context.get(name, "")) for name in names)
    return text % {name: render_value_in_context(value, context) for name, value in values}


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> QuickTranslateNode:
    return QuickTranslateNode(django_i18n.do_translate(parser, token))


@register.tag("blocktranslate")
@register.tag("blocktrans")
def blocktranslate(parser: Parser, token: Token) -> QuickBlockTranslateNode:
    return QuickBlockTranslateNode(django_i18n.do_block_translate(parser, token))

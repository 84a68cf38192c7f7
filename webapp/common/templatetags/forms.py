"""Form fields with Tabler's classes, a label, a hint and their errors, all tied together for screen readers."""

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "") -> dict[str, object]:
    """`hint` replaces the field's help text."""
    widget = bound.field.widget
    is_group = isinstance(widget, CheckboxSelectMultiple | RadioSelect)
    if not is_group and not isinstance(widget, CheckboxInput):
        _dress(bound)
    return {"field": bound, "hint": hint or bound.help_text, "is_group": is_group}


@register.simple_tag
def control(bound: BoundField) -> SafeString:
    """The field alone, for a page that puts its label and its errors where they belong."""
    _dress(bound)
    return bound.as_widget()


def _dress(bound: BoundField) -> None:
    widget = bound.field.widget
    css = "form-select" if isinstance(widget, Select) else "form-control"
    widget.attrs["class"] = css + (" is-invalid" if bound.errors else "")

"""The items of the side bar: an item is current on every page below its address."""

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext_lazy

register = template.Library()


@register.inclusion_tag("components/nav_item.html", takes_context=True)
def nav_item(
    context: Context,
    view: str,
    title: str,
    icon_name: str,
    badge: int = 0,
    badge_title: str = gettext_lazy("waiting for a decision"),
) -> dict[str, object]:
    address = reverse(view)
    path = context["request"].path
    is_current = path == address or (address != "/" and path.startswith(address))
    shown = {"badge": badge, "badge_title": badge_title, "is_current": is_current}
    return {"address": address, "title": title, "icon_name": icon_name, **shown}

"""Who may do what in a site."""

from typing import Any

from django.utils.translation import gettext

from webapp.common.errors import NotAllowed
from webapp.fleets.models import Role, Site
from webapp.fleets.selectors import has_role, sees_everything


def require_role(actor: Any | None, site: Site, role: Role) -> None:
    """Raises NotAllowed unless `actor` has `role` or a higher one in `site`. None is the system itself."""
    if not has_role(actor, site, role):
        raise NotAllowed(
            gettext("Only people with the role %(label)s in %(site)s may do this; nothing was changed.")
            % {"label": role.label.lower(), "site": site}
        )


def require_superuser(actor: Any | None) -> None:
    """Raises NotAllowed unless `actor` manages the whole installation."""
    if not sees_everything(actor):
        raise NotAllowed(gettext("Only an administrator of the whole installation may do this; nothing was changed."))

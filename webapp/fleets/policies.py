"""Who may do what in a site."""

from typing import Any

from webapp.common.errors import NotAllowed
from webapp.fleets.models import Role, Site
from webapp.fleets.selectors import has_role, sees_everything


def require_role(actor: Any | None, site: Site, role: Role) -> None:
    """Raises NotAllowed unless `actor` has `role` or a higher one in `site`. None is the system itself."""
    if not has_role(actor, site, role):
        raise NotAllowed(f"Only people with the role {role.label.lower()} in {site} may do this; nothing was changed.")


def require_superuser(actor: Any | None) -> None:
    """Raises NotAllowed unless `actor` manages the whole installation."""
    if not sees_everything(actor):
        raise NotAllowed("Only an administrator of the whole installation may do this; nothing was changed.")

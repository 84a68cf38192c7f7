"""Who may do what in a site, and what a camera may be set to."""

from typing import Any

from django.utils.translation import gettext

from webapp.common.errors import InvalidInput, NotAllowed
from webapp.fleets.models import Role, Site
from webapp.fleets.selectors import has_role, sees_everything

SAMPLING_S = (2, 3600)


def checked_sampling(sample_every_s: int) -> int:
    """Raises InvalidInput."""
    low, high = SAMPLING_S
    if sample_every_s and not low <= sample_every_s <= high:
        raise InvalidInput(
            gettext("Frames are compared every %(low)s to %(high)s seconds, or never, which is 0.")
            % {"low": low, "high": high},
            field="sample_every_s",
        )
    return sample_every_s


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

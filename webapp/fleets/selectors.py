"""Reading the fleet. A person sees the sites they are a member of; a superuser and the system (None) see all."""

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db.models import Count, Model, Q, QuerySet
from django.utils.translation import gettext

from webapp.common.errors import NotFound
from webapp.common.lists import counted
from webapp.common.secret import secret_hash
from webapp.fleets.models import Box, Camera, Role, Site, SiteMembership

CREDENTIAL_LIFE = timedelta(days=90)
_ROLES = list(Role)
_Row = TypeVar("_Row", bound=Model)


def sees_everything(actor: Any | None) -> bool:
    return actor is None or actor.is_superuser


def sites_of(actor: Any | None) -> QuerySet[Site]:
    return Site.objects.all() if sees_everything(actor) else Site.objects.filter(memberships__person=actor)


def seen_by(actor: Any | None, rows: QuerySet[_Row], site: str) -> QuerySet[_Row]:
    """Those of which `actor` sees the site, whose field `site` names. Who sees everything asks the database for no
    more: joining the sites costs the larger lists half their time."""
    return rows if sees_everything(actor) else rows.filter(**{f"{site}__in": sites_of(actor)})


def sites_administered(actor: Any | None) -> QuerySet[Site]:
    return sites_with_role(actor, Role.ADMINISTRATOR)


def sites_with_role(actor: Any | None, role: Role) -> QuerySet[Site]:
    """Those in which `actor` may do what `role` may."""
    if sees_everything(actor):
        return Site.objects.all()
    return Site.objects.filter(memberships__person=actor, memberships__role__in=_ROLES[_ROLES.index(role) :])


def site_list(actor: Any | None) -> QuerySet[Site]:
    """Sites with the number of their boxes (`box_count`) and of people with a role in them (`member_count`)."""
    counts = {"box_count": Count("boxes", distinct=True), "member_count": Count("memberships", distinct=True)}
    return Site.objects.filter(id__in=sites_of(actor).values("id")).annotate(**counts).order_by("name")


def site_get(actor: Any | None, site_id: UUID) -> Site:
    """Raises NotFound."""
    return _first(sites_of(actor).filter(id=site_id), gettext("There is no such site."))


def has_role(actor: Any | None, site: Site, role: Role) -> bool:
    """Whether `actor` may do in `site` what `role` may; each role includes the ones before it."""
    if sees_everything(actor):
        return True
    membership = SiteMembership.objects.filter(site=site, person=actor).first()
    return membership is not None and _ROLES.index(Role(membership.role)) >= _ROLES.index(role)


def memberships_of(site: Site) -> QuerySet[SiteMembership]:
    """Who has which role in the site, by name."""
    return site.memberships.select_related("person").order_by("person__username")


def boxes_of(actor: Any | None) -> QuerySet[Box]:
    """Nothing but the boxes themselves, for what looks at all of them."""
    return seen_by(actor, Box.objects.all(), "site")


def box_list(actor: Any | None) -> QuerySet[Box]:
    """Boxes with their site, last report and number of cameras (`camera_count`)."""
    boxes = boxes_of(actor).select_related("site", "report")
    return boxes.annotate(camera_count=counted(Box, "cameras")).order_by("name")


def box_get(actor: Any | None, box_id: UUID) -> Box:
    """Raises NotFound."""
    return _first(box_list(actor).filter(id=box_id), gettext("There is no such box."))


def box_by_credential(credential: str) -> Box | None:
    """The enrolled box that `credential` belongs to, be it the one in use or a new one."""
    if not credential:
        return None
    found = secret_hash(credential)
    return Box.objects.filter(Q(credential_hash=found) | Q(next_credential_hash=found)).first()


def wants_new_credential(box: Box, now: datetime) -> bool:
    """Whether the box should renew its credential: somebody asked for it, or it is old."""
    is_old = box.credential_at is not None and now - box.credential_at > CREDENTIAL_LIFE
    return box.credential_wanted_at is not None or is_old


def camera_list(actor: Any | None, box: Box | None = None) -> QuerySet[Camera]:
    """Cameras with their box and site and number of queries (`query_count`)."""
    cameras = seen_by(actor, Camera.objects.all(), "box__site")
    cameras = cameras if box is None else cameras.filter(box=box)
    counts = {"query_count": counted(Camera, "queries")}
    return cameras.select_related("box__site").annotate(**counts).order_by("box__name", "name")


def cameras_of(actor: Any | None) -> QuerySet[Camera]:
    """Cameras by box and name, with as much as a picture or a line of each needs."""
    cameras = seen_by(actor, Camera.objects.select_related("box"), "box__site")
    shown = ("name", "picture", "privacy", "probe_problem", "box__name", "box__is_connected")
    return cameras.only(*shown).order_by("box__name", "name")


def camera_get(actor: Any | None, camera_id: UUID) -> Camera:
    """Raises NotFound."""
    return _first(camera_list(actor).filter(id=camera_id), gettext("There is no such camera."))


def camera_preview(camera_id: UUID | str) -> bytes | None:
    """The newest annotated JPEG of a camera that somebody watched within the last hour."""
    preview: bytes | None = cache.get(preview_key(camera_id))
    return preview


def camera_picture(camera: Camera, *, is_plain: bool = False) -> bytes:
    """The newest JPEG there is: the last annotated preview, else the still from the probe. Raises NotFound.

    `is_plain`: only the still, on which nothing is drawn.
    """
    picture = None if is_plain else camera_preview(camera.id)
    if picture is None and camera.picture:
        with default_storage.open(camera.picture) as file:
            picture = file.read()
    if picture is None:
        raise NotFound(gettext("The box has not sent a picture of this camera yet."))
    return picture


def preview_key(camera_id: UUID | str) -> str:
    return f"preview.{camera_id}"


def _first(rows: QuerySet[Any], missing: str) -> Any:
    row = rows.first()
    if row is None:
        raise NotFound(missing)
    return row

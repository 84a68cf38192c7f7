"""Everything that a person may see, found by words: things by their names, and pages by what they do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext

from webapp.alerts.selectors import alert_list
from webapp.common.lists import TEXT_MAX, found_by
from webapp.dashboard.stored_words import in_words
from webapp.fleets.models import Role
from webapp.fleets.selectors import box_list, camera_list, sees_everything, site_list, sites_with_role
from webapp.merges.selectors import merge_run_list, merged_group_list
from webapp.people.selectors import person_list
from webapp.rollouts.selectors import rollout_list
from webapp.workloads.selectors import dataset_list, model_list, query_list

FOUND_PER_KIND = 5


@dataclass(frozen=True)
class Found:
    title: str
    detail: str
    address: str


@dataclass(frozen=True)
class Section:
    """What was found of one kind, at most FOUND_PER_KIND. `more`: address of the list of all, where there are more."""

    kind: str
    icon: str
    found: tuple[Found, ...]
    more: str = ""


@dataclass(frozen=True)
class _Kind:
    """`fields`: each word must be in one of them; what begins with the text in the first one comes first."""

    kind: str
    icon: str
    rows: Callable[[Any, datetime], QuerySet[Any]]
    fields: tuple[str, ...]
    detail: Callable[[Any], str]
    address: Callable[[Any], str]
    list_view: str
    parameter: str = ""

    def more(self, text: str) -> str:
        narrowed = f"?{urlencode({self.parameter: text})}" if self.parameter else ""
        return reverse(self.list_view) + narrowed


def _page_of(view: str) -> Callable[[Model], str]:
    return lambda row: reverse(view, args=[row.pk])


def _kind(kind: str, icon: str, rows: Callable[[Any], QuerySet[Any]], view: str, **options: Any) -> _Kind:
    """Of things with a page of their own, `view`-detail, and a list, `view`-list."""
    return _Kind(
        kind,
        icon,
        lambda actor, now: rows(actor),
        address=_page_of(f"{view}-detail"),
        list_view=f"{view}-list",
        **options,
    )


_KINDS = (
    _kind(
        *(gettext_lazy("Boxes"), "server-2", box_list, "dashboard:box"),
        fields=("name", "site__name"),
        detail=lambda box: str(box.site),
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Cameras"), "camera", camera_list, "dashboard:camera"),
        fields=("name", "box__name", "box__site__name"),
        detail=lambda camera: gettext("on %(box)s") % {"box": camera.box},
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Queries"), "list-check", query_list, "dashboard:query"),
        fields=("name", "model__name", "camera__name", "camera__box__name", "camera__box__site__name"),
        detail=lambda query: (
            gettext("%(model)s on %(camera)s, %(box)s")
            % {"model": query.model, "camera": query.camera, "box": query.camera.box}
        ),
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Models"), "cube", model_list, "workloads:model"),
        fields=("name", "architecture", "site__name"),
        detail=lambda model: model.architecture,
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Data sets"), "database", dataset_list, "workloads:dataset"),
        fields=("name", "camera__name", "camera__box__name"),
        detail=lambda dataset: gettext("of %(camera)s") % {"camera": dataset.camera},
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Merge runs"), "git-merge", merge_run_list, "merges:run"),
        fields=("box__name", "strategy", "state"),
        detail=lambda run: in_words(run.get_state_display().lower()),
    ),
    _kind(
        *(gettext_lazy("Merged groups"), "layers-intersect", merged_group_list, "merges:group"),
        fields=("name", "run__box__name", "state"),
        detail=lambda group: (
            gettext("on %(box)s, %(state)s")
            % {"box": group.run.box, "state": in_words(group.get_state_display().lower())}
        ),
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Rollouts"), "timeline", rollout_list, "rollouts:rollout"),
        fields=("group__name", "group__run__box__name", "state"),
        detail=lambda rollout: in_words(rollout.get_state_display().lower()),
    ),
    _Kind(
        *(gettext_lazy("Alerts"), "bell", alert_list),
        fields=("subject_name", "sentence", "kind"),
        detail=lambda alert: in_words("over" if alert.closed_at else "open"),
        address=lambda alert: (
            f"{reverse('alerts:alert-list')}?{urlencode({'text': alert.subject_name, 'shown': 'all'})}"
        ),
        list_view="alerts:alert-list",
        parameter="text",
    ),
    _kind(
        *(gettext_lazy("People"), "users", person_list, "people:person"),
        fields=("username", "first_name", "last_name", "email"),
        detail=lambda person: person.email,
        parameter="search",
    ),
    _kind(
        *(gettext_lazy("Sites"), "map-pin", site_list, "people:site"),
        fields=("name",),
        detail=lambda site: ngettext("%(boxes)s box", "%(boxes)s boxes", site.box_count) % {"boxes": site.box_count},
    ),
)


@dataclass(frozen=True)
class _Page:
    """`words`: what else people may call it. `needs`: the role that it takes in some site, None for anybody's."""

    title: str
    view: str
    words: str = ""
    needs: Role | None = None


_PAGES = (
    _Page(gettext_lazy("Add a box"), "fleets:box-add", gettext_lazy("new join code enrol machine"), Role.OPERATOR),
    _Page(gettext_lazy("Add a camera"), "fleets:camera-add", gettext_lazy("new rtsp video source"), Role.OPERATOR),
    _Page(gettext_lazy("Add a query"), "workloads:query-add", gettext_lazy("new"), Role.OPERATOR),
    _Page(
        gettext_lazy("Upload a model"),
        "workloads:model-add",
        gettext_lazy("new add register weights safetensors"),
        Role.OPERATOR,
    ),
    _Page(
        gettext_lazy("Ask a box for frames"),
        "workloads:dataset-request",
        gettext_lazy("new data set request pictures"),
        Role.OPERATOR,
    ),
    _Page(
        gettext_lazy("Upload a data set"),
        "workloads:dataset-upload",
        gettext_lazy("new coco labels zip"),
        Role.OPERATOR,
    ),
    _Page(gettext_lazy("Start a merge"), "merges:run-choose", gettext_lazy("new merge run save memory"), Role.OPERATOR),
    _Page(
        gettext_lazy("Decide on merged groups"),
        "merges:group-list",
        gettext_lazy("approve reject revert decision waiting"),
        Role.APPROVER,
    ),
    _Page(
        gettext_lazy("Invite a person"),
        "people:person-invite",
        gettext_lazy("new user account viewer role"),
        Role.ADMINISTRATOR,
    ),
    _Page(gettext_lazy("Overview"), "dashboard:overview", gettext_lazy("home start dashboard")),
    _Page(gettext_lazy("Alerts"), "alerts:alert-list", gettext_lazy("silence acknowledge wrong offline")),
    _Page(gettext_lazy("Boxes"), "dashboard:box-list", gettext_lazy("fleet machines revoke memory")),
    _Page(gettext_lazy("Cameras"), "dashboard:camera-list", gettext_lazy("pictures video")),
    _Page(
        gettext_lazy("Queries"),
        "dashboard:query-list",
        gettext_lazy("accuracy latency frames slowest counts export csv"),
    ),
    _Page(gettext_lazy("Models"), "workloads:model-list", gettext_lazy("weights layers")),
    _Page(gettext_lazy("Data sets"), "workloads:dataset-list", gettext_lazy("frames labels")),
    _Page(gettext_lazy("Merge runs"), "merges:run-list", gettext_lazy("search retraining compare")),
    _Page(gettext_lazy("Merged groups"), "merges:group-list", gettext_lazy("sharing roll back revert")),
    _Page(gettext_lazy("Rollouts"), "rollouts:rollout-list", gettext_lazy("waves canary pause roll back")),
    _Page(gettext_lazy("Sites"), "people:site-list", gettext_lazy("places roles silence receivers drift")),
    _Page(gettext_lazy("People"), "people:person-list", gettext_lazy("users accounts roles"), Role.ADMINISTRATOR),
    _Page(
        gettext_lazy("Audit log"),
        "dashboard:audit-log",
        gettext_lazy("who approved changed history export csv"),
        Role.ADMINISTRATOR,
    ),
    _Page(
        gettext_lazy("Settings"),
        "dashboard:settings",
        gettext_lazy("configuration retention version signing key store mail four eyes approve"),
        Role.ADMINISTRATOR,
    ),
    _Page(gettext_lazy("Your API tokens"), "accounts:token-list", gettext_lazy("program rest")),
    _Page(gettext_lazy("Your password and second factor"), "mfa_index", gettext_lazy("account totp security sign in")),
)


def everything_found(actor: Any, text: str, now: datetime) -> tuple[Section, ...]:
    """Sections that have something, pages first. Without words only pages: what `actor` may do and see."""
    text = text.strip()[:TEXT_MAX]
    pages = tuple(_pages(actor, text))
    sections = [Section(gettext("Go to"), "arrow-right", pages if not text else pages[:FOUND_PER_KIND])]
    if text:
        sections += [_section(kind, actor, text, now) for kind in _KINDS]
    return tuple(section for section in sections if section.found)


def _section(kind: _Kind, actor: Any, text: str, now: datetime) -> Section:
    rows = found_by(kind.rows(actor, now), kind.fields, text)
    begins = ExpressionWrapper(Q(**{f"{kind.fields[0]}__istartswith": text}), output_field=BooleanField())
    order = rows.query.order_by or rows.model._meta.ordering
    some = list(rows.order_by(begins.desc(), *order)[: FOUND_PER_KIND + 1])
    found = tuple(Found(_capital(str(row)), kind.detail(row), kind.address(row)) for row in some[:FOUND_PER_KIND])
    return Section(kind.kind, kind.icon, found, kind.more(text) if len(some) > FOUND_PER_KIND else "")


def _capital(title: str) -> str:
    """Names are as people wrote them; "merge of ..." and "rollout of ..." are our words."""
    return title[:1].upper() + title[1:] if title.startswith(("merge of ", "rollout of ")) else title


def _pages(actor: Any, text: str) -> Iterator[Found]:
    words = text.lower().split()
    fitting = [page for page in _PAGES if all(word in f"{page.title} {page.words}".lower() for word in words)]
    fitting.sort(key=lambda page: not page.title.lower().startswith(text.lower()))
    roles = set(_roles(actor, {page.needs for page in fitting if page.needs}))
    for page in fitting:
        if page.needs is None or page.needs in roles:
            yield Found(page.title, "", reverse(page.view))


def _roles(actor: Any, asked: Iterable[Role]) -> Iterator[Role]:
    for role in asked:
        if sees_everything(actor) or sites_with_role(actor, role).exists():
            yield role

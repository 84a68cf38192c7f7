"""The page of alerts, and the page on which a site says who is told of them."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.alerts import services
from webapp.alerts.forms import AlertSearchForm, ReceiverForm, SilenceForm
from webapp.alerts.models import Alert, Channel
from webapp.alerts.selectors import alert_get, alerts_found, receiver_get, receiver_list, silence_list
from webapp.common.errors import NotFound
from webapp.common.pages import form_errors, message_errors
from webapp.common.undo import success_undoable
from webapp.fleets.models import Role
from webapp.fleets.policies import require_role
from webapp.fleets.selectors import sees_everything, site_get, sites_administered, sites_with_role

PAGE_ROWS = 50
_PAGES = {"box": "dashboard:box-detail", "camera": "dashboard:camera-detail", "query": "dashboard:query-detail"}


@dataclass(frozen=True)
class AlertRow:
    """`address`: the page of what it is about, "" where there is none."""

    alert: Alert
    may_handle: bool

    @property
    def address(self) -> str:
        page = _PAGES.get(self.alert.subject_type)
        return reverse(page, args=[self.alert.subject_id]) if page else ""


def alerts(request: HttpRequest) -> HttpResponse:
    """What is searched for stands in the address, so that it can be shared."""
    now, person = timezone.now(), request.user
    form = AlertSearchForm(request.GET, actor=person)
    page = Paginator(alerts_found(person, form.search(), now), PAGE_ROWS).get_page(request.GET.get("page"))
    operated = set(sites_with_role(person, Role.OPERATOR).values_list("id", flat=True))
    rows = [AlertRow(alert, sees_everything(person) or alert.site_id in operated) for alert in page.object_list]
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "query": query.urlencode(),
        "is_search": any(value for name, value in query.items() if name != "shown"),
        "silences": silence_list(person, now),
        "silence_form": SilenceForm(auto_id=False),
        "administered": sites_administered(person),
    }
    return render(request, "alerts/alert_list.html", context)


@require_POST
def acknowledge(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    now = timezone.now()
    alert = alert_get(request.user, alert_id, now)
    with message_errors(request):
        services.alert_acknowledge(actor=request.user, alert=alert, now=now)
        address = reverse("alerts:alert-unacknowledge", args=[alert_id])
        success_undoable(request, gettext("Acknowledged: %(alert)s.") % {"alert": alert}, address, next=_next(request))
    return _back(request)


@require_POST
def unacknowledge(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    now = timezone.now()
    alert = alert_get(request.user, alert_id, now)
    with message_errors(request):
        services.alert_unacknowledge(actor=request.user, alert=alert, now=now)
        messages.success(request, gettext("No longer acknowledged: %(alert)s.") % {"alert": alert})
    return _back(request)


@require_POST
def silence(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    now, form = timezone.now(), SilenceForm(request.POST)
    alert = alert_get(request.user, alert_id, now)
    if not form.is_valid():
        messages.error(request, gettext("Choose for how long to silence the alert; nothing was changed."))
        return _back(request)
    with message_errors(request):
        made = services.alert_silence(
            actor=request.user, alert=alert, duration=form.duration(), reason=form.cleaned_data["reason"], now=now
        )
        until = f"{timezone.localtime(made.until):%Y-%m-%d %H:%M}"
        text = gettext("Silenced until %(until)s: %(alert)s.") % {"until": until, "alert": alert}
        success_undoable(request, text, reverse("alerts:silence-end", args=[made.id]), next=_next(request))
    return _back(request)


@require_POST
def end_silence(request: HttpRequest, silence_id: UUID) -> HttpResponse:
    now = timezone.now()
    found = silence_list(request.user, now).filter(id=silence_id).first()
    if found is None:
        raise NotFound(gettext("This silence is over already."))
    with message_errors(request):
        services.silence_end(actor=request.user, silence=found, now=now)
        messages.success(request, gettext("No longer silenced: %(found)s.") % {"found": found})
    return _back(request)


@require_POST
def silence_site(request: HttpRequest, site_id: UUID) -> HttpResponse:
    site, form = site_get(request.user, site_id), SilenceForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Choose for how long to silence the site; nothing was changed."))
        return redirect("alerts:site-alerts", site_id)
    with message_errors(request):
        made = services.site_silence(
            actor=request.user,
            site=site,
            duration=form.duration(),
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        until = f"{timezone.localtime(made.until):%Y-%m-%d %H:%M}"
        text = gettext("Nobody is told of alerts of %(site)s until %(until)s.") % {"site": site, "until": until}
        end, page = reverse("alerts:silence-end", args=[made.id]), reverse("alerts:site-alerts", args=[site_id])
        success_undoable(request, text, end, next=page)
    return redirect("alerts:site-alerts", site_id)


def site_alerts(request: HttpRequest, site_id: UUID) -> HttpResponse:
    site = site_get(request.user, site_id)
    require_role(request.user, site, Role.ADMINISTRATOR)
    form, secret = ReceiverForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            made = services.receiver_create(actor=request.user, site=site, now=timezone.now(), **form.cleaned_data)
            if made.channel == Channel.EMAIL:
                messages.success(
                    request,
                    gettext("%(made)s is told of alerts of %(site)s from now on.") % {"made": made, "site": site},
                )
                return redirect("alerts:site-alerts", site_id)
            form, secret = ReceiverForm(), made.secret
    context = {
        "site": site,
        "form": form,
        "secret": secret,
        "receivers": receiver_list(request.user, site).prefetch_related("deliveries__alert"),
        "silences": silence_list(request.user, timezone.now(), site),
        "silence_form": SilenceForm(),
        "has_mail": settings.EMAIL_HOST_IS_SET,
    }
    return render(request, "alerts/site_alerts.html", context)


@require_POST
def delete_receiver(request: HttpRequest, receiver_id: UUID) -> HttpResponse:
    receiver = receiver_get(request.user, receiver_id)
    with message_errors(request):
        services.receiver_delete(actor=request.user, receiver=receiver, now=timezone.now())
        text = gettext("%(receiver)s is told of no more alerts.") % {"receiver": receiver}
        page = reverse("alerts:site-alerts", args=[receiver.site_id])
        if receiver.channel == Channel.EMAIL:
            success_undoable(request, text, page, channel=receiver.channel, address=receiver.address)
        else:  # a webhook would get another secret
            messages.success(request, text)
    return redirect("alerts:site-alerts", receiver.site_id)


@require_POST
def test_receiver(request: HttpRequest, receiver_id: UUID) -> HttpResponse:
    receiver = receiver_get(request.user, receiver_id)
    with message_errors(request):
        services.receiver_test(actor=request.user, receiver=receiver, now=timezone.now())
        messages.success(
            request,
            gettext("A test message to %(receiver)s is on its way; see below what became of it.")
            % {"receiver": receiver},
        )
    return redirect("alerts:site-alerts", receiver.site_id)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(_next(request))


def _next(request: HttpRequest) -> str:
    """The list as it was searched."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and address.startswith("/") else reverse("alerts:alert-list")

"""The page of the audit log, and its export."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from webapp.dashboard.audit_log import csv_lines, events_found, site_names
from webapp.dashboard.forms import AuditSearchForm
from webapp.people.policies import require_administrator

PAGE_ROWS = 50


def audit_log(request: HttpRequest) -> HttpResponse:
    """What is searched for stands in the address, so that a page of the log can be shared."""
    require_administrator(request.user)
    form = AuditSearchForm(request.GET, actor=request.user)
    page = Paginator(events_found(request.user, form.search()), PAGE_ROWS).get_page(request.GET.get("page"))
    sites = site_names()
    rows = [(event, sites.get(event.site_id, "")) for event in page.object_list]
    query = request.GET.copy()
    query.pop("page", None)
    context = {"form": form, "page": page, "rows": rows, "query": query.urlencode(), "is_search": any(query.values())}
    return render(request, "dashboard/audit_log.html", context)


def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that was found, not just one page of it."""
    require_administrator(request.user)
    events = events_found(request.user, AuditSearchForm(request.GET, actor=request.user).search())
    name = f"audit-log-{timezone.localtime():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)

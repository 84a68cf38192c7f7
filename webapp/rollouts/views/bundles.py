"""What people do about a bundle on its way to a box."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.common.pages import message_errors
from webapp.fleets.selectors import box_get
from webapp.rollouts.services import bundle_cancel, bundle_retry


@require_POST
def retry(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    with message_errors(request):
        bundle = bundle_retry(actor=request.user, box=box, now=timezone.now())
        messages.success(
            request, gettext("%(box)s tries bundle %(version)s again.") % {"box": box, "version": bundle.version}
        )
    return redirect("dashboard:box-detail", box.id)


@require_POST
def cancel(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    with message_errors(request):
        bundle = bundle_cancel(actor=request.user, box=box, now=timezone.now())
        messages.success(
            request,
            gettext("Bundle %(version)s is cancelled; %(box)s keeps what it runs.")
            % {"version": bundle.version, "box": box},
        )
    return redirect("dashboard:box-detail", box.id)

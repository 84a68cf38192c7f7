"""How the installation is set up, in the words of whoever looks after it: each setting, its value and who decides it.

What the environment decides is read from the settings, never its secrets. What is fixed stands here too, so that nobody
looks for a switch that does not exist. What people may change has a page of its own and is only led to.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from edge_runtime import __version__
from edge_runtime.protocol.signing import public_key_of
from webapp.accuracy import services as accuracy
from webapp.alerts import conditions, hysteresis
from webapp.alerts.services import evaluation
from webapp.common.signing_key import signing_key
from webapp.common.templatetags.display import seconds
from webapp.fleets.models import Box
from webapp.fleets.selectors import CREDENTIAL_LIFE
from webapp.fleets.services.enrolment import JOIN_CODE_LIFE
from webapp.merges.services import disagreements
from webapp.results.policies import COUNTS_KEPT, EVENTS_KEPT, EVENTS_PER_CAMERA
from webapp.rollouts.status import OFFLINE_AFTER
from webapp.telemetry.models import Resolution
from webapp.telemetry.services import rollups
from webapp.telemetry.services.samples import RETENTION

NOT_SET = gettext_lazy("not set")


@dataclass(frozen=True)
class Setting:
    """`variable`: which one of the environment decides, "" where the value is the same everywhere."""

    name: str
    value: str
    variable: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    title: str
    settings: tuple[Setting, ...]


def installation() -> tuple[Group, ...]:
    """Without a word about sites: their settings are changed on their own pages."""
    return (
        Group(_("This installation"), _itself()),
        Group(_("Boxes"), _boxes()),
        Group(_("How long things are kept"), _kept()),
        Group(_("Alerts"), _alerts()),
        Group(_("Stores and servers"), _stores()),
        Group(_("Mail and sign-in"), _people()),
    )


def _itself() -> tuple[Setting, ...]:
    return (
        Setting(_("Version"), __version__),
        Setting(
            _("Address of the pages"), settings.PUBLIC_URL or str(NOT_SET), "PUBLIC_URL", _("for links in messages")
        ),
        Setting(_("Host names"), ", ".join(settings.ALLOWED_HOSTS), "ALLOWED_HOSTS"),
        Setting(
            _("Time zone"),
            settings.TIME_ZONE,
            "TIME_ZONE",
            _("of times that are written out; charts follow the browser’s"),
        ),
        Setting(_("Log level"), _environment("LOG_LEVEL", "INFO"), "LOG_LEVEL"),
        Setting(
            _("Signing key"),
            fingerprint(public_key_of(signing_key())),
            "GEMEL_SIGNING_KEY",
            _("the start of the public key that boxes trust; the key is from the environment")
            if _is_set("GEMEL_SIGNING_KEY")
            else _(
                "the start of the public key that boxes trust; the key was made at first start and is kept in a file"
            ),
        ),
        Setting(
            _("Key of what is stored encrypted"),
            _("of its own") if _is_set("GEMEL_ENCRYPTION_KEY") else _("from a restored backup, else SECRET_KEY"),
            "GEMEL_ENCRYPTION_KEY",
            _("for addresses of cameras, webhooks, and keys of second factors"),
        ),
    )


def _boxes() -> tuple[Setting, ...]:
    joined = Box.objects.exclude(enrolled_at=None).order_by("hardware__runtime_version")
    versions = joined.values_list("hardware__runtime_version").annotate(boxes=Count("id"))
    running = ", ".join(f"{version or _('unknown')}: {boxes:,}" for version, boxes in versions)
    return (
        Setting(_("Version of the box’s runtime"), running or _("no box has joined yet")),
        Setting(_("Asks for its target state every"), seconds(settings.POLL_S), "GEMEL_POLL_S", _("and when told to")),
        Setting(
            _("Tries a new bundle for"),
            seconds(settings.HEALTH_WINDOW_S),
            "GEMEL_HEALTH_WINDOW_S",
            _("then it trusts it"),
        ),
        Setting(_("Counts as offline after"), seconds(OFFLINE_AFTER), note=_("without a word")),
        Setting(_("Renews its credential every"), seconds(CREDENTIAL_LIFE)),
        Setting(_("A join code works for"), seconds(JOIN_CODE_LIFE), note=_("and once")),
    )


def _kept() -> tuple[Setting, ...]:
    return (
        Setting(_("Statistics as sent"), _days(RETENTION)),
        Setting(_("Statistics per minute"), _days(rollups.KEPT[Resolution.MINUTE])),
        Setting(_("Statistics per hour"), _days(rollups.KEPT[Resolution.HOUR])),
        Setting(_("Accuracy per minute"), _days(accuracy.KEPT)),
        Setting(_("Counts"), _days(COUNTS_KEPT)),
        Setting(
            _("Events and their pictures"),
            _days(EVENTS_KEPT),
            note=_("and of a camera no more than %(count)s") % {"count": f"{EVENTS_PER_CAMERA:,}"},
        ),
        Setting(
            _("Frames on which models disagree"),
            _days(disagreements.KEPT),
            note=_("after the run, while no group runs"),
        ),
        Setting(_("Alerts"), _days(evaluation.KEPT), note=_("after they are over")),
        Setting(_("Audit log and decisions"), _("for ever"), note=_("the database refuses to change them")),
    )


def _alerts() -> tuple[Setting, ...]:
    return (
        *(
            Setting(
                capfirst(kind.label), _("told after %(time)s") % {"time": seconds(held)} if held else _("told at once")
            )
            for kind, held in hysteresis.HOLDS_FOR.items()
        ),
        Setting(_("Over when gone for"), seconds(hysteresis.CLEAR_FOR), note=_clear_longer()),
        Setting(_("A job counts as stuck after"), seconds(conditions.QUEUED_MAX), note=_("in its queue")),
    )


def _clear_longer() -> str:
    kinds = (f"{kind.label}: {seconds(held)}" for kind, held in hysteresis.CLEAR_LONGER.items())
    return ", ".join(kinds)


def _stores() -> tuple[Setting, ...]:
    database = settings.DATABASES["default"]
    bucket = settings.STORAGES["default"]["OPTIONS"].get("bucket_name", "")
    endpoint = settings.STORAGES["default"]["OPTIONS"].get("endpoint_url") or "AWS"
    return (
        Setting(
            _("Artifacts"),
            _("bucket %(bucket)s at %(endpoint)s") % {"bucket": bucket, "endpoint": endpoint}
            if bucket
            else str(settings.ARTIFACTS_DIR),
            "GEMEL_S3_BUCKET" if bucket else "GEMEL_VAR_DIR",
            _("models, bundles, pictures and data sets"),
        ),
        Setting(
            _("Database"),
            _("%(name)s on %(host)s") % {"name": database["NAME"], "host": database["HOST"] or _("this machine")},
            "DATABASE_URL",
        ),
        Setting(
            _("Redis"),
            urlsplit(settings.REDIS_URL).hostname or _("this machine"),
            "REDIS_URL",
            _("nothing is kept there"),
        ),
    )


def _people() -> tuple[Setting, ...]:
    has_mail = settings.EMAIL_HOST_IS_SET
    return (
        Setting(
            _("Mail server"),
            f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if has_mail else str(NOT_SET),
            "EMAIL_URL",
            "" if has_mail else _("links are shown to whoever makes them, and no alert is mailed"),
        ),
        Setting(_("Sender"), settings.DEFAULT_FROM_EMAIL, "DEFAULT_FROM_EMAIL"),
        Setting(_("Single sign-on"), settings.OIDC_SERVER_URL or str(NOT_SET), "OIDC_SERVER_URL"),
        Setting(_("Webhooks may not go to"), ", ".join(settings.WEBHOOKS_REFUSED), "WEBHOOKS_REFUSED"),
    )


def fingerprint(public_key: str) -> str:
    """The first 16 bytes of a public key as people compare them."""
    return " ".join(public_key[start : start + 4] for start in range(0, 32, 4))


def _days(length: timedelta) -> str:
    return ngettext("%(days)s day", "%(days)s days", length.days) % {"days": length.days}


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable))


def _environment(variable: str, default: str) -> str:
    return os.environ.get(variable, default)

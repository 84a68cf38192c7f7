"""Settings shared by every environment. Everything that differs between installations comes from the environment."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parents[3]
env = environ.Env()

VAR_DIR = Path(env("GEMEL_VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
SECRET_KEY = env("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "webapp.common.static_files.StaticFiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "channels",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "webapp.common",
    "webapp.realtime",
    "webapp.backups",
    "webapp.jobs",
    "webapp.audit",
    "webapp.accounts",
    "webapp.fleets",
    "webapp.people",
    "webapp.workloads",
    "webapp.accuracy",
    "webapp.results",
    "webapp.telemetry",
    "webapp.merges",
    "webapp.rollouts",
    "webapp.drift",
    "webapp.alerts",
    "webapp.dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.common.compression.TextCompression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "webapp.common.origin.OriginMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "webapp.common.pages.ErrorPageMiddleware",
]

ROOT_URLCONF = "webapp.config.urls"
ASGI_APPLICATION = "webapp.config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Person"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard:overview"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "webapp.accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {"login": "webapp.accounts.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
# All attempts of one address, and all failures for one name. Only what the adapter counts, which can say why it cannot.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "20/m/ip,10/5m/key"}
MFA_ADAPTER = "webapp.accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SOCIALACCOUNT_ADAPTER = "webapp.accounts.adapters.SocialAdapter"
# Signing in through the organisation's identity provider: on where OIDC_SERVER_URL is set.
OIDC_SERVER_URL = env("OIDC_SERVER_URL", default="")
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": env("OIDC_NAME", default="single sign-on"),
                "client_id": env("OIDC_CLIENT_ID"),
                "secret": env("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}
OIDC_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(OIDC_SERVER_URL)) if OIDC_SERVER_URL else ""
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webapp.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["webapp.common.rest_defaults.Json"],
    "DEFAULT_PAGINATION_CLASS": "webapp.common.rest_defaults.Pages",
    "DEFAULT_FILTER_BACKENDS": ["webapp.common.rest_defaults.IdFilter"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "webapp.common.rest_defaults.answer_error",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gemel Fleet",
    "DESCRIPTION": "What the pages do, for programs, with the rights of the person whose API token or session is used.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["webapp.common.rest_defaults.only_rest"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webapp.common.rest_defaults.document_errors",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # of fields that have the same name and not the same choices
        "AlertKind": "webapp.alerts.models.AlertKind",
        "DatasetKind": "webapp.workloads.models.DatasetKind",
        "UploadedKind": "webapp.workloads.rest.UPLOADED_KINDS",
    },
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"i18n": "webapp.common.templatetags.quick_i18n"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.dashboard.context.waiting_decisions",
            ],
        },
    }
]

# Two libraries are called i18n: common/templatetags/quick_i18n.py stands in the place of Django's.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
REDIS_URL = env("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "capacity": 300, "expiry": 10, "prefix": "gemel"},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "light"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "send queued and expired jobs again": {"task": "jobs.resend", "schedule": 15.0},
    "carry rollouts on": {"task": "rollouts.advance_all", "schedule": 15.0},
    "add statistics up": {"task": "telemetry.roll_up", "schedule": 15.0},
    "remove old statistics": {"task": "telemetry.prune", "schedule": 3600.0},
    "remove old results": {"task": "results.prune", "schedule": 3600.0},
    "look for alerts": {"task": "alerts.evaluate", "schedule": 15.0},
    "follow the accuracy of merged groups": {"task": "drift.follow", "schedule": 15.0},
    "remove old accuracy figures": {"task": "accuracy.prune", "schedule": 3600.0},
    "send messages about alerts again": {"task": "alerts.deliver", "schedule": 15.0},
    "remove old alerts": {"task": "alerts.prune", "schedule": 3600.0},
}

# How often a box asks for its target state. It is told of every change besides, but messages get lost.
POLL_S = env.float("GEMEL_POLL_S", default=10.0)
if not 1 <= POLL_S <= 600:
    raise ImproperlyConfigured("GEMEL_POLL_S: boxes ask for their target state every 1 to 600 seconds.")

# How long a box tries a new bundle before it trusts it; a rollout's waves wait for that.
HEALTH_WINDOW_S = env.float("GEMEL_HEALTH_WINDOW_S", default=60.0)

# Large files live outside the database: tensors of models and bundles by digest, pictures, data sets.
# A folder, or a bucket where one is named: then its keys come as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
ARTIFACTS_DIR = VAR_DIR / "artifacts"
_FOLDER = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(ARTIFACTS_DIR)}}
_BUCKET = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": env("GEMEL_S3_BUCKET", default=""),
        "endpoint_url": env("GEMEL_S3_ENDPOINT", default="") or None,
        "region_name": env("GEMEL_S3_REGION", default="") or None,
        "location": env("GEMEL_S3_PREFIX", default=""),
        "file_overwrite": False,  # as in a folder: a name that is taken gets another ending
        "default_acl": None,
    },
}
STORAGES = {
    "default": _BUCKET if _BUCKET["OPTIONS"]["bucket_name"] else _FOLDER,
    "staticfiles": {"BACKEND": "webapp.common.static_storage.HashedFiles"},
}
MEDIA_ROOT = ARTIFACTS_DIR
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20

# E-mail is optional: without EMAIL_URL (smtp+tls://user:password@host:587) links are shown and nothing is sent.
EMAIL_URL = env("EMAIL_URL", default="")
EMAIL_HOST_IS_SET = bool(EMAIL_URL)
globals().update(env.email_url_config(EMAIL_URL or "dummymail://"))
# What messages about alerts link to.
PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")
# Where no webhook may go, though only administrators enter one: this machine, and addresses of clouds' metadata.
WEBHOOKS_REFUSED = env.list(
    "WEBHOOKS_REFUSED",
    default=["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::/127", "fe80::/10", "ff00::/8"],
)
EMAIL_TIMEOUT = 5  # seconds; without it a mail server that says nothing holds a worker for ever
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="gemel-fleet@localhost")

NODE_MODULES = BASE_DIR / "node_modules"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [
    ("gemel", BASE_DIR / "webapp" / "static"),
    ("tabler/css", NODE_MODULES / "@tabler" / "core" / "dist" / "css"),
    ("htmx", NODE_MODULES / "htmx.org" / "dist"),
    ("idiomorph", NODE_MODULES / "idiomorph" / "dist"),
    ("uplot", NODE_MODULES / "uplot" / "dist"),
]

# English is in the code and never missing; others have a catalogue each (docs/translating.md). What a browser asks for
# decides; whatever is written without one, by workers, is English.
LANGUAGE_CODE = "en"
LANGUAGES = [
    (code, LANG_INFO.get(code, {}).get("name_local", code))
    for code in (LANGUAGE_CODE, *env.list("GEMEL_LANGUAGES", default=[]))
]
LOCALE_PATHS = [BASE_DIR / "webapp" / "locale"]
USE_I18N = True
TIME_ZONE = env("TIME_ZONE", default="UTC")
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        # The form that starts a sign-in at the identity provider is redirected to it.
        "form-action": ["'self'", *filter(None, [OIDC_ORIGIN])],
        "base-uri": ["'self'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", default="INFO")},
    # httpx would write the addresses of webhooks, which may hold secrets.
    "loggers": {"django.server": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}

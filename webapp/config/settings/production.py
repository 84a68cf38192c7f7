"""Behind a TLS proxy. Keys, addresses of the servers and host names must be set; a missing one stops the start."""

from webapp.config.settings.base import *  # noqa: F403
from webapp.config.settings.base import SILENCED_SYSTEM_CHECKS, env

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000)
# W005, W021: HSTS of this host says nothing about its sister hosts, which are not ours to decide for.
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "security.W005", "security.W021"]

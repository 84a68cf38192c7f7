"""The ASGI entry point: pages and API over HTTP, live updates and boxes over WebSockets."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings.development")
http_application = get_asgi_application()

from webapp.common.database_thread import DatabaseThread  # noqa: E402  (needs Django to be set up)
from webapp.common.startup import startup_frozen  # noqa: E402
from webapp.common.static_requests import StaticRequests  # noqa: E402
from webapp.common.stored_files import StoredFiles  # noqa: E402
from webapp.config.routing import websocket_application  # noqa: E402


def application_with(database: DatabaseThread) -> ProtocolTypeRouter:
    http = StaticRequests(StoredFiles(http_application))
    return ProtocolTypeRouter({"http": http, "websocket": websocket_application(database)})


application = application_with(DatabaseThread())  # its connection ends with the process
startup_frozen()

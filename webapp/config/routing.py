"""WebSockets: boxes with their credential, browsers with their session and only from our own pages."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from webapp.common.database_thread import DatabaseThread
from webapp.dashboard.consumers import LiveConsumer
from webapp.rollouts.consumers import BoxConsumer
from webapp.telemetry.ingest import StatsIngest


def websocket_application(database: DatabaseThread) -> URLRouter:
    """`database` is of the loop that this runs on; whoever made it closes it."""
    return URLRouter(
        [
            path("ws/box", BoxConsumer.as_asgi(ingest=StatsIngest(database), database=database)),
            path("ws/live", AllowedHostsOriginValidator(AuthMiddlewareStack(LiveConsumer.as_asgi()))),
        ]
    )

"""Live statistics in a real browser, as its WebSocket brings them."""

import json
from typing import Any

import pytest
from django.urls import reverse

playwright_api = pytest.importorskip("playwright.sync_api")

SENT = (("a", 1), ("a", 2), ("a", 1), ("a", 2), ("a", 3), ("b", 1))  # over a new connection again from what was unheard
HEAR = """document.addEventListener("live:stats", ({ detail }) => {
  const { dataset } = document.documentElement;
  dataset.heard = `${dataset.heard ?? ""} ${detail.stats.seq}`;
})"""


def test_what_a_box_sends_again_is_drawn_once(fleet: Any, chromium: Any, session_cookie: Any, live_server: Any) -> None:
    topic = f"box:{fleet.box.id}"

    def subscribed(socket: Any) -> None:
        for boot_id, seq in SENT:
            stats = {"boot_id": boot_id, "seq": seq, "at": seq, "interval_s": 1, "memory": {"budget": 1}, "queries": []}
            socket.send(json.dumps({"topic": topic, "kind": "stats", "stats": stats}))

    context = chromium.new_context()
    context.add_cookies([session_cookie])
    page = context.new_page()
    page.add_init_script(HEAR)
    page.route_web_socket("**/ws/live", lambda socket: socket.on_message(lambda _: subscribed(socket)))
    page.goto(live_server.url + reverse("dashboard:box-detail", args=[fleet.box.id]))
    playwright_api.expect(page.locator("html")).to_have_attribute("data-heard", " 1 2 3 1")

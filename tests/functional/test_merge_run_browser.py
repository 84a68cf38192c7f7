"""Merge runs in a real browser: what is drawn out of stored events, on a desktop and on a phone."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.merges.models import MergedGroup, MergeRun, MergeRunQuery, MergeRunState

playwright_api = pytest.importorskip("playwright.sync_api")

WIDTHS = {"desktop": 1440, "phone": 390}
MIB = 2**20


@pytest.fixture
def run(fleet: Any) -> MergeRun:
    now = timezone.now()
    query = fleet.query("count cars")
    run = MergeRun.objects.create(box=fleet.box, state=MergeRunState.RUNNING, created_at=now, started_at=now)
    MergeRunQuery.objects.create(run=run, query=query, model=query.model, name=query.name, accuracy_target=0.95)
    _tell(run, "started", 2, saved=0)
    _tell(run, "evaluated", 20, saved=8, value=0.91)
    _tell(run, "accepted", 40, saved=5, value=0.97)
    _tell(run, "evaluated", 60, saved=8, value=0.90)
    return run


def _tell(run: MergeRun, kind: str, seconds: float, *, saved: int, value: float | None = None) -> None:
    figures = {
        "name": "count cars",
        "relative_accuracy": value,
        "lower_bound": (value or 0) - 0.01,
        "upper_bound": (value or 0) + 0.01,
        "basis": "agreement",
        "target_met": (value or 0) > 0.96,
    }
    payload = {
        "type": kind,
        "seconds": seconds,
        "samples_seen": int(32 * seconds),
        "bytes_before": 12 * MIB,
        "bytes_after": (12 - saved) * MIB,
        "saved_bytes": saved * MIB,
        "step": 3,
        "steps_planned": 10,
        "trying": f"Doing {kind}.",
        "queries": [] if value is None else [figures],
    }
    run.events.create(seq=run.events.count(), at=timezone.now(), payload=payload)


def _history(page: Any) -> dict[str, Any]:
    """What the page's own module makes of the page's own events."""
    return page.evaluate(
        """async () => {
          const { RunHistory } = await import("/static/gemel/js/widgets/run_history.js");
          const history = new RunHistory(["count cars"]);
          JSON.parse(document.getElementById("history").textContent).events.forEach((event) => history.add(event));
          return { saved: history.saved("seconds"), accuracies: history.accuracies("seconds"),
                   resumed: history.resumes.map(({ seconds }) => seconds) };
        }"""
    )


def _address(run: MergeRun) -> str:
    return reverse("merges:run-detail", args=[run.id])


def test_shows_where_a_run_is(open_page: Any, run: MergeRun) -> None:
    page = open_page(_address(run))
    row = page.locator("[data-query-name]")

    playwright_api.expect(page.locator("[data-field=saved]")).to_have_text("5.0 MiB")
    playwright_api.expect(page.locator("[data-field=trying]")).to_have_text("Doing evaluated.")
    playwright_api.expect(row).to_contain_text("90.0 %")
    playwright_api.expect(row).to_contain_text("below target")
    assert page.locator("canvas").count() == 2


def test_draws_what_is_accepted_as_steps_and_never_what_is_only_tried(open_page: Any, run: MergeRun) -> None:
    history = _history(open_page(_address(run)))

    seconds, saved, accepted = history["saved"]
    assert seconds == [2, 40, 60]
    assert saved == [0, 5 * MIB, 5 * MIB]
    assert accepted == [None, 5 * MIB, None]
    assert history["accuracies"] == [[20, 40, 60], [0.91, 0.97, 0.90]]


@pytest.mark.parametrize("kind", ["resumed", "started"])
def test_forgets_what_was_lost_with_a_killed_worker_and_says_so(open_page: Any, run: MergeRun, kind: str) -> None:
    _tell(run, kind, 45, saved=5)
    page = open_page(_address(run))

    history = _history(page)
    assert history["resumed"] == [45]
    assert history["saved"][0] == [2, 40, 45]
    assert history["accuracies"][0] == [20, 40]
    playwright_api.expect(page.locator("[data-field=resumed]")).to_contain_text("resumed once")
    playwright_api.expect(page.locator("[data-log]")).to_contain_text("Went on from its last checkpoint")


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_page_of_merging_scrolls_sideways(open_page: Any, fleet: Any, run: MergeRun, width: int) -> None:
    group: MergedGroup = fleet.merged_group(fleet.query("a query with a rather long name"), fleet.query("trucks"))
    start = reverse("merges:run-start", args=[fleet.box.id])
    detail = reverse("merges:group-detail", args=[group.id])
    for address in (start, _address(run), f"{_address(run)}?compare={group.run_id}", detail):
        page = open_page(address, width)
        page.wait_for_load_state("networkidle")
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), address


def test_ties_the_layers_that_became_one(open_page: Any, fleet: Any) -> None:
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    page = open_page(reverse("merges:group-detail", args=[group.id]))

    playwright_api.expect(page.locator(".sharing .ribbon")).to_have_count(1)
    assert page.locator(".sharing .layer-shared").count() == 2
    assert page.locator(".sharing .layer-private").count() == 2

"""Before a query is added or changed its page says what it costs, from what the box measured."""

import math
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.measurements import BatchMeasured, BoxMeasured, NetworkMeasured
from webapp.fleets.models import Role
from webapp.fleets.services import box_create
from webapp.rollouts.services import measured_record

MIB = 2**20


@pytest.fixture
def heavy(fleet):
    """A model of 10 MiB in one layer, and as many others with weights of their own as are wanted."""
    model = fleet.model

    def make(name):
        model.pk, model.name = None, name
        tensors = {"features.0.weight": {"digest": name * 8, "dtype": "float32", "shape": [10 * MIB // 4]}}
        layer = {"name": "features.0", "kind": "Conv2d", "signature": "conv", "size_bytes": 10 * MIB}
        model.tensors, model.layers = tensors, [{**layer, "parameters": ["features.0.weight"]}]
        model.save(force_insert=True)
        return type(model).objects.get(pk=model.pk)

    return make


def measured(model, *, budget=100 * MIB, run_ms=20.0, load_bytes_per_s=None, hardware="a CPU", is_doubted=False):
    times = ((1, run_ms), (2, 1.8 * run_ms))
    batches = tuple(BatchMeasured(size, takes_ms, size * MIB, is_doubted) for size, takes_ms in times)
    network = NetworkMeasured(model.architecture, (model.input_height, model.input_width), len(model.classes), batches)
    return BoxMeasured(hardware, "layerwise", budget, 0, load_bytes_per_s, (network,))


def cost(browser, fleet, of, **changes):
    terms = {"camera": fleet.camera.id, "model": of.id, "rate_fps": 5, "deadline_ms": 500, "priority": 1} | changes
    return browser.get(reverse("dashboard:query-cost"), terms)


def test_a_query_that_fits_costs_its_weights_and_no_frame(browser, fleet, heavy, words):
    first, second = heavy("cars"), heavy("people")
    query = fleet.query("count cars")
    query.model = first
    query.save()
    measured_record(box=fleet.box, measured=measured(second), now=timezone.now())

    answer = cost(browser, fleet, second)

    assert "Memory it adds 10.0 MiB" in words(answer)
    assert "20.0 MiB in all, in a memory budget of 100.0 MiB" in words(answer)
    assert "Frames in time, this query 100.0 %" in words(answer)
    assert "The box keeps up" in words(answer)
    assert "required" not in answer.content.decode()
    assert "Memory it adds 0 B" in words(cost(browser, fleet, first))  # its weights are there already


def test_a_query_that_is_too_much_is_asked_for_twice_and_told_what_would_help(browser, fleet, heavy, words):
    first, second = heavy("cars"), heavy("people")
    query = fleet.query("count cars")
    query.model = first
    query.save()
    tight = measured(second, budget=12 * MIB, load_bytes_per_s=30.0 * MIB)  # one at a time, a third of a second each
    measured_record(box=fleet.box, measured=tight, now=timezone.now())

    answer = cost(browser, fleet, second, name="count people")
    help_part = cost(browser, fleet, second, name="count people", help=1)

    assert 'type="checkbox" required' in answer.content.decode()
    assert "Add it all the same" in words(answer)
    assert "The box cannot keep up: query count" in words(help_part)
    assert "weights would take 10.0 MiB instead of 20.0 MiB and it would keep up" in words(help_part)
    assert reverse("merges:run-start", args=[fleet.box.id]) in help_part.content.decode()


def test_a_budget_that_cannot_hold_the_model_is_told(browser, fleet, heavy, words):
    model = heavy("cars")
    measured_record(box=fleet.box, measured=measured(model, budget=5 * MIB), now=timezone.now())

    assert "too small: the model of query count people alone needs 11.0 MiB" in words(
        cost(browser, fleet, model, name="count people")
    )


def test_a_change_is_compared_with_how_it_is(browser, fleet, words):
    query = fleet.query("count cars")
    measured_record(box=fleet.box, measured=measured(fleet.model, run_ms=80.0), now=timezone.now())
    address = reverse("dashboard:query-change-cost", args=[query.id])

    terms = {"rate_fps": 50, "deadline_ms": 500, "priority": 1}
    answer = browser.get(address, terms)

    assert "instead of 100.0 % as it is now" in words(answer)
    assert "Change it all the same" in words(answer)
    help_part = words(browser.get(address, terms | {"help": 1}))
    assert "frames/s for query count cars instead of 50 it would keep up" in help_part


def test_a_change_that_makes_nothing_worse_is_not_asked_for_twice(browser, fleet, words):
    query = fleet.query("count cars")
    measured_record(box=fleet.box, measured=measured(fleet.model, run_ms=700.0), now=timezone.now())
    address = reverse("dashboard:query-change-cost", args=[query.id])

    terms = {name: getattr(query, name) for name in ("rate_fps", "deadline_ms", "priority")}
    same = browser.get(address, terms)

    assert "Frames in time, whole box 0.0 % instead of 0.0 % as it is now" in words(same)
    assert "required" not in same.content.decode()


def test_a_priority_is_foretold_to_take_frames_from_others(browser, fleet, heavy):
    first, second = heavy("cars"), heavy("people")
    query = fleet.query("count cars")
    query.model, query.rate_fps = first, 10
    query.save()
    slow = measured(second, run_ms=150.0)
    measured_record(box=fleet.box, measured=slow, now=timezone.now())

    def own_in_time(priority):
        shown = cost(browser, fleet, second, name="count people", rate_fps=10, priority=priority).content.decode()
        return float(re.search(r"this query</dt><dd[^>]*><span[^>]*>([\d.]+)", shown)[1])

    assert own_in_time(1) < own_in_time(10)


def test_what_was_never_measured_here_is_taken_from_a_box_like_it_or_not_foretold(browser, fleet, words):
    other, _ = box_create(actor=None, site=fleet.site, name="like it", now=timezone.now())
    model = fleet.model
    assert "has not told yet what it measured" in words(cost(browser, fleet, model))

    nothing = BoxMeasured("a CPU", "layerwise", 100 * MIB, 0, None, ())
    measured_record(box=fleet.box, measured=nothing, now=timezone.now())
    assert "never ran on this box or one like it" in words(cost(browser, fleet, model))

    measured_record(box=other, measured=measured(model, hardware="another"), now=timezone.now())
    assert "never ran on this box or one like it" in words(cost(browser, fleet, model))

    measured_record(box=other, measured=measured(model), now=timezone.now())
    assert "measured on like it, which has the same hardware" in words(cost(browser, fleet, model))


@pytest.mark.parametrize(
    "changes", [{"rate_fps": ""}, {"rate_fps": 0}, {"model": ""}, {"deadline_ms": math.nan}, {"priority": ""}]
)
def test_a_form_that_is_not_filled_in_yet_is_no_error(browser, fleet, words, changes):
    assert "to see what the query costs" in words(cost(browser, fleet, fleet.model, **changes))


def test_nobody_is_told_of_boxes_of_other_sites(client, fleet):
    stranger = fleet.member(Role.VIEWER)
    stranger.site_memberships.all().delete()
    client.force_login(stranger)

    assert cost(client, fleet, fleet.model).status_code == 404
    assert client.get(reverse("dashboard:box-forecast", args=[fleet.box.id])).status_code == 404


def test_the_pages_ask_while_a_person_types(browser, fleet):
    query = fleet.query("count cars")
    add = browser.get(reverse("workloads:query-add")).content.decode()
    change = browser.get(reverse("workloads:query-edit", args=[query.id])).content.decode()

    assert f'hx-get="{reverse("dashboard:query-cost")}"' in add
    assert f'hx-get="{reverse("dashboard:query-change-cost", args=[query.id])}"' in change


def test_the_box_page_says_what_it_measured_and_whether_it_keeps_up(browser, fleet, words):
    fleet.query("count cars")
    measured_record(box=fleet.box, measured=measured(fleet.model, run_ms=700.0), now=timezone.now())

    page = browser.get(reverse("dashboard:box-detail", args=[fleet.box.id])).content.decode()
    answer = browser.get(reverse("dashboard:box-forecast", args=[fleet.box.id]))
    part, verdict = words(answer), answer.content.decode().partition('id="box-verdict"')[2]

    assert reverse("dashboard:box-forecast", args=[fleet.box.id]) in page
    assert "query count cars will lose all of its frames" in part
    assert "query count cars will lose all of its frames" in verdict  # which stands at the top of the page
    assert "One run of its model takes 700 ms" in part
    assert fleet.model.architecture in part


def test_run_times_that_the_box_doubts_are_told_as_that(browser, fleet, words):
    query = fleet.query("count cars")
    doubted = measured(fleet.model, run_ms=700.0, is_doubted=True)
    measured_record(box=fleet.box, measured=doubted, now=timezone.now())
    address = reverse("dashboard:query-change-cost", args=[query.id])

    for page in (
        browser.get(reverse("dashboard:box-forecast", args=[fleet.box.id])),
        browser.get(address, {"rate_fps": 5, "deadline_ms": 500, "priority": 1}),
    ):
        assert "The measured run time of squeezenet1_1 at 64 × 64 is in doubt" in words(page)

    measured_record(box=fleet.box, measured=measured(fleet.model), now=timezone.now())
    assert "in doubt" not in words(browser.get(reverse("dashboard:box-forecast", args=[fleet.box.id])))


def test_a_merged_group_says_what_approving_it_brings(browser, fleet, heavy, words):
    queries = []
    for name in ("cars", "people"):
        query = fleet.query(name)
        query.model = heavy(name)
        query.save()
        queries.append(query)
    group = fleet.merged_group(*queries)
    shared = {"features.0.weight": {"digest": "shared", "dtype": "float32", "shape": [10 * MIB // 4]}}
    group.members.update(tensors=shared)
    tight = measured(queries[0].model, budget=12 * MIB, load_bytes_per_s=30.0 * MIB)
    measured_record(box=fleet.box, measured=tight, now=timezone.now())

    part = words(browser.get(reverse("dashboard:group-forecast", args=[group.id])))

    assert "Weights, each tensor once 20.0 MiB 10.0 MiB" in part
    before, after = part.split("Frames in time ")[1].split(" % ")[:2]
    assert float(before) < 80 < float(after) == 100


def test_a_program_asks_what_a_box_would_do(browser, fleet, heavy):
    first, second = heavy("cars"), heavy("people")
    query = fleet.query("count cars")
    query.model = first
    query.save()
    silent = browser.get(f"/api/v1/forecasts/boxes/{fleet.box.id}/").json()
    assert silent["foretold"]["in_time"] is None
    assert "has not told yet what it measured" in silent["foretold"]["problem"]
    tight = measured(second, budget=12 * MIB, load_bytes_per_s=30.0 * MIB)
    measured_record(box=fleet.box, measured=tight, now=timezone.now())

    box = browser.get(f"/api/v1/forecasts/boxes/{fleet.box.id}/").json()
    assert (box["foretold"]["in_time_by_query"], box["help"]) == ({str(query.id): 1.0}, [])
    terms = {"camera": fleet.camera.id, "model": second.id}
    added = browser.get("/api/v1/forecasts/queries/", terms).json()
    assert (added["before"]["is_met"], added["after"]["is_met"]) == (True, False)
    assert "cannot keep up" in added["help"][0]
    wrong = browser.get(f"/api/v1/forecasts/queries/{query.id}/", {"rate_fps": 0})
    assert wrong.json()["fields"].keys() == {"rate_fps"}
    group = fleet.merged_group(query, fleet.query("count more"))
    assert browser.get(f"/api/v1/forecasts/merged-groups/{group.id}/").json()["before"]["weight_bytes"] > 0

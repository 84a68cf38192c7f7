"""What the pages of merge runs and merged groups say of ended runs, of two runs side by side, and of targets missed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.jobs.models import Job
from webapp.merges.models import MergedGroupQuery, MergeRun, MergeRunQuery, MergeRunState
from webapp.merges.services import merge_run_event_record

MIB = 2**20


def _figures(name: str, value: float, basis: str = "relative accuracy") -> dict:
    bounds = {"lower_bound": value - 0.01, "upper_bound": value + 0.01}
    return {"name": name, "relative_accuracy": value, **bounds, "basis": basis, "target": 0.95, "target_met": True}


def _ended(fleet, query, strategy: str, saved_mib: int, value: float, samples: int) -> MergeRun:
    now = timezone.now()
    figures, test = _figures(query.name, value), _figures(query.name, value - 0.02)
    return_values = {"names": {}, "queries": [{"name": query.name, "validation": figures, "test": test}]}
    run = MergeRun.objects.create(
        box=fleet.box,
        strategy=strategy,
        state=MergeRunState.SUCCEEDED,
        created_at=now,
        ended_at=now,
        bytes_before=20 * MIB,
        bytes_after=(20 - saved_mib) * MIB,
        result={"seconds": 90.0, "samples_seen": samples, "optimum_fraction": 0.8, **return_values},
    )
    MergeRunQuery.objects.create(run=run, query=query, model=query.model, name=query.name, accuracy_target=0.95)
    return run


@pytest.fixture
def two(fleet) -> tuple[MergeRun, MergeRun]:
    query = fleet.query("count cars")
    return _ended(fleet, query, "optimistic", 10, 0.98, 9600), _ended(fleet, query, "gemel", 5, 0.97, 48000)


def test_an_ended_run_shows_what_it_is_worth_and_its_figures_on_test_frames(browser, two, words):
    page = words(browser.get(reverse("merges:run-detail", args=[two[0].id])))

    assert "80.0 % of what is possible" in page
    assert "96.0 % 95.0 % to 97.0 %" in page
    assert "Test decided nothing" in page


def test_two_runs_stand_side_by_side(browser, two, words):
    address = reverse("merges:run-detail", args=[two[0].id])
    offered = browser.get(address).content.decode()
    assert f'value="{two[1].id}"' in offered

    response = browser.get(address, {"compare": two[1].id})
    page = words(response)
    assert "A: Optimistic" in page
    assert "B: Gemel" in page
    assert "50.0 % 10.0 MiB of 20.0 MiB 25.0 % 5.0 MiB of 20.0 MiB" in page
    assert "9,600 48,000" in page
    assert "98.0 % validation 97.0 % to 99.0 %; target 95.0 % 96.0 % test" in page
    assert [run["label"] for run in response.context["histories"]["runs"]] == ["A: Optimistic", "B: Gemel"]


def test_of_a_run_that_goes_on_beside_another_nothing_is_said_that_is_not_known_yet(browser, fleet, two, words):
    ended, _ = two
    going = MergeRun.objects.create(box=fleet.box, state=MergeRunState.RUNNING, created_at=timezone.now())
    for query in ended.run_queries.all():
        MergeRunQuery.objects.create(
            run=going, query=query.query, model=query.model, name=query.name, accuracy_target=0.95
        )

    page = words(browser.get(reverse("merges:run-detail", args=[going.id]), {"compare": ended.id}))

    assert "not measured yet" in page
    assert "keeps its original" not in page
    assert "of 0 B" not in page


@pytest.mark.parametrize("other", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_comparison_with_a_run_that_is_not_there_is_a_page_that_says_so(browser, two, words, other):
    response = browser.get(reverse("merges:run-detail", args=[two[0].id]), {"compare": other})

    assert response.status_code == 404
    assert "There is no such merge run." in words(response)


def test_a_run_takes_few_queries_however_much_happened_in_it(browser, fleet, two, django_assert_max_num_queries):
    """Adding members, events or other runs must not add queries."""
    run = two[0]
    for number in range(5):
        query = fleet.query(f"query {number}")
        MergeRunQuery.objects.create(run=run, query=query, model=query.model, name=query.name, accuracy_target=0.95)
        run.events.create(
            seq=number, at=timezone.now(), payload={"type": "evaluated", "seconds": number, "queries": []}
        )

    with django_assert_max_num_queries(12):
        browser.get(reverse("merges:run-detail", args=[run.id]))
    with django_assert_max_num_queries(16):
        browser.get(reverse("merges:run-detail", args=[run.id]), {"compare": two[1].id})


def test_a_group_whose_targets_all_hold_says_so_and_warns_of_nothing(browser, fleet, words):
    group = fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))

    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "and every query keeps its accuracy target" in page
    assert "may keep as little as" not in page
    assert "held once for several models: 5.0 MiB each model’s own: 2.0 MiB" in page
    assert "Affected: 1 box, 1 camera" in page


def test_a_group_that_misses_a_target_is_not_called_good(browser, fleet, words):
    group = fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))
    MergedGroupQuery.objects.filter(group=group, name="count cars").update(validation_lower=0.91)

    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "1 of 2 queries may fall below target" in page
    assert "count cars may keep as little as 91.0 % of what its original reaches; its target is 95.0 %." in page
    assert "every query keeps its accuracy target" not in page


def test_a_target_that_was_lowered_for_the_run_is_told_to_who_decides(browser, fleet, words):
    group = fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))
    MergedGroupQuery.objects.filter(group=group, name="count trucks").update(accuracy_target=0.9)

    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "For count trucks this run aimed at 90.0 %; the query’s own target is 95.0 %." in page


@pytest.mark.parametrize(
    ("limit_s", "sentence"),
    [
        (60, "The time limit of 1 min ended the search after 192 pictures: with more time it may find something."),
        (1200, "Before its limit of 20 min, after 1 min 30 s and 192 pictures, this strategy had nothing left to try"),
    ],
)
def test_a_run_that_saved_nothing_says_so_and_why_it_ended(browser, fleet, words, limit_s, sentence):
    run = _ended(fleet, fleet.query("count cars"), "gemel", 0, 0.98, 192)
    MergeRun.objects.update(time_limit_s=limit_s)

    response = browser.get(reverse("merges:run-detail", args=[run.id]))
    assert sentence in words(response)
    assert "succeeded" not in words(response)
    assert "nothing found" in words(browser.get(reverse("merges:run-list")))


def test_a_run_is_started_again_with_the_form_filled_in_as_it_was(browser, fleet):
    run = _ended(fleet, fleet.query("count cars"), "gemel", 0, 0.98, 192)
    MergeRun.objects.update(time_limit_s=240, match="shape")
    MergeRunQuery.objects.update(accuracy_target=0.9)

    again = browser.get(reverse("merges:run-detail", args=[run.id])).context["again"]
    form = browser.get(again).context["form"]
    target = f"target_{run.run_queries.get().query_id}"
    entered = [form[name].value() for name in ("strategy", "time_limit_min", "match", target)]
    assert entered == ["gemel", 4.0, "shape", 0.9]


def test_the_search_time_is_the_same_in_the_list_and_on_the_page(browser, fleet, words):
    run = _ended(fleet, fleet.query("count cars"), "gemel", 5, 0.98, 192)
    started = timezone.now() - timedelta(minutes=7)
    MergeRun.objects.update(started_at=started)
    assert "1 min 30 s" in words(browser.get(reverse("merges:run-list")))

    merge_run_event_record(run=run, payload={"type": "finished", "seconds": 95.0}, now=timezone.now())
    assert "1 min 35 s" in words(browser.get(reverse("merges:run-list")))
    assert "1 min 35 s" in words(browser.get(reverse("merges:run-detail", args=[run.id])))


def test_before_a_run_starts_stands_how_long_earlier_ones_took(browser, fleet, words):
    def said() -> str:
        return words(browser.get(reverse("merges:run-start", args=[fleet.box.id])))

    assert "Earlier merge runs" not in said()
    began = timezone.now() - timedelta(days=1)
    for minutes, state in ((6, "succeeded"), (14, "succeeded"), (40, "failed"), (None, "succeeded")):
        run = _ended(fleet, fleet.query(f"count {minutes} {state}"), "gemel", 5, 0.98, 192)
        ended = {"started_at": began, "ended_at": began + timedelta(minutes=minutes)} if minutes else {}
        job = Job.objects.create(task="merges.merge_run", queue="gpu", subject=run.id, created_at=began, sent_at=began)
        MergeRun.objects.filter(id=run.id).update(state=state, job=job, **ended)
    _ended(fleet, fleet.query("count imported"), "gemel", 5, 0.98, 192)
    MergeRun.objects.filter(job=None).update(started_at=began, ended_at=began)
    assert "Earlier merge runs here took 6 min to 14 min." in said()
    MergeRun.objects.exclude(ended_at=None).update(ended_at=began + timedelta(minutes=6))
    assert "Earlier merge runs here took about 6 min." in said()

from edge_runtime.serving.own_work import OwnWork


def test_is_known_after_some_visits_apart_for_memory_that_is_short() -> None:
    own_work = OwnWork()
    for time_ms in (1.0, 2.0, 3.0, 400.0, 2.0, 2.0, 1.0):
        own_work.note(time_ms, is_short=True)
    assert own_work.median_ms(is_short=True, otherwise=7.0) == 7.0

    own_work.note(2.0, is_short=True)

    assert own_work.median_ms(is_short=True, otherwise=7.0) == 2.0
    assert own_work.median_ms(is_short=False, otherwise=0.5) == 0.5

from edge_runtime.bundles.throttle import Throttle


async def waits(bytes_per_s, *transfers):
    """Seconds waited for after each transfer of (moment, bytes)."""
    now, slept = [0.0], []

    async def sleep(seconds):
        slept.append(seconds)

    throttle = Throttle(bytes_per_s, clock=lambda: now[0], sleep=sleep)
    for at, size in transfers:
        now[0] = at
        await throttle.passed(size)
    return slept


async def test_transfers_of_several_tasks_share_the_limit():
    assert await waits(100.0, (0.0, 50), (0.0, 50), (0.0, 100)) == [0.5, 1.0, 2.0]


async def test_a_pause_is_not_made_up_for():
    assert await waits(100.0, (0.0, 50), (10.0, 50)) == [0.5, 0.5]


async def test_without_a_limit_nobody_waits():
    assert await waits(None, (0.0, 10**9)) == []

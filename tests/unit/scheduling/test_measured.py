import pytest

from edge_runtime.scheduling.comparison import compare
from edge_runtime.scheduling.measured import (
    MeasuredBatch,
    MeasuredBundle,
    MeasuredModel,
    ProfileUnreadable,
    Timing,
    decode_measured,
    encode_measured,
)
from edge_runtime.scheduling.workload import one_query_each

RUN = Timing(10.0, 9.0, 14.0)


def measured(**options) -> MeasuredBundle:
    batches = (MeasuredBatch(1, RUN, 100), MeasuredBatch(2, Timing(15.0, 14.0, 18.0), 200))
    models = tuple(
        MeasuredModel(slot, "tiny", {"trunk": 600, slot: 400}, Timing(1.0, 1.0, 1.0), batches)
        for slot in ("cars", "people")
    )
    given = {"bundle": "b", "hardware": "h", "measured_at": "", "repetitions": 9, "overhead_bytes": 50}
    return MeasuredBundle(**(given | {"load_bytes_per_s": 1e6, "models": models} | options))


def test_what_is_written_is_read_back() -> None:
    assert decode_measured(encode_measured(measured())) == measured()


@pytest.mark.parametrize("content", [b"", b"{}", encode_measured(measured(models=()))])
def test_a_file_without_measurements_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(ProfileUnreadable, match="gemel-edge profile"):
        decode_measured(content)


def test_profiles_are_the_medians() -> None:
    (cars, _) = measured().profiles().models

    assert [batch.run_ms for batch in cars.batches] == [10.0, 15.0]
    assert measured().budget(1_000).load_ms(1_000) == pytest.approx(1.0)
    assert measured().budget(1_000, bytes_per_s=1e5).load_ms(1_000) == pytest.approx(10.0)


def test_every_setting_is_compared_under_every_policy() -> None:
    workload = one_query_each(["cars", "people"], rate_fps=5, deadline_ms=100)

    rows = list(
        compare(workload, measured(), settings=("min", "all"), policies=("time-sharing", "layerwise"), seconds=5)
    )

    assert [(row.setting, row.policy) for row in rows] == [
        (setting, policy) for setting in ("min", "all") for policy in ("time-sharing", "layerwise")
    ]
    assert {row.captured for row in rows} == {50}
    assert all(row.peak_bytes <= row.budget_bytes for row in rows)
    assert [row.budget_bytes for row in rows] == [1_150, 1_150, 1_550, 1_550]
    assert rows[0].swap_bytes > 0
    assert rows[3].swap_bytes == 0

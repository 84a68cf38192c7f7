from edge_runtime.serving.intake import Intake
from tests.simulators.serving_rig import frame_at, query_on


class Drops(dict[str, int]):
    def __call__(self, query: str, frames: int) -> None:
        self[query] = self.get(query, 0) + frames


def intake_for(*queries, drops: Drops | None = None) -> Intake:
    intake = Intake(Drops() if drops is None else drops)
    intake.retarget(queries)
    return intake


def test_a_camera_faster_than_the_query_is_thinned_to_the_querys_rate() -> None:
    intake = intake_for(query_on("cars", rate_fps=10))

    taken = sum(intake.offer(frame_at(index / 30)) for index in range(300))  # ten seconds at 30 per second

    assert taken == 100


def test_a_rate_that_does_not_divide_the_cameras_is_still_met_on_average() -> None:
    intake = intake_for(query_on("cars", rate_fps=10))

    taken = sum(intake.offer(frame_at(index / 15)) for index in range(300))  # twenty seconds at 15 per second

    assert 198 <= taken <= 200


def test_a_camera_that_pauses_is_not_owed_the_frames_it_missed() -> None:
    intake = intake_for(query_on("cars", rate_fps=10))
    intake.offer(frame_at(0.0))

    taken = [intake.offer(frame_at(60 + index / 30)) for index in range(4)]

    assert taken == [True, False, False, True]


def test_a_frame_of_another_camera_is_not_for_this_query() -> None:
    assert not intake_for(query_on("cars")).offer(frame_at(0.0, camera="elsewhere"))


def test_only_the_newest_frames_are_kept_and_the_others_counted_as_dropped() -> None:
    drops = Drops()
    intake = intake_for(query_on("cars", rate_fps=10, deadline_ms=300), drops=drops)

    for index in range(5):
        intake.offer(frame_at(float(index)))

    (waiting,) = intake.queues(now=5.0)
    assert waiting.captured_at == (2.0, 3.0, 4.0)
    assert drops == {"query-cars": 2}


def test_take_gives_the_oldest_frames_and_never_more_than_there_are() -> None:
    intake = intake_for(query_on("cars"))
    for index in range(3):
        intake.offer(frame_at(float(index)))

    assert [frame.captured_at for frame in intake.take("query-cars", 2)] == [0.0, 1.0]
    assert [frame.captured_at for frame in intake.take("query-cars", 9)] == [2.0]
    assert intake.take("query-gone", 1) == []


def test_a_query_that_stays_keeps_its_waiting_frames_over_a_change() -> None:
    intake = intake_for(query_on("cars"), query_on("signs"))
    intake.offer(frame_at(0.0))

    intake.retarget([query_on("cars", deadline_ms=900)])

    assert [(waiting.query, waiting.deadline_ms) for waiting in intake.queues(now=1.0)] == [("query-cars", 900)]

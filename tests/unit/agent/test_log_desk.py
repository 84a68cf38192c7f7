from edge_runtime.agent.log_desk import LogDesk
from edge_runtime.protocol.messages import LogLine, LogLines, LogWanted

NEW, WHOLE = LogWanted(), LogWanted(is_whole=True)


def test_all_of_it_to_whoever_begins_to_look_and_then_what_is_new() -> None:
    log = [LogLine(1, 0.0, "info", "started"), LogLine(2, 1.0, "info", "connected")]
    desk = LogDesk("boot", lambda after: [line for line in log if line.number > after])
    assert desk.answer(NEW) == LogLines("boot", tuple(log))
    assert desk.answer(NEW) is None
    log.append(LogLine(3, 2.0, "warning", "a camera is away"))
    assert desk.answer(NEW) == LogLines("boot", (log[2],))
    assert desk.answer(WHOLE) == LogLines("boot", tuple(log))

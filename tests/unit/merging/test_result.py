from pathlib import Path

import msgspec

from workers.merging.matching import Match
from workers.merging.result import Details, QueryResult, Saving, TaskFigures, read_result, write_result

SHIPPED = Path("demo/content/merges/north-gate/result.json")


def test_reads_a_result_from_before_it_told_of_savings_matching_and_details():
    result = read_result(SHIPPED)
    assert (result.match, result.savings) == (Match.EXACT, ())
    assert {query.details for query in result.queries} == {None}


def test_gives_back_what_was_written(tmp_path):
    details = Details(TaskFigures(macro_f1=0.9), TaskFigures(macro_f1=0.8))
    result = msgspec.structs.replace(
        read_result(SHIPPED),
        match=Match.SHAPE,
        savings=(Saving(2.5, 64, 1000, 1),),
        queries=(QueryResult("a", 0.95, None, None, None, details),),
    )
    write_result(tmp_path / "result.json", result)
    assert read_result(tmp_path / "result.json") == result
    assert b'"map": null' in (tmp_path / "result.json").read_bytes()

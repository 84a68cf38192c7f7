"""How far back charts look, as the address says it."""

import pytest

from webapp.common.errors import InvalidInput
from webapp.dashboard.history import CHART_SPANS, chart_span


def test_charts_are_live_unless_asked_otherwise():
    assert chart_span({}).is_live
    assert [chart_span({"history": span.name}) for span in CHART_SPANS] == list(CHART_SPANS)
    assert [span.is_live for span in CHART_SPANS] == [True, False, False, False]


def test_says_how_far_back_charts_go():
    with pytest.raises(InvalidInput, match="10min, 1h, 24h, 30d, not '1y'"):
        chart_span({"history": "1y"})

"""What people enter to start a merge run and to decide about a merged group."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy

from webapp.merges.models import Match, MergeRun, Verdict
from webapp.merges.policies import RunSettings, target_field
from webapp.merges.strategies import DEFAULT, STRATEGIES
from webapp.workloads.models import Query


class MergeRunForm(forms.Form):
    """How to search, and one accuracy target per query, prefilled with the query's own."""

    strategy = forms.ChoiceField(
        label=gettext_lazy("Strategy"),
        choices=[(strategy.name, strategy) for strategy in STRATEGIES],
        initial=DEFAULT,
        widget=forms.RadioSelect(attrs={"class": "form-selectgroup-input"}),
    )
    time_limit_min = forms.FloatField(
        label=gettext_lazy("Time limit"),
        initial=20,
        min_value=0.1,
        help_text=gettext_lazy("Minutes. The best result found by then counts."),
    )
    match = forms.ChoiceField(
        label=gettext_lazy("Layers that may become one"), choices=Match.choices, initial=Match.EXACT, required=False
    )

    def __init__(self, *args: Any, queries: Iterable[Query] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queries = tuple(queries)
        for query in self.queries:
            self.fields[target_field(query.id)] = forms.FloatField(
                label=query.name,
                required=False,
                initial=query.accuracy_target,
                widget=forms.NumberInput(attrs={"step": "0.01", "min": "0.01", "max": "1"}),
            )

    def targets(self) -> list[tuple[Query, BoundField]]:
        return [(query, self[target_field(query.id)]) for query in self.queries]

    def settings(self) -> RunSettings:
        """A target that was left empty is the query's own."""
        entered = {query.id: self.cleaned_data[target_field(query.id)] for query in self.queries}
        return RunSettings(
            strategy=self.cleaned_data["strategy"],
            match=self.cleaned_data["match"] or Match.EXACT,
            time_limit_s=round(60 * self.cleaned_data["time_limit_min"]),
            targets={query: target for query, target in entered.items() if target is not None},
        )


def entered_before(run: MergeRun) -> dict[str, Any]:
    """What to fill the form with so that it asks for the same again. A result that was imported had no time limit."""
    targets = {target_field(one.query_id): one.accuracy_target for one in run.run_queries.all() if one.query_id}
    limit = {"time_limit_min": round(run.time_limit_s / 60, 2)} if run.time_limit_s else {}
    return {"strategy": run.strategy, "match": run.match, **limit, **targets}


class DecisionForm(forms.Form):
    verdict = forms.ChoiceField(label=gettext_lazy("Verdict"), choices=Verdict.choices)
    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

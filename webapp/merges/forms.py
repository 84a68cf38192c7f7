"""What people enter to start a merge run and to decide about a merged group."""

from django import forms

from webapp.merges.models import Verdict

STRATEGY_CHOICES = [
    ("optimistic", "Optimistic: share everything, then un-share where accuracy suffers (recommended)"),
    ("maximal", "Maximal: share everything whatever the accuracy (an upper bound, for comparison)"),
]


class MergeRunForm(forms.Form):
    strategy = forms.ChoiceField(choices=STRATEGY_CHOICES)
    time_limit_min = forms.FloatField(
        label="Time limit", initial=20, min_value=0.1, help_text="Minutes. The best result found by then counts."
    )

    @property
    def time_limit_s(self) -> int:
        return round(60 * self.cleaned_data["time_limit_min"])


class DecisionForm(forms.Form):
    verdict = forms.ChoiceField(choices=Verdict.choices)
    reason = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

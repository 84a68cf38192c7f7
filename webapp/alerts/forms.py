"""What people enter to find, silence and receive alerts."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from webapp.alerts.models import AlertKind, Channel
from webapp.alerts.policies import ADDRESS_MAX, SILENCES
from webapp.alerts.selectors import AlertSearch, Shown
from webapp.fleets.selectors import sites_of

_SHOWN = [
    (Shown.OPEN.value, gettext_lazy("open")),
    (Shown.NEW.value, gettext_lazy("open, not handled")),
    (Shown.CLOSED.value, gettext_lazy("over")),
    (Shown.ALL.value, gettext_lazy("all")),
]
_DURATIONS = [(str(int(duration.total_seconds() // 60)), words) for duration, words in SILENCES]


class AlertSearchForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("name or words")}),
    )
    shown = forms.ChoiceField(label=gettext_lazy("State"), choices=_SHOWN, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("any kind")), *AlertKind.choices], required=False
    )
    site = forms.ModelChoiceField(
        label=gettext_lazy("Site"), queryset=None, required=False, empty_label=gettext_lazy("any site")
    )

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites_of(actor)

    def search(self) -> AlertSearch:
        """What was entered that can be used; the form shows what cannot."""
        self.is_valid()
        entered = {name: value for name, value in self.cleaned_data.items() if value}
        if "site" in entered:
            entered["site"] = entered["site"].pk
        return AlertSearch(**entered | {"shown": Shown(entered.get("shown", Shown.OPEN))})


class SilenceForm(forms.Form):
    minutes = forms.ChoiceField(label=gettext_lazy("For"), choices=_DURATIONS, initial=_DURATIONS[1][0])
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=300)

    def duration(self) -> timedelta:
        return timedelta(minutes=int(self.cleaned_data["minutes"]))


class ReceiverForm(forms.Form):
    channel = forms.ChoiceField(label=gettext_lazy("Tell by"), choices=Channel.choices)
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=ADDRESS_MAX,
        help_text=gettext_lazy("An e-mail address, or the https:// address of a webhook."),
    )

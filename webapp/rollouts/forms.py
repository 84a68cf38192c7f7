"""What people enter to start a rollout."""

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from webapp.fleets.models import Box
from webapp.rollouts.candidates import Candidate
from webapp.rollouts.terms import DEFAULT_TERMS, Terms
from webapp.rollouts.windows import DAYS, Window

_NO_CANARY = ""


class RolloutForm(forms.Form):
    """All boxes that are possible are chosen at first, and the first of them is the canary."""

    boxes = forms.MultipleChoiceField(
        label=gettext_lazy("Boxes"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": gettext_lazy("Choose a box.")},
    )
    canary = forms.ChoiceField(
        label=gettext_lazy("Canary"),
        required=False,
        help_text=gettext_lazy("Gets it alone, before all others. Best the one that you can look at."),
    )
    percentages = forms.CharField(
        label=gettext_lazy("Waves after the canary"),
        initial=", ".join(map(str, DEFAULT_TERMS.percentages)),
        help_text=gettext_lazy("How many percent of the other boxes have it at the end of each wave; the last is 100."),
    )
    success_percent = forms.IntegerField(
        label=gettext_lazy("Go on when this share runs well"),
        initial=DEFAULT_TERMS.success_percent,
        help_text=gettext_lazy("Percent of a wave's boxes."),
    )
    error_percent = forms.IntegerField(
        label=gettext_lazy("Pause when more than this fail"),
        initial=DEFAULT_TERMS.error_percent,
        help_text=gettext_lazy("Percent of a wave's boxes. 0: at the first failure."),
    )
    window_start = forms.TimeField(
        label=gettext_lazy("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    window_end = forms.TimeField(
        label=gettext_lazy("To"), required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    window_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    window_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Beginning on"),
        required=False,
        coerce=int,
        choices=list(enumerate(DAYS)),
        initial=list(range(7)),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-selectgroup-input"}),
    )

    def __init__(self, *args: Any, possible: Sequence[Candidate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._boxes = {str(candidate.box.id): candidate.box for candidate in possible if not candidate.problem}
        choices = [(box_id, box.name) for box_id, box in self._boxes.items()]
        self.fields["boxes"].choices = choices
        self.fields["boxes"].initial = list(self._boxes)
        self.fields["canary"].choices = [*choices, (_NO_CANARY, gettext("None: begin with the first wave"))]
        self.fields["canary"].initial = next(iter(self._boxes), _NO_CANARY)
        self.fields["window_zone"].initial = settings.TIME_ZONE

    def clean_percentages(self) -> tuple[int, ...]:
        text = self.cleaned_data["percentages"]
        parts = [part for part in re.split(r"[\s,;%]+", text) if part]
        if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
            raise forms.ValidationError(
                gettext("Write whole percentages with commas between them, such as 10, 50, 100.")
            )
        return tuple(map(int, parts))

    def clean(self) -> None:
        start, end = self.cleaned_data.get("window_start"), self.cleaned_data.get("window_end")
        if (start is None) != (end is None) and not {"window_start", "window_end"} & self.errors.keys():
            self.add_error(
                "window_end" if end is None else "window_start", gettext("A maintenance window has a start and an end.")
            )

    def chosen(self) -> list[Box]:
        return [self._boxes[box_id] for box_id in self.cleaned_data["boxes"]]

    def canary_chosen(self) -> Box | None:
        return self._boxes.get(self.cleaned_data["canary"])

    def terms(self) -> Terms:
        entered = self.cleaned_data
        window = None
        if entered["window_start"] is not None:
            days = frozenset(entered["window_days"])
            window = Window(entered["window_start"], entered["window_end"], entered["window_zone"], days)
        return Terms(entered["percentages"], entered["success_percent"], entered["error_percent"], window)


def time_zones() -> list[str]:
    """Names to choose from: places and UTC, without what only old programs use."""
    return ["UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))]

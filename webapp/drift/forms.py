"""What an administrator enters about drift."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from webapp.drift.models import DriftSettings, Response


class DriftForm(forms.Form):
    """Minutes for people; the settings keep seconds."""

    response = forms.ChoiceField(
        label=gettext_lazy("When a merged group falls below its accuracy target"), choices=Response.choices
    )
    window_min = forms.FloatField(
        label=gettext_lazy("Window"),
        min_value=1,
        max_value=1440,
        help_text=gettext_lazy(
            "Minutes. The frames that a box sampled in the last so many minutes are judged together."
        ),
    )
    frames_min = forms.IntegerField(
        label=gettext_lazy("Frames at least"),
        min_value=10,
        max_value=1000,
        help_text=gettext_lazy("A window with fewer sampled frames says nothing."),
    )
    merge_frames = forms.IntegerField(
        label=gettext_lazy("Frames for the new merge"),
        min_value=100,
        max_value=5000,
        help_text=gettext_lazy("Of each camera of the merged group."),
    )
    merge_span_min = forms.FloatField(
        label=gettext_lazy("Collected over"),
        min_value=0.2,
        max_value=1440,
        help_text=gettext_lazy("Minutes. Longer gives more variety."),
    )

    def __init__(self, *args: Any, settings: DriftSettings, **kwargs: Any) -> None:
        initial = {
            "response": settings.response,
            "window_min": round(settings.window_s / 60, 1),
            "frames_min": settings.frames_min,
            "merge_frames": settings.merge_frames,
            "merge_span_min": round(settings.merge_span_s / 60, 1),
        }
        super().__init__(*args, initial=initial, **kwargs)

    def wanted(self) -> dict[str, Any]:
        """As drift_settings_update takes it."""
        entered = dict(self.cleaned_data)
        entered["window_s"] = round(60 * entered.pop("window_min"))
        entered["merge_span_s"] = round(60 * entered.pop("merge_span_min"))
        return entered

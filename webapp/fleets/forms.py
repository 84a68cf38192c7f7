"""What people enter about sites, boxes and cameras. Rules beyond types and choices are the services' business."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from edge_runtime.protocol.target import Privacy
from webapp.common.choosing import SearchedChoiceField
from webapp.fleets.models import Camera
from webapp.fleets.selectors import box_list, sites_of

PRIVACY_CHOICES = [
    (Privacy.FULL.value, gettext_lazy("Full: pictures leave the box as captured")),
    (Privacy.BLURRED.value, gettext_lazy("Blurred: people are blurred before a picture leaves the box")),
    (Privacy.OFF.value, gettext_lazy("Off: no picture ever leaves the box")),
]

SAMPLING_CHOICES = [
    (2, gettext_lazy("Every 2 seconds")),
    (10, gettext_lazy("Every 10 seconds")),
    (60, gettext_lazy("Every minute")),
    (600, gettext_lazy("Every 10 minutes")),
    (0, gettext_lazy("Never: nobody finds out when a merged model gets worse here")),
]


class SiteForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("A place with boxes, for example a building or a crossing."),
    )


class BoxForm(forms.Form):
    site = forms.ModelChoiceField(
        label=gettext_lazy("Site"),
        queryset=None,
        empty_label=None,
        help_text=gettext_lazy("Decides who may see and change the box."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("How people will recognise it, for example “north gate”."),
    )

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites_of(actor)


class CameraForm(forms.Form):
    box = SearchedChoiceField(
        label=gettext_lazy("Box"),
        address="fleets:box-options",
        hint=gettext_lazy("name of a box or site"),
        help_text=gettext_lazy("The box that reads this camera."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    source = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("As the box sees it. A password in it is stored encrypted and never shown again."),
    )
    privacy = forms.ChoiceField(label=gettext_lazy("Privacy"), choices=PRIVACY_CHOICES, initial=Privacy.FULL.value)

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["box"].offer(box_list(actor), self["box"].value())


class CameraEditForm(forms.Form):
    """An empty address keeps the stored one, whose password no form may show."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    source = forms.CharField(
        label=gettext_lazy("New address"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    privacy = forms.ChoiceField(label=gettext_lazy("Privacy"), choices=PRIVACY_CHOICES)
    sample_every_s = forms.TypedChoiceField(
        label=gettext_lazy("Compare merged models with their originals"),
        required=False,
        coerce=int,
        empty_value=None,
        help_text=gettext_lazy(
            "The box does it itself, on average this often, on a frame of this camera and when it has time."
        ),
    )

    def __init__(self, *args: Any, camera: Camera, **kwargs: Any) -> None:
        stored = {"name": camera.name, "privacy": camera.privacy, "sample_every_s": camera.sample_every_s}
        super().__init__(*args, initial=stored, **kwargs)
        self.fields["sample_every_s"].choices = _samplings(camera.sample_every_s)
        self.fields["source"].help_text = gettext("Leave empty to keep %(source_shown)s") % {
            "source_shown": camera.source_shown
        }


def _samplings(stored: int) -> list[tuple[int, Any]]:
    """With what a program has set otherwise, so that saving the form changes nothing else."""
    if stored in dict(SAMPLING_CHOICES):
        return SAMPLING_CHOICES
    return [(stored, gettext("Every %(seconds)s seconds") % {"seconds": stored}), *SAMPLING_CHOICES]


def camera_label(camera: Camera) -> str:
    return gettext("%(name)s on %(box_name)s") % {"name": camera.name, "box_name": camera.box.name}

"""What people enter about sites, boxes and cameras. Rules beyond types and choices are the services' business."""

from typing import Any

from django import forms

from edge_runtime.protocol.target import Privacy
from webapp.common.choosing import SearchedChoiceField
from webapp.fleets.models import Camera
from webapp.fleets.selectors import box_list, sites_of

PRIVACY_CHOICES = [
    (Privacy.FULL.value, "Full: pictures leave the box as captured"),
    (Privacy.BLURRED.value, "Blurred: people are blurred before a picture leaves the box"),
    (Privacy.OFF.value, "Off: no picture ever leaves the box"),
]


class SiteForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="A place with boxes, for example a building or a crossing.")


class BoxForm(forms.Form):
    site = forms.ModelChoiceField(queryset=None, empty_label=None, help_text="Decides who may see and change the box.")
    name = forms.CharField(max_length=100, help_text="How people will recognise it, for example “north gate”.")

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites_of(actor)


class CameraForm(forms.Form):
    box = SearchedChoiceField(
        address="fleets:box-options", hint="name of a box or site", help_text="The box that reads this camera."
    )
    name = forms.CharField(max_length=100)
    source = forms.CharField(
        label="Address",
        max_length=500,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="As the box sees it. A password in it is stored encrypted and never shown again.",
    )
    privacy = forms.ChoiceField(choices=PRIVACY_CHOICES, initial=Privacy.FULL.value)

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["box"].offer(box_list(actor), self["box"].value())


class CameraEditForm(forms.Form):
    """An empty address keeps the stored one, whose password no form may show."""

    name = forms.CharField(max_length=100)
    source = forms.CharField(
        label="New address",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    privacy = forms.ChoiceField(choices=PRIVACY_CHOICES)

    def __init__(self, *args: Any, camera: Camera, **kwargs: Any) -> None:
        super().__init__(*args, initial={"name": camera.name, "privacy": camera.privacy}, **kwargs)
        self.fields["source"].help_text = f"Leave empty to keep {camera.source_shown}"


def camera_label(camera: Camera) -> str:
    return f"{camera.name} on {camera.box.name}"

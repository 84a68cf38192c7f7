"""What people enter about models, queries and data sets. Rules beyond types and choices are the services' business."""

import re
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from edge_runtime.protocol.architectures import ARCHITECTURES
from edge_runtime.protocol.target import Zone
from webapp.common.choosing import SearchedChoiceField
from webapp.common.errors import InvalidInput
from webapp.fleets.forms import camera_label
from webapp.fleets.models import Camera
from webapp.fleets.selectors import camera_list, sites_of
from webapp.workloads.models import CheckState, DatasetKind, Model, Query
from webapp.workloads.recognition import read_recognition
from webapp.workloads.selectors import model_list
from webapp.workloads.zones import read_zone, zone_text

ARCHITECTURE_CHOICES = [
    (task.capitalize(), [(name, name) for name in sorted(ARCHITECTURES) if ARCHITECTURES[name] == task])
    for task in sorted(set(ARCHITECTURES.values()))
]
CLASSES_HELP = gettext_lazy("One per line or between commas, in the order of the network's outputs.")
QUERY_TERMS = ("accuracy_target", "rate_fps", "deadline_ms", "priority", "zone")


class ClassNamesField(forms.CharField):
    """Class names on lines or between commas, in the order of the network's outputs."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> tuple[str, ...]:
        names = re.split(r"[,\n]", super().to_python(value))
        return tuple(name.strip() for name in names if name.strip())


class ObjectsField(forms.MultipleChoiceField):
    """Takes any names: the service says in one sentence which of them the model does not know."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "form-selectgroup-input"})

    def valid_value(self, value: Any) -> bool:
        return True


class ZoneField(forms.CharField):
    """A polygon as text, in percent; the page's editor writes it, and people may. Cleans to protocol.target.Zone."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "10,50 90,50 90,100 10,100"})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else zone_text(value or ())

    def to_python(self, value: Any) -> Zone:
        try:
            return read_zone(super().to_python(value))
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from error


class CameraField(SearchedChoiceField):
    def __init__(self) -> None:
        super().__init__(
            address="fleets:camera-options",
            hint=gettext_lazy("name of a camera, box or site"),
            label=gettext_lazy("Camera"),
        )

    def label_from_instance(self, camera: Camera) -> str:
        return camera_label(camera)


class ModelForm(forms.Form):
    """What is not said of the weights is recognised."""

    site = forms.ModelChoiceField(
        label=gettext_lazy("Site"),
        queryset=None,
        empty_label=None,
        help_text=gettext_lazy("Queries of this site can use the model."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    architecture = forms.ChoiceField(
        label=gettext_lazy("Architecture"),
        choices=[("", gettext_lazy("Recognise it from the weights")), *ARCHITECTURE_CHOICES],
        required=False,
        help_text=gettext_lazy("The network the weights belong to."),
    )
    classes = ClassNamesField(label=gettext_lazy("Classes"), required=False, help_text=CLASSES_HELP)
    input_height = forms.IntegerField(
        label=gettext_lazy("Input height"), required=False, help_text=gettext_lazy("Pixels.")
    )
    input_width = forms.IntegerField(
        label=gettext_lazy("Input width"), required=False, help_text=gettext_lazy("Pixels.")
    )
    weights = forms.FileField(
        label=gettext_lazy("Weights"),
        widget=forms.ClearableFileInput(attrs={"accept": ".safetensors,.pt,.pth"}),
        help_text=gettext_lazy("A .safetensors file of the state dict, at most 2 GiB. No code in it is ever run."),
    )

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites_of(actor)

    def registration(self) -> dict[str, Any]:
        """The cleaned data as model_register takes it."""
        return _with_input_size(self.cleaned_data)

    def says_more(self) -> bool:
        """Whether the part of the form that may stay empty holds something."""
        return any(self[name].value() for name in ("architecture", "classes", "input_height", "input_width"))


class ModelDescribeForm(forms.Form):
    """What the tensors of a recognised upload do not tell. A field that they answer is not there."""

    architecture = forms.ChoiceField(
        label=gettext_lazy("Architecture"),
        widget=forms.RadioSelect(attrs={"class": "form-selectgroup-input"}),
        help_text=gettext_lazy("Their tensors are alike; they differ in how they look at a picture."),
    )
    classes = ClassNamesField(label=gettext_lazy("Classes"), help_text=CLASSES_HELP)
    input_height = forms.IntegerField(label=gettext_lazy("Input height"), help_text=gettext_lazy("Pixels."))
    input_width = forms.IntegerField(label=gettext_lazy("Input width"), help_text=gettext_lazy("Pixels."))

    def __init__(self, *args: Any, model: Model, **kwargs: Any) -> None:
        self.recognition = read_recognition(model.recognition)
        first, *others = self.recognition.candidates
        height, width = (model.input_height, model.input_width) if model.input_height else first.usual_size or ("", "")
        initial = {"classes": "\n".join(model.classes), "input_height": height, "input_width": width}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["classes"].label = (
            gettext("Name of its class")
            if first.classes == 1
            else gettext("Names of its %(classes)s classes") % {"classes": first.classes}
        )
        if others:
            names = self.recognition.architectures
            self.fields["architecture"].choices = [(name, name) for name in names]
        else:
            del self.fields["architecture"]
        if first.input_size:
            del self.fields["input_height"], self.fields["input_width"]

    def description(self) -> dict[str, Any]:
        """The cleaned data as model_describe takes it."""
        return _with_input_size(self.cleaned_data)


def _with_input_size(cleaned: dict[str, Any]) -> dict[str, Any]:
    """`input_size` (height, width) instead of its two fields; None where both are empty, and 0 for a missing side."""
    entered = dict(cleaned)
    height, width = entered.pop("input_height", None), entered.pop("input_width", None)
    return entered | {"input_size": None if height is None and width is None else (height or 0, width or 0)}


class _QueryTermsForm(forms.Form):
    """What can be changed about a query after it was made."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    objects = ObjectsField(
        label=gettext_lazy("Objects"),
        help_text=gettext_lazy("What this query looks for; pictures and counts show only these."),
    )
    accuracy_target = forms.FloatField(
        label=gettext_lazy("Accuracy target"),
        initial=0.95,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=gettext_lazy(
            "Above 0, at most 1. With 0.95 a merged model keeps at least 95 % of its original's accuracy."
        ),
    )
    rate_fps = forms.FloatField(
        label=gettext_lazy("Frame rate"),
        initial=5,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=gettext_lazy("Frames a second."),
    )
    deadline_ms = forms.IntegerField(
        label=gettext_lazy("Deadline"),
        initial=500,
        help_text=gettext_lazy("Milliseconds from capture; a later result counts as a lost frame."),
    )
    priority = forms.FloatField(
        label=gettext_lazy("Priority"),
        initial=1,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=gettext_lazy(
            "1 is ordinary. Where the box cannot meet all, one frame of this query counts as so many of others."
        ),
    )
    zone = ZoneField(
        required=False,
        label=gettext_lazy("Corners"),
        help_text=gettext_lazy(
            "Each as x,y in percent of width and height, from the upper left. Empty: the whole picture."
        ),
    )

    def offer_classes_of(self, model: Model | None) -> None:
        classes = model.classes if model else []
        self.fields["objects"].choices = [(name, name) for name in classes]
        if not self.is_bound:
            self.initial.setdefault("objects", classes)


class QueryForm(_QueryTermsForm):
    camera = CameraField()
    model = forms.ModelChoiceField(
        label=gettext_lazy("Model"), queryset=None, empty_label=gettext_lazy("Choose a model")
    )
    field_order = ["camera", "model", "name", "objects", *QUERY_TERMS]

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cameras: CameraField = self.fields["camera"]
        cameras.offer(camera_list(actor), self["camera"].value())
        models = model_list(actor).filter(state=CheckState.READY)
        self.fields["model"].queryset = models
        self.fields["model"].label_from_instance = lambda model: f"{model.name} ({model.architecture})"
        self.chosen_model = _chosen(models, self["model"].value())
        # A browser shows the first camera as chosen until a person chooses another.
        self.chosen_camera = cameras.chosen or next(iter(cameras.offered()), None)
        self.offer_classes_of(self.chosen_model)


class QueryEditForm(_QueryTermsForm):
    def __init__(self, *args: Any, query: Query, **kwargs: Any) -> None:
        terms = {name: getattr(query, name) for name in ("name", *QUERY_TERMS)}
        super().__init__(*args, initial={**terms, "objects": query.objects_wanted}, **kwargs)
        self.chosen_model, self.chosen_camera = query.model, query.camera
        self.offer_classes_of(query.model)


class _DatasetForm(forms.Form):
    camera = CameraField()
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["camera"].offer(camera_list(actor), self["camera"].value())


class DatasetRequestForm(_DatasetForm):
    frames = forms.IntegerField(
        label=gettext_lazy("Frames"), initial=300, help_text=gettext_lazy("How many pictures the box should send.")
    )
    span_s = forms.FloatField(
        label=gettext_lazy("Time span"),
        initial=60,
        help_text=gettext_lazy("Seconds over which the box picks them, evenly spread."),
    )


class DatasetUploadForm(_DatasetForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=[
            (DatasetKind.COCO.value, gettext_lazy("COCO: a folder of images and one annotations .json (detection)")),
            (DatasetKind.IMAGEFOLDER.value, gettext_lazy("Image folders: one folder for each class (classification)")),
        ],
    )
    archive = forms.FileField(
        label=gettext_lazy("Zip file"),
        widget=forms.ClearableFileInput(attrs={"accept": ".zip"}),
        help_text=gettext_lazy("At most 2 GiB."),
    )


def _chosen(models: QuerySet[Model], key: Any) -> Model | None:
    try:
        return models.filter(pk=UUID(str(key))).first()
    except ValueError:
        return None

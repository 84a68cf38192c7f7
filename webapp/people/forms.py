"""What administrators enter about people, sites and roles. Rules beyond types and choices are for the services."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from webapp.accounts.models import Person
from webapp.fleets.models import Role, Site
from webapp.fleets.selectors import sites_administered
from webapp.people.selectors import person_list

ROLE_CHOICES = [
    (Role.VIEWER.value, gettext_lazy("Viewer: sees everything in the site")),
    (Role.OPERATOR.value, gettext_lazy("Operator: also changes boxes, cameras, models and queries, and starts merges")),
    (Role.APPROVER.value, gettext_lazy("Approver: also decides which merged groups boxes run")),
    (
        Role.ADMINISTRATOR.value,
        gettext_lazy("Administrator: also manages the site, its people and the access of its boxes"),
    ),
]


class InvitationForm(forms.Form):
    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=150, help_text=gettext_lazy("What they sign in with.")
    )
    full_name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, required=False, help_text=gettext_lazy("As others will see it.")
    )
    email = forms.EmailField(label=gettext_lazy("E-mail address"), required=False)
    site = forms.ModelChoiceField(label=gettext_lazy("Site"), queryset=None, empty_label=None)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLE_CHOICES, initial=Role.VIEWER.value)

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites_administered(actor)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class SiteEditForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    requester_may_approve = forms.BooleanField(
        label=gettext_lazy("Whoever started a merge may approve its result"),
        required=False,
        help_text=gettext_lazy("Off: another approver has to decide (the four-eyes rule)."),
    )

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        initial = {"name": site.name, "requester_may_approve": site.requester_may_approve}
        super().__init__(*args, initial=initial, **kwargs)


class MembershipForm(forms.Form):
    """A role in `site`; to be chosen from are people that `actor` sees."""

    person = forms.ModelChoiceField(label=gettext_lazy("Person"), queryset=None, empty_label=None)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLE_CHOICES, initial=Role.VIEWER.value)

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = person_list(actor)

    def offer_only_strangers(self, site: Site) -> None:
        """Not those who have a role in the site already."""
        known = site.memberships.values("person")
        self.fields["person"].queryset = self.fields["person"].queryset.exclude(id__in=known).filter(is_active=True)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    def clean_person(self) -> Person:
        person: Person = self.cleaned_data["person"]
        return person

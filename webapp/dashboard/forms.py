"""What people enter to search the audit log."""

from operator import itemgetter
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from webapp.accounts.models import Person
from webapp.dashboard.actions import action_named
from webapp.dashboard.audit_log import AuditSearch, actions_known
from webapp.fleets.selectors import sites_administered
from webapp.people.selectors import person_list


class AuditSearchForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("name or address")}),
    )
    person = forms.ModelChoiceField(
        label=gettext_lazy("Who"), queryset=Person.objects.none(), required=False, empty_label=gettext_lazy("anybody")
    )
    action = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    site = forms.ModelChoiceField(
        label=gettext_lazy("Site"), queryset=None, required=False, empty_label=gettext_lazy("any site")
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = person_list(actor)
        self.fields["site"].queryset = sites_administered(actor)
        actions = sorted(((action, action_named(action)) for action in actions_known(actor)), key=itemgetter(1))
        self.fields["action"].choices = [("", gettext("anything")), *actions]

    def search(self) -> AuditSearch:
        """What was entered that can be used; the form shows what cannot."""
        self.is_valid()
        entered = {name: value for name, value in self.cleaned_data.items() if value}
        for name in ("person", "site"):
            if name in entered:
                entered[name] = entered[name].pk
        return AuditSearch(**entered)

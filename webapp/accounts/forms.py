"""What people enter to sign in and to choose a password."""

from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.utils.translation import gettext, gettext_lazy


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = gettext("User name")
        self.fields["password"].help_text = ""  # allauth links to a reset by e-mail, which few installations could send
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class PasswordForm(SetPasswordForm):
    """A new password of one's own. The old one was asked for by the page before, unless it was just used."""


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What uses it, for example the machine or the script."),
    )
    is_read_only = forms.TypedChoiceField(
        label=gettext_lazy("May"),
        choices=[
            ("", gettext_lazy("do what you may do")),
            ("reads", gettext_lazy("only look at what you may see, as for monitoring")),
        ],
        coerce=bool,
        empty_value=False,
        required=False,
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Works for"),
        choices=[
            (7, gettext_lazy("7 days")),
            (30, gettext_lazy("30 days")),
            (90, gettext_lazy("90 days")),
            (366, gettext_lazy("a year")),
        ],
        coerce=int,
        initial=90,
        help_text=gettext_lazy("Whatever has the token may do this, until then or until you revoke it."),
    )

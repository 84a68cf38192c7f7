"""What people enter to sign in and to choose a password."""

from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": "User name and password do not fit together. Check both; capitals matter.",
        "inactive": "This account is switched off. Ask an administrator of your site.",
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"


class PasswordForm(SetPasswordForm):
    """A new password of one's own. The old one is not asked for: the person has just used it to sign in."""

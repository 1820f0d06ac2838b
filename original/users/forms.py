"""The forms of an account."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password

from users.models import User


class LoginForm(AuthenticationForm):
    """Log in by e-mail, then by username."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail or username"
        # An e-mail may be longer than the username, which is the limit Django sets here.
        self.fields["username"].widget.attrs["maxlength"] = 254

    def clean_username(self) -> str:
        """Return the username of the e-mail or username that was typed."""
        typed: str = self.cleaned_data["username"]
        found = User.objects.filter(email=typed.lower()).order_by("id").first()
        return found.username if found else typed


class RegisterForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    """A new account."""

    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    class Meta:
        model = User
        fields = ["username", "email", "display_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["display_name"].required = True
        self.fields["username"].help_text = ""

    def clean_email(self) -> str:
        """Refuse an e-mail that is taken, as typed: case counts."""
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError("An account with this e-mail exists already.")
        return email

    def clean_password(self) -> str:
        """Validate the password."""
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password

    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's signature
        """Create the account."""
        user: User = super().save(commit=False)
        # AbstractUser.clean() has lower-cased the domain; the account keeps the e-mail as typed.
        user.email = self.cleaned_data["email"]
        user.set_password(self.cleaned_data["password"])
        if commit:
            user.save()
        return user


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    """The name to show and the preferences."""

    auto_save_choreographies = forms.BooleanField(required=False, label="Save new choreographies for me")

    class Meta:
        model = User
        fields = ["display_name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["auto_save_choreographies"] = self.instance.saves_automatically()

    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's signature
        """Store the profile. The preferences are replaced as a whole."""
        wanted = self.cleaned_data["auto_save_choreographies"]
        self.instance.preferences = {"auto_save_choreographies": wanted}
        user: User = super().save(commit)
        return user

"""Register, log in, profile."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from users import lockout
from users.forms import LoginForm, ProfileForm, RegisterForm


class Login(LoginView):
    """Django's login with a lock after too many failures."""

    form_class = LoginForm
    template_name = "users/login.html"

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Refuse a locked e-mail before its password is checked."""
        if lockout.is_locked(self.typed()):
            context = self.get_context_data(form=LoginForm(request), locked=True)
            return self.render_to_response(context, status=429)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let the user in."""
        lockout.forget_failures(self.typed())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count the failure."""
        lockout.count_failure(self.typed())
        return super().form_invalid(form)

    def typed(self) -> str:
        """Return the e-mail or username as the user typed it."""
        return self.request.POST.get("username", "")


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        login(request, form.save())
        return redirect("select-song")
    return render(request, "users/register.html", {"form": form})


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, "Your profile was saved.")
        return redirect("profile")
    return render(request, "users/profile.html", {"form": form})

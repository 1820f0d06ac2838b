"""The admin site writes only the columns that were changed, like the rest of the backend."""

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest


class ChangedFieldsOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    def save_model(self, request: HttpRequest, obj: Model, form: "ModelForm[Model]", change: bool) -> None:  # noqa: ARG002, FBT001
        if not change:
            obj.save()
            return
        columns = {field.name for field in obj._meta.concrete_fields}  # noqa: SLF001 - Django's own way
        obj.save(update_fields=columns.intersection(form.changed_data))

"""The forms of generations and collections."""

import json
from typing import Any

from django import forms

from choreography.models import Difficulty, SavedChoreography


class StorableJSONField(forms.JSONField):
    """JSON as PostgreSQL stores it: without NaN, NUL, half a surrogate pair or endless nesting."""

    def to_python(self, value: str | None) -> Any:
        """Parse what was sent."""
        try:
            parsed = super().to_python(value)
            text = json.dumps(parsed, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": value}) from error
        if rb"\u0000" in text.replace(rb"\\", b""):
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": value})
        return parsed


class CreateForm(forms.Form):
    """A song and a difficulty."""

    song_selection = forms.CharField(max_length=255, strip=False)
    difficulty = forms.ChoiceField(choices=Difficulty.choices)
    auto_save = forms.CharField(required=False)

    def clean_auto_save(self) -> bool:
        """Read the flag; without one the answer is yes."""
        return self.cleaned_data["auto_save"].lower() not in {"false", "off", "no", "0"}


class SaveForm(forms.Form):
    """A choreography for the collection."""

    title = forms.CharField(max_length=200)
    difficulty = forms.ChoiceField(choices=Difficulty.choices)
    video_path = forms.CharField(max_length=500)
    duration = forms.FloatField(min_value=0)
    music_info = StorableJSONField(required=False)
    generation_parameters = StorableJSONField(required=False)


class EditForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    """What can be changed about a saved choreography."""

    class Meta:
        model = SavedChoreography
        fields = ["title", "difficulty"]

"""What a user may ask for."""

from django import forms

from choreography.models import Difficulty


class CreateForm(forms.Form):
    """A song and how hard the dance may be."""

    song_selection = forms.CharField(max_length=255, strip=False)
    difficulty = forms.ChoiceField(choices=Difficulty.choices)
    auto_save = forms.CharField(required=False)

    def clean_auto_save(self) -> bool:
        """Read the flag; without one the answer is yes."""
        return self.cleaned_data["auto_save"].lower() not in {"false", "off", "no", "0"}

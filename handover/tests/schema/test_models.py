import pytest

from handover.errors import ProbeError
from handover.schema.models import Description


def test_description__a_fact_is_of_another_kind__is_one_sentence_with_the_models_name(players):
    answer = players["custom_user"].clean["original"]["describe"]
    assert Description.of("the original", answer).models
    task = next(model for model in answer["models"] if model["label"] == "dance.Task")
    broken = task | {"fields": [field | {"null": "perhaps"} for field in task["fields"]]}
    with pytest.raises(ProbeError) as refused:
        Description.of("the original", answer | {"models": [broken]})
    assert str(refused.value).startswith(
        "HO002  the original describes dance.Task.task_id.null as 'perhaps', which `handover` cannot read: "
    )
    assert "\n" not in str(refused.value)

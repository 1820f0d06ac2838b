"""Wishes and tasks as the API reads and writes them."""

import math
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.choreography.models import ChoreographyTask, TaskOfPhase1
from apps.choreography.progress import STAGES
from apps.collections.models import SavedChoreography
from apps.generation.requests import MOST_SEED
from config.inputs import Input
from config.outputs import Output, fields_of

LONGEST_SONG_S = 45 * 60
LONGEST_STYLE = 50
FEWEST_TAPS, MOST_TAPS = 4, 200
ENERGIES = ["low", "medium", "high"]


class Seconds(serializers.FloatField):
    """A time in a song. NaN, which no limit refuses, is refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LONGEST_SONG_S, **options)

    def to_internal_value(self, data: Any) -> float:
        seconds: float = super().to_internal_value(data)
        return seconds if math.isfinite(seconds) else self.fail("invalid")


class CorrectionsIn(Input):
    shift_half_beat = serializers.BooleanField(default=False, help_text="the beats were heard half a beat off")
    downbeat_at_s = Seconds(default=None, allow_null=True, help_text="near this time in the song is a 1")
    taps_s = serializers.ListField(
        child=Seconds(),
        default=None,
        allow_null=True,
        min_length=FEWEST_TAPS,
        max_length=MOST_TAPS,
        help_text="when a dancer tapped along, in place of the other two: they are worked out from it",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["taps_s"] and (attrs["shift_half_beat"] or attrs["downbeat_at_s"] is not None):
            raise serializers.ValidationError({"taps_s": ["Send taps, or corrections, not both."]})
        return attrs


@extend_schema_serializer(component_name="Wishes")
class GenerationRequest(Input):
    song = serializers.CharField(max_length=255, help_text="name of a song in /api/songs")
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)
    energy = serializers.ChoiceField(ENERGIES, required=False, allow_null=True)
    style = serializers.CharField(  # type: ignore[assignment]  # the stubs mean Field.style
        max_length=LONGEST_STYLE,
        required=False,
        allow_null=True,
        help_text="the style to prefer; one that no move has is given up, and the task says so",
    )
    seed = serializers.IntegerField(
        min_value=0,
        max_value=MOST_SEED,
        required=False,
        allow_null=True,
        help_text="the same seed, the same dance; without one another dance each time",
    )
    auto_save = serializers.BooleanField(required=False, help_text="keep it in the collection; default true")
    corrections = CorrectionsIn(
        required=False, allow_null=True, help_text="what was heard wrongly in the song; for this task alone"
    )

    def validate_corrections(self, corrections: dict[str, Any] | None) -> dict[str, Any] | None:
        # Nothing to correct is the same as none. A 1 at 0 s is something.
        says = corrections and any(value is not None and value is not False for value in corrections.values())
        return corrections if says else None


class SwapRequest(Input):
    move = serializers.IntegerField(min_value=1, help_text="which move, counted from 1 as in the timeline")
    seed = serializers.IntegerField(
        min_value=0, max_value=MOST_SEED, required=False, help_text="without one another move each time, if there is"
    )
    auto_save = serializers.BooleanField(required=False, help_text="keep it in the collection; default as before")


class Swap(Output):
    task_id = serializers.CharField(help_text="the task whose other moves were kept")
    move = serializers.IntegerField(help_text="which move was replaced, counted from 1")


class Inputs(Output):
    """What was asked for; null for a task of the original, which does not keep it."""

    song = serializers.CharField()
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)
    energy = serializers.ChoiceField(ENERGIES, allow_null=True)
    style = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # the stubs mean Field.style
    seed = serializers.IntegerField(help_text="chosen here if none was sent")
    auto_save = serializers.BooleanField()
    corrections = CorrectionsIn(allow_null=True)
    swap = Swap(allow_null=True)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        # A job of an older version has fewer.
        return {name: instance.get(name) for name in fields_of(type(self))}


class Result(Output):
    """What either system writes; a value that is not of its type is null, and other keys are left out."""

    video_path = serializers.CharField(allow_null=True)
    video_filename = serializers.CharField(allow_null=True)
    processing_time = serializers.FloatField(allow_null=True, help_text="seconds")
    sequence_duration = serializers.FloatField(allow_null=True, help_text="seconds")
    moves_analyzed = serializers.IntegerField(allow_null=True)
    metadata_path = serializers.CharField(allow_null=True)
    saved_choreography_id = serializers.CharField(allow_null=True)
    auto_saved = serializers.BooleanField(allow_null=True)

    KINDS = (
        (serializers.CharField, str),
        (serializers.BooleanField, bool),
        (serializers.IntegerField, int),
        (serializers.FloatField, (int, float)),
    )

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        return {name: self._typed(field, instance.get(name)) for name, field in fields_of(type(self)).items()}

    def _typed(self, field: Any, value: Any) -> Any:
        kind = next(kind for of_field, kind in self.KINDS if isinstance(field, of_field))
        is_right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        return value if is_right else None


class Span(Output):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()


class Hearing(Output):
    """How sure it is what was heard in the song; the choreography is made all the same."""

    four_beats = serializers.FloatField(help_text="how sure it is that the song has four beats a bar, 0 to 1")
    looks_like_four_beats = serializers.BooleanField(help_text="that it is at least as likely as not")
    uncertain = Span(many=True, help_text="from when to when in the song the beat is uncertain")
    doubts = serializers.ListField(child=serializers.CharField(), help_text="the same in sentences")


class Variety(Output):
    """How varied the films are."""

    distinct_share = serializers.FloatField(help_text="different films, as a share of all moves")
    changes_share = serializers.FloatField(
        allow_null=True, help_text="cuts at which the clothes change, of those where both are known; null: of none"
    )


class Steps(Output):
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class EstimateOut(Output):
    starts_at = serializers.DateTimeField(allow_null=True, help_text="or when it started")
    ends_at = serializers.DateTimeField(allow_null=True)


class TaskOut(Output, serializers.ModelSerializer[ChoreographyTask]):
    task_id = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(TaskOfPhase1.Status.choices, source="told_status", read_only=True)
    progress = serializers.IntegerField(read_only=True)
    steps = serializers.SerializerMethodField(help_text="how many stages are over")
    ahead = serializers.IntegerField(
        source="facts.ahead", read_only=True, allow_null=True, help_text="how many are made before it, while it waits"
    )
    estimate = EstimateOut(source="facts.estimate", read_only=True, help_text="by the last tasks; null: not known")
    inputs = serializers.SerializerMethodField()
    relaxed = serializers.ListField(
        source="facts.relaxed",
        child=serializers.CharField(),
        read_only=True,
        allow_null=True,
        help_text="which wishes were given up, in sentences; null: not known",
    )
    hearing = Hearing(source="facts.hearing", read_only=True, allow_null=True)
    variety = Variety(source="facts.variety", read_only=True, allow_null=True)
    result = serializers.SerializerMethodField()
    video = serializers.SerializerMethodField()

    class Meta:
        model = ChoreographyTask
        fields = (
            "task_id",
            "status",
            "progress",
            "stage",
            "steps",
            "message",
            "ahead",
            "estimate",
            "inputs",
            "relaxed",
            "hearing",
            "variety",
            "result",
            "error",
            "job_execution_name",
            "created_at",
            "updated_at",
            "video",
        )
        read_only_fields = fields

    @extend_schema_field(Steps)
    def get_steps(self, task: ChoreographyTask) -> dict[str, int]:
        stages = list(STAGES)
        done = stages.index(task.stage) if task.stage in STAGES else 0
        completed = task.status == ChoreographyTask.Status.COMPLETED
        return {"done": len(stages) if completed else done, "total": len(stages)}

    @extend_schema_field(Inputs(allow_null=True))
    def get_inputs(self, task: ChoreographyTask) -> dict[str, Any] | None:
        return Inputs(task.facts.inputs).data if task.facts.inputs else None

    @extend_schema_field(Result(allow_null=True))
    def get_result(self, task: ChoreographyTask) -> dict[str, Any] | None:
        return Result(task.result).data if isinstance(task.result, dict) else None

    def get_video(self, task: ChoreographyTask) -> str | None:
        completed = task.status == ChoreographyTask.Status.COMPLETED
        return reverse("api:task-video", args=[task.pk]) if completed else None


class Cancelled(Output):
    message = serializers.CharField()
    task_id = serializers.CharField()
    previous_status = serializers.CharField()

"""What the worker runs (`manage.py procrastinate worker`)."""

from procrastinate.contrib.django import app

from apps.choreography.generation import carry_out_generation


@app.task(name="generate", queue="generate")
def generate(*, task_id: str, song: str, difficulty: str, energy: str | None, seed: int, auto_save: bool) -> None:
    carry_out_generation(
        task_id=task_id, song=song, difficulty=difficulty, energy=energy, seed=seed, auto_save=auto_save
    )

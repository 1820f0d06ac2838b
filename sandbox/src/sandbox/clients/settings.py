"""How large the crowd is, and how it behaves."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CrowdSettings:
    """What a crowd is made of; times in seconds.

    ``url`` holds the name that is resolved at ``name_server``; ``systems`` names the system behind each address.
    People do ``acts`` acts (least, most) with ``gap_s`` between them, then pause. A pause is longer than servers keep
    an idle connection, or no browser would ever ask DNS again. ``old_share`` of the acts happen in a tab that the other
    system had opened, where a person has one. At most ``makers`` choreographies are made at once.
    """

    url: str
    name_server: tuple[str, int]
    systems: dict[str, str]
    songs: tuple[str, ...]
    people: int = 60
    seed: int = 7
    acts: tuple[int, int] = (4, 10)
    gap_s: float = 0.02
    pause_s: tuple[float, float] = (3.0, 5.0)
    old_share: float = 0.65
    relogin_share: float = 0.001
    makers: int = 2
    make_every_s: float = 2.0
    poll_s: dict[str, float] = field(default_factory=lambda: {"original": 2.0, "backend": 1.0})
    task_within_s: float = 120.0
    lag_every_s: float = 1.0

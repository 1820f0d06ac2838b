"""Hypothesis strategies that draw a whole project: models, relations of every kind, every kind of ``Meta``."""

from hypothesis import strategies as st

from handover_testing.drifts.drawn.meta import Meta
from handover_testing.drifts.drawn.values import FLAG, KINDS, NO, PREAMBLE, YES, Option, Same
from handover_testing.drifts.drawn.world import BASES, LABEL, NAMES, Draw, Where, World, chance, pick, remember, traits
from handover_testing.drifts.projects import Field, Model, Project


@st.composite
def worlds(draw: Draw) -> World:
    """Draw a project of three to six models."""
    world = World(
        Project(
            LABEL,
            {},
            preamble=PREAMBLE,
            apps=("django.contrib.postgres",),
            settings={"SILENCED_SYSTEM_CHECKS": "['fields.E210']"},
        )
    )
    models = world.project.models
    for name in NAMES[: draw(st.integers(3, len(NAMES)))]:
        base = pick(draw, list(models)) if models and chance(draw, 20) else ""
        base = "" if base and models[base].base not in BASES else base
        models[name] = Model(name, {}, {}, base or ("Stamped" if chance(draw, 20) else "models.Model"))
        _table(draw, world, models[name])
        if not base:
            _key(draw, models[name])
        for number in range(draw(st.integers(3, 7))):
            _field(draw, world, models[name], number)
    for model in list(models.values()):
        _relations(draw, world, model)
    for model in list(models.values()):
        _generated(draw, world, model)
        Meta(draw, world, model).write()
    if chance(draw, 30):
        first = next(iter(models))
        models[f"{first}Proxy"] = Model(f"{first}Proxy", {}, {"proxy": "True"}, first)
    return world


def _table(draw: Draw, world: World, model: Model) -> None:
    default = f"{LABEL}_{model.name.lower()}"
    own = chance(draw, 40)
    table = f"the_{model.name.lower()}s" if own else default
    model.meta["db_table"] = repr(table)
    world.same[Where(model.name, "", "db_table")] = (repr(table), *(() if own else (None,)))


def _key(draw: Draw, model: Model) -> None:
    """A key of any class; None: Django makes it."""
    keys = (
        None,
        Field("BigAutoField", {"primary_key": "True"}),
        Field("AutoField", {"primary_key": "True"}),
        Field("SmallAutoField", {"primary_key": "True"}),
        Field("UUIDField", {"primary_key": "True", "default": "uuid.uuid4", "editable": "False"}),
        Field("CharField", {"primary_key": "True", "max_length": "36"}),
        Field("PositiveIntegerField", {"primary_key": "True"}),
    )
    key = pick(draw, keys)
    if key is not None:
        model.fields["id"] = Field(key.kind, dict(key.options))


def _field(draw: Draw, world: World, model: Model, number: int) -> None:
    kind = pick(draw, KINDS)
    name = f"{model.name.lower()}_{kind.short}{number}"
    options: dict[str, str] = {}
    nullable = chance(draw, 30)
    wanted = {
        **kind.options,
        "null": (YES, NO) if nullable else FLAG,
        "blank": ((*YES, "3"), NO) if chance(draw, 30) else (NO, (*YES, "3")),
        **({"unique": FLAG, "db_index": FLAG} if "btree" in kind.traits else {}),
        "db_column": ((None, repr(name)), (repr(f"c_{number}"), f"'c_' '{number}'")),
    }
    for option, meanings in wanted.items():
        certain = option in ("null", "blank")
        text = remember(draw, world, Where(model.name, name, option), meanings, usual=100 if certain else 65)
        if text is not None:
            options[option] = text
    _reconcile(world, model.name, name, options)
    model.fields[name] = Field(kind.name, options, kind.first)
    world.kinds[model.name, name] = kind


def _reconcile(world: World, model: str, name: str, options: dict[str, str]) -> None:
    """Options that exclude each other: the first stays."""

    def drop(*dropped: str) -> None:
        for option in dropped:
            options.pop(option, None)
            world.same.pop(Where(model, name, option), None)
            world.others.pop(Where(model, name, option), None)

    if "auto_now" in options or "auto_now_add" in options:
        drop("default", "db_default", "blank")
    if "unique" in options:
        drop("db_index")
    if "db_default" in options:
        drop("default")
    if "null" in options and Where(model, name, "default") in world.same and "default" not in options:
        world.same[Where(model, name, "default")] = (None, "None")


def _relations(draw: Draw, world: World, model: Model) -> None:
    for number in range(draw(st.integers(0, 3))):
        target = pick(draw, [*(m for m in world.project.models), "self", "user"])
        kind = pick(draw, ("ForeignKey", "ForeignKey", "OneToOneField", "ManyToManyField"))
        name = f"{model.name.lower()}_to{number}"
        to = {"self": "'self'", "user": "settings.AUTH_USER_MODEL"}.get(target, f"'{target}'")
        options = {"related_name": pick(draw, (f"'of_{name}'", f"'of_{name}'", "'+'"))}
        if chance(draw, 20) and options["related_name"] != "'+'":
            options["related_query_name"] = f"'q_{name}'"
        world.same[Where(model.name, name, "to")] = _targets(target, model)
        if kind == "ManyToManyField":
            _many_to_many(draw, world, model, name, to, options)
        else:
            model.fields[name] = Field(kind, options | _on_delete(draw, kind), to)


def _targets(target: str, model: Model) -> Same:
    if target == "user":
        return ("settings.AUTH_USER_MODEL", "'auth.User'", "get_user_model()")
    name = model.name if target == "self" else target
    own = ("'self'",) if name == model.name else ()
    return (f"'{name}'", f"'{LABEL}.{name}'", *own)


def _on_delete(draw: Draw, kind: str) -> dict[str, str]:
    options: dict[str, str] = {}
    action = pick(draw, ("CASCADE", "CASCADE", "PROTECT", "SET_NULL", "RESTRICT", "SET(None)"))
    if action.startswith("SET") or chance(draw, 20):
        options |= {"null": "True", "blank": "True"}
    options["on_delete"] = f"models.{action}"
    if kind == "ForeignKey" and chance(draw, 15):
        options["db_index"] = "False"
    if chance(draw, 15):
        options["limit_choices_to"] = "{'pk__isnull': False}"
    return options


def _many_to_many(draw: Draw, world: World, model: Model, name: str, to: str, options: dict[str, str]) -> None:
    if to.strip("'") in ("self", model.name):
        options = {"symmetrical": "False", **options}
    elif chance(draw, 30):
        link = f"{model.name}Link{name[-1]}"
        target = to.strip("'") if "AUTH" not in to else "settings.AUTH_USER_MODEL"
        fields = {
            "one": Field("ForeignKey", {"on_delete": "models.CASCADE", "related_name": "'+'"}, repr(model.name)),
            "other": Field("ForeignKey", {"on_delete": "models.CASCADE", "related_name": "'+'"}, to),
            "since": Field("DateTimeField", {"default": "timezone.now"}),
        }
        if target == model.name:
            options["through_fields"] = "('one', 'other')"
        table = repr(f"{LABEL}_{link.lower()}")
        world.project.models[link] = Model(link, fields, {"db_table": table, "unique_together": "[('one', 'other')]"})
        world.same[Where(link, "", "unique_together")] = (
            "[('one', 'other')]",
            "(('one', 'other'),)",
            "('one', 'other')",
            "{('one', 'other')}",
        )
        options["through"] = f"'{link}'"
    elif chance(draw, 30):
        options["db_table"] = f"'by_{name}'"
    model.fields[name] = Field("ManyToManyField", options, to)


def _generated(draw: Draw, world: World, model: Model) -> None:
    numbers = [n for n in model.fields if "number" in traits(world, model, n)]
    if not numbers or not chance(draw, 40):
        return
    of, name = numbers[0], f"{model.name.lower()}_made"
    expressions: Option = (
        (f"F('{of}') + 7", f"models.F('{of}') + Value(7)", f"F('{of}') + 7 * 1"),
        (f"F('{of}') + 8",),
        (f"Abs('{of}')", f"Abs(F('{of}'))"),
    )
    text = remember(draw, world, Where(model.name, name, "expression"), expressions, usual=50)
    output = "models.BigIntegerField()"
    model.fields[name] = Field(
        "GeneratedField", {"expression": str(text), "output_field": output, "db_persist": "True"}
    )

"""Strategies that draw an equal twin of a world: everything that does not matter is another."""

from hypothesis import strategies as st

from handover_testing.drifts.drawn.meta import MANAGERS
from handover_testing.drifts.drawn.values import Same
from handover_testing.drifts.drawn.world import LABEL, Draw, World, chance, pick
from handover_testing.drifts.projects import Field, Model, Project

RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")
STAMPED = {
    "stamped_at": Field("DateTimeField", {"default": "timezone.now", "db_index": "True"}),
    "note": Field("CharField", {"max_length": "30", "blank": "True", "default": "''"}),
}


@st.composite
def twins(draw: Draw, world: World) -> Project:
    """Draw one: another module, other spellings, another order, other words for people."""
    project = world.project.copy()
    project.package = f"apps.{LABEL}"
    project.aside = pick(draw, ("", "things"))
    project.squashed = chance(draw, 25)
    _spell(draw, world, project)
    for model in project.models.values():
        _keys(draw, model)
        _base(draw, model)
        _relations(draw, model)
        _words(draw, model)
        _managers(draw, model)
        model.fields = dict(draw(st.permutations(list(model.fields.items()))))
    project.models = _ordered(draw, project.models)
    return project


def _spell(draw: Draw, world: World, project: Project) -> None:
    """Write options as other texts of the same meaning."""
    for where, same in world.same.items():
        text = pick(draw, same) if chance(draw, 60) else same[0]
        model = project.models[where.model]
        if where.option == "to":
            model.fields[where.field].to = str(text)
            continue
        options = model.fields[where.field].options if where.field else model.meta
        if text is None:
            options.pop(where.option, None)
        else:
            options[where.option] = text


def _keys(draw: Draw, model: Model) -> None:
    """The key that Django makes by itself, written down, or the other way round."""
    if model.base not in ("models.Model", "Stamped") or chance(draw, 50):
        return
    if "id" not in model.fields and not model.meta.get("proxy"):
        model.fields["id"] = Field("BigAutoField", {"primary_key": "True", "verbose_name": "'ID'"})
    elif "id" in model.fields and model.fields["id"].kind == "BigAutoField":
        del model.fields["id"]


def _base(draw: Draw, model: Model) -> None:
    """The fields of an abstract model, written at the model itself."""
    if model.base == "Stamped" and chance(draw, 50):
        model.base = "models.Model"
        model.fields |= {name: Field(one.kind, dict(one.options)) for name, one in STAMPED.items()}


ACTIONS: dict[str, Same] = {"models.CASCADE": ("models.CASCADE", "CASCADE"), "models.SET(None)": ("models.SET(None)",)}


def _relations(draw: Draw, model: Model) -> None:
    for name, field in model.fields.items():
        options = field.options
        if field.kind not in RELATIONS:
            continue
        if "on_delete" in options:
            options["on_delete"] = str(pick(draw, ACTIONS.get(options["on_delete"], (options["on_delete"],))))
        shown = options.get("related_name", "'+'")
        if shown == "'+'" and chance(draw, 30):
            options["related_name"] = "'hidden+'"
        if shown != "'+'" and "related_query_name" not in options and chance(draw, 30):
            options["related_query_name"] = shown
        if field.kind == "ForeignKey" and "db_index" not in options and chance(draw, 20):
            options["db_index"] = "True"
        if field.kind != "ManyToManyField" and chance(draw, 20):
            options["db_column"] = f"'{name}_id'"


def _words(draw: Draw, model: Model) -> None:
    for name, field in model.fields.items():
        if chance(draw, 20):
            field.options["verbose_name"] = pick(draw, (f"'the {name}'", f"_('the {name}')"))
        if chance(draw, 20):
            field.options["help_text"] = pick(draw, ("'to be filled in'", "_('to be filled in')"))
        if chance(draw, 10):
            field.options["error_messages"] = "{'invalid': _('no, not like this')}"
        if chance(draw, 10) and field.kind != "ManyToManyField":
            field.options["db_comment"] = "'of the backend'"
    if chance(draw, 30):
        model.meta["verbose_name"] = pick(draw, ("'a thing'", "_('a thing')"))
        model.meta["verbose_name_plural"] = "_('things')"


def _managers(draw: Draw, model: Model) -> None:
    for same in MANAGERS:
        if same[0] in model.code:
            model.code[model.code.index(str(same[0]))] = str(pick(draw, same))


def _ordered(draw: Draw, models: dict[str, Model]) -> dict[str, Model]:
    """In another order, but parents before their children."""
    left = list(draw(st.permutations(list(models))))
    ordered: dict[str, Model] = {}
    while left:
        name = next(n for n in left if models[n].base in (*ordered, "models.Model", "Stamped"))
        left.remove(name)
        ordered[name] = models[name]
    for name, model in ordered.items():
        _by_class(draw, model, list(ordered)[: list(ordered).index(name)])
    return ordered


def _by_class(draw: Draw, model: Model, before: list[str]) -> None:
    """Point at classes that stand above by themselves, not by their names."""
    for field in model.fields.values():
        target = field.to.strip("'").removeprefix(f"{LABEL}.")
        if field.kind in RELATIONS and target in before and chance(draw, 40):
            field.to = target

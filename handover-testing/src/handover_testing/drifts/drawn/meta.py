"""Draws the ``Meta`` of a model, and its managers: indexes, constraints and orders of every kind."""

# ruff: noqa: E501 - equal texts are read best on one line

from dataclasses import dataclass
from itertools import pairwise

from handover_testing.drifts.drawn.values import Option, Same
from handover_testing.drifts.drawn.world import BASES, LABEL, Draw, Where, World, chance, pick, remember, traits
from handover_testing.drifts.projects import Model


@dataclass(frozen=True)
class Thing:
    """An index or a constraint on a column, as its equal texts, and another one of the same name."""

    column: str
    same: Same
    other: str


class Meta:
    """Draws the ``Meta`` of a model, and its managers."""

    def __init__(self, draw: Draw, world: World, model: Model) -> None:
        self.draw, self.world, self.model = draw, world, model
        self.by_trait: dict[str, list[str]] = {}
        for name in model.fields:
            for trait in traits(world, model, name):
                self.by_trait.setdefault(trait, []).append(name)
        self.short = f"{LABEL[0]}_{model.name.lower()}"

    def write(self) -> None:
        """Draw and write."""
        self._ordering()
        self._put("indexes", self._indexes())
        self._put("constraints", self._constraints())
        self._permissions()
        self._managers()

    def option(self, name: str, meanings: Option, *, usual: int = 60) -> None:
        """Draw one option."""
        text = remember(self.draw, self.world, Where(self.model.name, "", name), meanings, usual=usual)
        if text is not None:
            self.model.meta[name] = text

    def _put(self, option: str, found: list[Thing]) -> None:
        """Write a list of things; other texts of it have other texts of each, in another order."""
        kept = [thing for thing in found if chance(self.draw, 45)][:4]
        if not kept:
            return
        texts = [thing.same for thing in kept]
        plain = f"[{', '.join(str(same[0]) for same in texts)}]"
        last = f"({', '.join(str(same[-1]) for same in reversed(texts))},)"
        middle = f"[{', '.join(str(same[len(same) // 2]) for same in texts)}]"
        where = Where(self.model.name, "", option)
        self.world.same[where] = (plain, last, middle)
        alone = [thing for thing in kept if not self._is_served(thing, kept)]
        self.world.others[where] = tuple(plain.replace(str(t.same[0]), t.other) for t in alone)
        self.model.meta[option] = plain

    def _is_served(self, thing: Thing, kept: list[Thing]) -> bool:
        """Whether something else is on the same column, and may do the same if this one is another."""
        options = self.model.fields[thing.column].options
        more = [one for one in kept if one is not thing and thing.column in str(one.same[0])]
        together = thing.column in self.model.meta.get("unique_together", "")
        meta = thing.column in self.model.meta.get("indexes", "")
        return bool(more or together or meta or {"unique", "db_index"} & options.keys())

    def _of(self, trait: str) -> list[str]:
        return self.by_trait.get(trait, [])

    def _pairs(self, trait: str) -> list[tuple[str, str]]:
        """Each of the first two fields with the one after it."""
        names = self._of(trait)
        return list(pairwise(names))[:2]

    def _indexes(self) -> list[Thing]:
        """Return each index that fits."""
        found: list[Thing] = []

        def add(a: str, text: str, other: str, *same: str) -> None:
            name = f"name='{self.short}_i{len(found)}'"
            found.append(Thing(a, tuple(f"{one}, {name})" for one in (text, *same)), f"{other}, {name})"))

        for a, b in self._pairs("plain"):
            add(
                a,
                f"models.Index(fields=['{a}']",
                f"models.Index(fields=['{a}', '{b}']",
                f"models.Index(fields=('{a}',)",
            )
            add(a, f"models.Index(fields=['-{a}', '{b}']", f"models.Index(fields=['{b}', '{a}']")
            add(a, f"BTreeIndex(fields=['{a}']", f"HashIndex(fields=['{a}']", f"BTreeIndex(fields=('{a}',)")
            add(a, f"HashIndex(fields=['{a}']", f"BrinIndex(fields=['{a}']")
            add(a, f"BrinIndex(fields=['{a}'], autosummarize=True", f"GistIndex(fields=['{a}']")
            partly = f"models.Index(fields=['{a}'], condition="
            add(
                a, f"{partly}Q({a}__isnull=False)", f"{partly}Q({a}__isnull=True)", f"{partly}Q(('{a}__isnull', False))"
            )
            covering = f"models.Index(fields=['{a}'], include="
            add(a, f"{covering}['{b}']", f"models.Index(fields=['{b}'], include=['{a}']", f"{covering}('{b}',)")
        for a in self._of("text")[:2]:
            add(a, f"models.Index(Lower('{a}')", f"models.Index(Upper('{a}')", f"models.Index(Lower(F('{a}'))")
            descending = f"models.Index(Lower('{a}').desc()"
            add(a, descending, f"models.Index(Length('{a}').desc()", f"models.Index(Lower(F('{a}')).desc()")
            classes = f"models.Index(fields=['{a}'], opclasses="
            add(a, f"{classes}['varchar_pattern_ops']", f"{classes}['text_ops']", f"{classes}('varchar_pattern_ops',)")
        for a in self._of("gin"):
            add(a, f"GinIndex(fields=['{a}']", f"GinIndex(fields=['{a}'], condition=Q({a}__isnull=True)")
        for a in self._of("range"):
            add(a, f"GistIndex(fields=['{a}']", f"SpGistIndex(fields=['{a}']", f"GistIndex(fields=('{a}',)")
        return found

    def _constraints(self) -> list[Thing]:
        """Return each constraint that fits."""
        found: list[Thing] = []

        def add(a: str, text: str, other: str, *same: str) -> None:
            name = f"name='{self.short}_c{len(found)}'"
            found.append(Thing(a, tuple(f"{one}, {name})" for one in (text, *same)), f"{other}, {name})"))

        check, once = "models.CheckConstraint(condition=", "models.UniqueConstraint("
        for a in self._of("number")[:2]:
            add(a, f"{check}Q({a}__gte=0)", f"{check}Q({a}__gte=5)", f"{check}models.Q(('{a}__gte', 0))")
            add(a, f"{check}Q({a}__in=[1, 2])", f"{check}Q({a}__in=[1, 3])", f"{check}Q({a}__in=(1, 2))")
            both = f"{check}Q({a}__gt=0) & Q({a}__lt=90)"
            add(a, both, f"{check}Q({a}__gt=0) | Q({a}__lt=90)", f"{check}Q({a}__gt=0) & Q(('{a}__lt', 90))")
        for a, b in self._pairs("plain"):
            add(a, f"{once}fields=['{a}', '{b}']", f"{once}fields=['{a}']", f"{once}fields=('{a}', '{b}')")
            some = f"{once}fields=['{a}'], condition="
            add(a, f"{some}Q({a}__isnull=False)", f"{once}fields=['{a}']", f"{some}Q(('{a}__isnull', False))")
            late = f"{once}fields=['{a}'], deferrable=models.Deferrable."
            add(a, f"{late}DEFERRED", f"{late}IMMEDIATE")
            nulls = "nulls_distinct=False"
            add(
                a,
                f"{once}fields=['{a}'], {nulls}",
                f"{once}fields=['{a}', '{b}'], {nulls}",
                f"{once}fields=('{a}',), {nulls}",
            )
            covers = f"{once}fields=['{a}'], include="
            add(a, f"{covers}['{b}']", f"{once}fields=['{a}', '{b}']", f"{covers}('{b}',)")
        for a in self._of("text")[:1]:
            add(a, f"{once}Lower('{a}')", f"{once}Upper('{a}')", f"{once}Lower(F('{a}'))")
            add(a, f"{check}~Q({a}='x')", f"{check}~Q({a}='y')", f"{check}~Q(('{a}', 'x'))")
        for a in self._of("range")[:2]:
            apart = f"ExclusionConstraint(expressions=[('{a}', RangeOperators.OVERLAPS)]"
            same = f"ExclusionConstraint(expressions=[(F('{a}'), '&&')]"
            add(a, apart, f"ExclusionConstraint(expressions=[('{a}', RangeOperators.ADJACENT_TO)]", same)
        return found

    def _ordering(self) -> None:
        names = self._of("plain")
        if not names:
            return
        a = names[0]
        self.option(
            "ordering",
            (
                # A child of another table inherits its order, unless it says that it has none.
                (None, *(["[]"] if self.model.base in BASES else [])),
                (f"['{a}']", f"('{a}',)", f"[F('{a}').asc()]", f"['{a}', ]"),
                (f"['-{a}', 'pk']", f"('-{a}', 'pk')", f"[F('{a}').desc(), 'pk']"),
                (f"[F('{a}').desc(nulls_last=True)]", f"[models.F('{a}').desc(nulls_last=True)]"),
                (f"[Lower('{a}')]",) if a in self._of("text") else (f"['{a}', '-pk']",),
            ),
        )
        if len(names) > 1:
            pair = f"'{names[0]}', '{names[1]}'"
            together: Same = (f"[({pair})]", f"(({pair}),)", f"[[{pair}]]", f"({pair})")
            self.option("unique_together", ((None, "[]", "()"), together), usual=70)

    def _permissions(self) -> None:
        more: Same = ("[('fly', 'Can fly'), ('dive', 'Can dive')]", "(('dive', 'May dive'), ('fly', _('May fly')))")
        self.option("permissions", ((None, "[]"), more, ("[('fly', 'Can fly')]",)), usual=70)
        some: Same = ("('add', 'change')", "['change', 'add']")
        self.option("default_permissions", ((None,), some, ("()",)), usual=80)

    def _managers(self) -> None:
        if self.model.base in BASES and chance(self.draw, 35):
            self.model.code.append(str(pick(self.draw, MANAGERS)[0]))


MANAGERS: tuple[Same, ...] = (
    ("objects = Live()", "objects = Live.from_queryset(LiveSet)()"),
    ("objects = LiveSet.as_manager()", "objects = models.Manager.from_queryset(LiveSet)()", "objects = models.Manager()"),
    ("everything = models.Manager()\n    objects = Live()",),
    ("live = Live()\n    objects = models.Manager()",),
)  # fmt: skip

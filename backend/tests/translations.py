"""The catalogue of the pages' texts: found in the sources, translated in ``locale/es``, compiled for ``gettext``.

``script/translations`` writes it anew: texts that are new come in without a translation, texts that are gone go.
It needs no program besides Python. The compiled file is part of the repository, so a fresh machine needs no step.
"""

import ast
import json
import re
import struct
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import django
from django.template import Engine, Node, Template
from django.template.base import FilterExpression
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils import translation
from django.utils.functional import Promise

BACKEND = Path(__file__).resolve().parents[1]
PO = BACKEND / "locale" / "es" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
PATTERNS = BACKEND / "locale" / "patterns.json"
HEADER = "Content-Type: text/plain; charset=UTF-8\nLanguage: es\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
PACKAGES = ("apps", "config", "original_addresses", "serving", "web")
# What the engine says of a song is shown to the dancer whose it is.
ENGINE = BACKEND.parent / "bachateo" / "src" / "bachateo"
# Too few words to tell it from another text with an "on" in it.
DEVICE = "{} on {}"
# Whose first argument, and whose lists in `errors`, people read.
RAISED = {
    "InvalidError",
    "CredentialsError",
    "NotFoundError",
    "GoneError",
    "ConflictError",
    "QuotaError",
    "QueueFullError",
    "TooLargeError",
    "LockedOutError",
    "UnavailableError",
    "ScopeError",
    "SongError",
    "UnreadableError",
    "OversizedError",
    "ValidationError",
    "outside_views",
    "said",
    "success",
    "_done",
    "_check_bytes",
    "StoppedError",
    "fail",
    "fail_generation",
    "record",
}
# Functions whose result people read.
SAYING = {
    "message_of_place",
    "end_of",
    "device",
    "admit",
    "admit_code",
    "admit_registration",
    "count_new_account",
    "_add",
    "_days",
    "_reason_of_fault",
}
# What no page shows: for the log, for programs alone, for the command line.
UNSEEN = {"monitoring", "serving", "orphans", "guard", "env", "silence", "documentation", "sessions", "models"}
# Variables and constants that hold what people read.
NAMED = {"message", "detail", "MESSAGE", "FIRST", "SUCCESS", "CANCELLED", "error", "added"}
# Arguments of RAISED that no one reads.
UNREAD = {"code", "headers", "method", "url"}
FILLED = re.compile(r"%\((\w+)\)s")
Text = tuple[str, ...]  # one text, or singular and plural


def texts() -> set[Text]:
    """Return every text that a page may show."""
    found = set(of_templates()) | {(text,) for text in of_sources()} | {(text,) for text in of_choices()}
    return {each for each in found if each[0].strip(" .{}")}


def of_templates() -> Iterator[Text]:
    django.setup()
    translation.activate("en")
    engine = Engine.get_default()
    for file in sorted((BACKEND / "web" / "templates").rglob("*.*")):
        yield from of_template(engine.from_string(file.read_text()))


def of_template(template: Template) -> Iterator[Text]:
    for node in every_node(template.nodelist):
        if isinstance(node, TranslateNode):
            yield (str(node.filter_expression.var.literal),)
        elif isinstance(node, BlockTranslateNode):
            yield tuple(node.render_token_list(part)[0] for part in (node.singular, node.plural) if part)
        else:
            yield from ((text,) for text in marked_arguments(node))


# What a template says itself, and what of it is markup that a browser shows or reads out.
OWN = re.compile(
    r"{#.*?#}|{% block body_class %}.*?{% endblock %}|{% blocktranslate.*?{% endblocktranslate %}|{%.*?%}|{{.*?}}",
    re.DOTALL,
)
SHOWN = {"alt", "aria-label", "aria-description", "placeholder", "title"}


class BareTexts(HTMLParser):
    """The texts of a template that stand there as they are, and so in one language."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(OWN.sub(" ", source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Take attributes that are shown, and those that a script shows."""
        for name, value in attrs:
            # A selector or an address is one word.
            if name in SHOWN or (name.startswith("data-") and " " in (value or "").strip()):
                self.handle_data(value or "")

    def handle_data(self, data: str) -> None:
        """Take what has a letter."""
        text = " ".join(data.split()).strip(" ·,")
        if re.search(r"[^\W\d_]", text):
            self.found.append(text)


def every_node(nodes: Any) -> Iterator[Node]:
    for node in nodes:
        yield node
        for name in (*getattr(node, "child_nodelists", ()), "nodelist"):
            yield from every_node(getattr(node, name, None) or ())
        for _, branch in getattr(node, "conditions_nodelists", ()):
            yield from every_node(branch)


def marked_arguments(node: Node) -> Iterator[str]:
    """Yield texts in ``{% include … with label=_("…") %}``."""
    for expression in getattr(node, "extra_context", {}).values():
        if isinstance(expression, FilterExpression) and isinstance(expression.var, Promise):
            yield str(expression.var)


def of_sources() -> Iterator[str]:
    for package in PACKAGES:
        for file in sorted((BACKEND / package).rglob("*.py")):
            if not {"migrations", "management", *UNSEEN} & {*file.parts, file.stem}:
                yield from of_source(ast.parse(file.read_text()))
    for file in sorted(each for pattern in ("*.py", "media/*.py", "music/*.py") for each in ENGINE.glob(pattern)):
        yield from of_raised(ast.parse(file.read_text()))


def missing_in_sources(names: set[str]) -> set[str]:
    """Return the names that no function of the sources has: what such a function says would be left out unseen."""
    files = (file for package in PACKAGES for file in (BACKEND / package).rglob("*.py"))
    trees = (ast.parse(file.read_text()) for file in files)
    return names - {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def of_source(tree: ast.AST) -> Iterator[str]:
    yield from of_raised(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in {"gettext", "gettext_noop", "gettext_lazy"}:
            yield from literals(node.args[0])
        elif isinstance(node, ast.Assign) and NAMED & set(assigned(node)):
            yield from literals(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name in SAYING:
            yield from (text for part in node.body if not is_docstring(part) for text in literals(part))


def of_raised(tree: ast.AST) -> Iterator[str]:
    named = [(name, node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) for name in assigned(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in RAISED:
            for part in (*node.args, *(each for each in node.keywords if each.arg not in UNREAD)):
                yield from literals(part)
                # A text may have a name, of a constant or of a variable.
                names = {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}
                yield from (text for name, value in named if name in names for text in literals(value))


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def assigned(node: ast.Assign) -> Iterator[str]:
    yield from (part.id for to in node.targets for part in ast.walk(to) if isinstance(part, ast.Name))


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def literals(node: ast.AST) -> Iterator[str]:
    """Yield the texts of an expression; what is filled in becomes ``{}``."""
    if isinstance(node, ast.keyword) and node.arg in UNREAD:
        return
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        if is_sentence(text):
            yield text
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from (inner for inner in literals(part.value) if is_sentence(inner))
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and is_sentence(node.value):
            yield node.value
        return
    if isinstance(node, ast.Compare | ast.Subscript | ast.Attribute | ast.Lambda):
        return
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def is_sentence(text: str) -> bool:
    """Tell what people read from names and codes."""
    if text.endswith((" from {}", " of {}")) or re.fullmatch(r"(account|address|device) {}", text):
        return False  # the names of what is counted
    if text == DEVICE:
        return True
    if '{"' in text:
        return False  # JSON, for who writes it
    return bool(re.search(r"[A-Za-z…] ?\S* |[a-z]\.$", text)) and not re.search(r"[<>%=]|SELECT |^\W*$|\n", text)


def of_choices() -> Iterator[str]:
    """Yield the words of statuses, levels, stages, scopes and events."""
    from http import HTTPStatus  # noqa: PLC0415 - with the models below, which need Django

    from apps.choreography.models import ChoreographyTask  # noqa: PLC0415
    from apps.choreography.progress import AUTO_SAVED, STAGES, SUCCESS  # noqa: PLC0415
    from apps.collections.models import SavedChoreography  # noqa: PLC0415
    from apps.events.models import AccountEvent  # noqa: PLC0415
    from apps.sharing.models import Visibility  # noqa: PLC0415
    from apps.tokens.scopes import SCOPES  # noqa: PLC0415
    from config.problems import STATUS  # noqa: PLC0415
    from web.studio import STEPS  # noqa: PLC0415

    yield from (str(label) for label in ChoreographyTask.Status.labels)
    yield from (str(label) for label in SavedChoreography.Difficulty.labels)
    yield from (str(label) for label in Visibility.labels)
    yield from (str(label)[0].upper() + str(label)[1:] for label in AccountEvent.Kind.labels)
    yield from (text[0].upper() + text[1:] for text in SCOPES.values())
    yield from (message for _, message in STAGES.values())
    yield from STEPS.values()
    yield SUCCESS + AUTO_SAVED
    yield from (HTTPStatus(status).phrase for status in {*STATUS.values(), 403, 405, 500, 507})


# ---- the files


def read_po(text: str) -> dict[Text, Text]:
    """Return the translations: by text, or by singular and plural."""
    found: dict[Text, Text] = {}
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#") or not line:
                continue
            if not line.startswith('"'):
                name = line.partition(" ")[0]
            fields[name] = fields.get(name, "") + json.loads(line[line.index('"') :])
        if "msgid_plural" in fields:
            found[fields["msgid"], fields["msgid_plural"]] = (fields["msgstr[0]"], fields["msgstr[1]"])
        elif fields.get("msgid"):
            found[(fields["msgid"],)] = (fields["msgstr"],)
    return found


def po_of(translations: dict[Text, Text]) -> str:
    blocks = [f'msgid ""\nmsgstr {quoted(HEADER)}']
    for text, to in sorted(translations.items()):
        lines = [f"msgid {quoted(text[0])}"]
        if len(text) > 1:
            lines += [f"msgid_plural {quoted(text[1])}", f"msgstr[0] {quoted(to[0])}", f"msgstr[1] {quoted(to[1])}"]
        else:
            lines.append(f"msgstr {quoted(to[0])}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def mo_of(translations: dict[Text, Text]) -> bytes:
    """Return the compiled form (GNU gettext manual, "The Format of GNU MO Files")."""
    pairs = {"": HEADER} | {"\0".join(text): "\0".join(to) for text, to in translations.items() if all(to)}
    encoded = sorted((text.encode(), to.encode()) for text, to in pairs.items())
    count, begin = len(encoded), 28
    at = begin + 16 * count
    tables: list[list[bytes]] = [[], []]
    data = b""
    for column in (0, 1):
        for pair in encoded:
            tables[column].append(struct.pack("<2I", len(pair[column]), at + len(data)))
            data += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, begin, begin + 8 * count, 0, begin + 16 * count)
    return head + b"".join(tables[0]) + b"".join(tables[1]) + data


def patterns() -> str:
    with_holes = {text for text in of_sources() if "{}" in text} - {DEVICE}
    return json.dumps(sorted(with_holes), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the catalogue; say which texts have no translation yet."""
    found = texts()
    known = read_po(PO.read_text()) if PO.exists() else {}
    translations = {text: known.get(text, ("",) * len(text)) for text in found}
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_text(po_of(translations))
    MO.write_bytes(mo_of(translations))
    PATTERNS.write_text(patterns())
    missing = sorted(text[0] for text, to in translations.items() if not all(to))
    for text in missing:
        print(f"no translation: {text}", file=sys.stderr)  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

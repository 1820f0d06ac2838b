"""The agent's second part: any value of a project as plain text that is the same in each run and on both systems.

The text holds no object's ``repr`` and no address in memory: enums are their values, lazy texts their text, sets are
sorted, callables have their name and a digest of their code, objects their class and their arguments.
"""

import ast
import datetime
import decimal
import enum
import functools
import hashlib
import inspect
import ipaddress
import json
import os
import pathlib
import re
import sys
import textwrap
import types
import uuid
from typing import Any, Dict, List, Optional, Tuple

DEEPEST = 8
# Types whose text is the same everywhere.
TELLING = (
    decimal.Decimal,
    uuid.UUID,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    pathlib.PurePath,
    range,
    complex,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
SCALARS = (bool, int, float, str, bytes)
# Attributes that only people read.
FOR_PEOPLE = ("message", "code", "messages")
LIBRARY = os.path.dirname(os.path.realpath(os.__file__))


def dotted(thing: Any) -> str:
    """Return where a class or function can be imported from."""
    owner = getattr(thing, "__self__", None)  # datetime.now is written in C and has no module; its class has one
    module = getattr(thing, "__module__", None) or getattr(owner, "__module__", "?")
    return "%s.%s" % (module, getattr(thing, "__qualname__", type(thing).__name__))


def digest_of(*texts: Any) -> str:
    """Return the digest of some texts."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def is_known(thing: Any) -> bool:
    """Say whether a thing belongs to Django or Python, so that its name is enough."""
    name = dotted(thing).split(".")[0]
    if name in ("django", "?", *sys.builtin_module_names) or isinstance(thing, types.BuiltinFunctionType):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return False
    path = os.path.realpath(file)
    return path.startswith(LIBRARY + os.sep) and "-packages" not in path[len(LIBRARY) :]


def callable_facts(function: Any) -> Dict[str, Any]:
    """Return the dotted name of a callable, and a digest of the project's code: a function may have two places."""
    routine = inspect.isroutine(function) or inspect.isclass(function)
    name = dotted(function) if routine else text_of(function)
    return {"kind": "callable", "value": name, "source": source_of(function)}


def source_of(function: Any, depth: int = 0) -> Optional[str]:
    """Return a digest of a callable's code; None if its name is enough."""
    bound = getattr(function, "__self__", None)
    if inspect.isclass(function) or isinstance(function, types.BuiltinFunctionType):
        return None if is_known(function) else digest_of(code_of(function))
    if inspect.ismethod(function) and not inspect.isclass(bound):
        return digest_of(source_of(function.__func__, depth) or dotted(function), text_of(bound, depth + 1))
    if inspect.isroutine(function):
        return None if is_known(function) else digest_of(code_of(function), *surroundings(function, depth))
    return digest_of(text_of(function, depth))


def code_of(thing: Any) -> str:
    """Return the source of a function or a class, without blanks."""
    try:
        text = textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        return "unread " + dotted(thing)
    if inspect.isclass(thing):
        text = re.sub(r"\A.*?^(?=class\b)", "", text, flags=re.DOTALL | re.MULTILINE)  # before 3.9 without decorators
    if getattr(thing, "__name__", "") == "<lambda>":
        text = lambda_in(text)
    return "".join(text.split())


def lambda_in(text: str) -> str:
    """Return the lambda in a line of code if there is only one, otherwise the whole line."""
    for part in (text, "(" + text.strip().rstrip(",") + ")", "f(" + text.strip().rstrip(",") + ")"):
        try:
            found = [node for node in ast.walk(ast.parse(part)) if isinstance(node, ast.Lambda)]
        except SyntaxError:
            continue
        return (ast.get_source_segment(part, found[0]) or text) if len(found) == 1 else text
    return text


def surroundings(function: Any, depth: int) -> List[str]:
    """Return what a function holds besides its code: closure values, defaults, and numbers of its module."""
    code: Any = getattr(function, "__code__", None)
    texts: List[str] = []
    if code is None or depth > DEEPEST:
        return texts
    for name, cell in zip(code.co_freevars, function.__closure__ or ()):  # noqa: B905 - Python 3.8 has no strict
        try:
            texts.append("%s=%s" % (name, text_of(cell.cell_contents, depth + 1)))
        except ValueError:  # a name without a value yet
            texts.append(name)
    texts += [text_of(value, depth + 1) for value in (function.__defaults__ or (), function.__kwdefaults__ or {})]
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, (bool, int, float)) and not name.startswith("__"):
            texts.append("%s=%s" % (name, text_of(value)))
    return texts


def plain(value: Any) -> str:
    """Return a value as text, with its type before it, that is the same in every version."""
    value = simple(value)
    if isinstance(value, SCALARS):
        value = scalar(value)
        return "%s:%s" % (type(value).__name__, value)
    if value is None or isinstance(value, TELLING):
        return "%s:%s" % (type(value).__name__, value)
    if isinstance(value, (dict, list)):
        try:
            return "%s:%s" % (type(value).__name__, json.dumps(value, sort_keys=True, default=in_json))
        except (TypeError, ValueError):
            pass  # keys of several types, or a list that holds itself
    return "%s:%s" % (type(value).__name__, text_of(value))


def in_json(value: Any) -> str:
    """Return a key of JSON as text."""
    value = simple(value)
    return str(value) if isinstance(value, (SCALARS, TELLING)) else text_of(value)


def simple(value: Any) -> Any:
    """Return an enum's value or a lazy text's text; other values as they are."""
    if isinstance(value, enum.Enum):
        value = value.value
    return str(value) if type(value).__name__ == "__proxy__" else value


def text_of(value: Any, depth: int = 0) -> str:
    """Return a text for any value; different values get different texts."""
    if depth > DEEPEST:
        return "…"
    value = simple(value)
    try:
        for kinds, form in FORMS:
            if isinstance(value, kinds):
                return form(value, lambda part: text_of(part, depth + 1))
        return object_text(value, depth)
    except Exception:  # even its class cannot be read
        return "a %s that raises" % type(value).__name__


def scalar(value: Any) -> Any:
    """Return the plain value of a subclass of a scalar."""
    kinds: Tuple[Any, ...] = SCALARS
    return next(kind(value) for kind in kinds if isinstance(value, kind))


FORMS = (
    (type(None), lambda _value, _tell: "None"),
    (SCALARS, lambda value, _tell: repr(scalar(value))),
    (TELLING, lambda value, _tell: "%s(%s)" % (type(value).__name__, value)),
    (re.Pattern, lambda value, _tell: "regex(%r, %d)" % (value.pattern, value.flags)),
    (dict, lambda value, tell: "{%s}" % ", ".join(sorted("%s: %s" % (tell(k), tell(v)) for k, v in value.items()))),
    ((list, tuple), lambda value, tell: "[%s]" % ", ".join(map(tell, value))),
    ((set, frozenset), lambda value, tell: "{%s}" % ", ".join(sorted(map(tell, value)))),
    (
        functools.partial,
        lambda value, tell: "partial(%s)" % ", ".join(map(tell, (value.func, value.args, value.keywords))),
    ),
    (types.ModuleType, lambda value, _tell: value.__name__),
)


def object_text(value: Any, depth: int) -> str:
    """Return the text of a class, a function, or an object with its class and arguments."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return code_name(value, depth)
    return shared_object(value) or special_object(value, depth) or shared_twin(value, made_object(value, depth))


def code_name(thing: Any, depth: int = 0) -> str:
    """Return the path of Django's or Python's own code; for the project's code, its name and a digest."""
    digest = source_of(thing, depth + 1)
    return dotted(thing) if digest is None else "%s#%s" % (thing.__name__, digest[:12])


def special_object(value: Any, depth: int) -> Optional[str]:
    """Return the text of objects whose form depends on a library's version: a range of PostgreSQL, an order."""
    if hasattr(value, "lower_inc") and hasattr(value, "upper_inc"):
        parts = (value.isempty, value.lower, value.upper, value.lower_inc, value.upper_inc)
        return "range(%s)" % ", ".join(text_of(part, depth + 1) for part in parts)
    if type(value).__name__ == "OrderBy":
        return order_of(value, depth)
    return None


def made_object(value: Any, depth: int) -> str:
    """Return an object as the call that would make it."""
    shown = [(key, v) for key, v in made_with(value).items() if not (callable(value) and key in FOR_PEOPLE)]
    made = sorted("%s=%s" % (key, text_of(v, depth + 1)) for key, v in shown)
    return "%s(%s)" % (code_name(type(value), depth), ", ".join(made))


def shared_object(value: Any) -> Optional[str]:
    """Return the name of an object that Django defines itself, for example validate_slug."""
    from django.core import validators

    for name, known in sorted(vars(validators).items()):
        if known is value:
            return "django.core.validators." + name
    meta: Any = getattr(value, "_meta", None)
    return "%s %s" % (meta.label, value.pk) if hasattr(meta, "label") and hasattr(value, "pk") else None


def shared_twin(value: Any, text: str) -> str:
    """Return the name of Django's own object that equals this one, for example of EmailValidator(); else the text."""
    from django.core import validators

    if not callable(value) or not type(value).__module__.startswith("django."):
        return text
    for name, known in sorted(vars(validators).items()):
        if type(known) is type(value) and made_object(known, 0) == text:
            return "django.core.validators." + name
    return text


def order_of(value: Any, depth: int) -> str:
    """Return an expression of Meta.ordering as the equal name."""
    nulls = "".join(" " + name for name in ("nulls_first", "nulls_last") if getattr(value, name, None))
    expression = value.expression
    name = expression.name if type(expression).__name__ == "F" else text_of(expression, depth + 1)
    return ("-" if value.descending else "") + name + nulls


def made_with(value: Any) -> Dict[str, Any]:
    """Return the arguments that an object was made with, by name; without them, its attributes."""
    kind = type(value)
    if hasattr(value, "_setupfunc") and hasattr(value, "_wrapped"):  # lazy: Django makes it at its first use
        return {"is": value._setupfunc()}
    if hasattr(value, "_constructor_args"):
        positional, named = value._constructor_args
    elif hasattr(value, "deconstruct"):
        positional, named = value.deconstruct()[-2:]
    else:
        return dict(getattr(value, "__dict__", {}))
    try:
        names = list(inspect.signature(kind.__init__).parameters.values())[1:]
    except (TypeError, ValueError):
        names = []
    by_name = {}
    for place, argument in enumerate(positional):
        known = place < len(names) and names[place].kind is not inspect.Parameter.VAR_POSITIONAL
        by_name[names[place].name if known else "%02d" % place] = argument
    by_name.update(named)
    usual = {p.name: text_of(p.default) for p in names if p.name not in FOR_PEOPLE}
    made = {name: v for name, v in by_name.items() if name in FOR_PEOPLE or usual.get(name) != text_of(v)}
    return with_pattern(made) if "regex" in made else made


def with_pattern(made: Any) -> Dict[str, Any]:
    """Return the arguments with a pattern and its flags apart, and without empty ones."""
    regex, flags = made["regex"], made.get("flags", 0)
    if hasattr(regex, "pattern"):
        regex, flags = regex.pattern, regex.flags
    flags = int(flags) & ~int(re.UNICODE)
    rest = {n: v for n, v in made.items() if n not in ("flags", "inverse_match") or (v and n == "inverse_match")}
    return dict(rest, regex=regex, **({"flags": flags} if flags else {}))

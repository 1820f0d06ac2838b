"""Every control of the original's page has its place on the backend's.

The left side is read from the original: the fields and buttons of its templates, the fields of its form classes, the
parameters that its views read, and its orders. What is new there has no answer here, and fails.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORIGINAL = ROOT / "original"
TEMPLATES = "backend/web/templates/web"
ADDRESSES = "backend/original_addresses"

# What answers on the backend: a file, and what stands in it.
ANSWERS = {
    "field song_selection": (f"{TEMPLATES}/_songs.html", 'name="song"'),
    "field difficulty": (f"{TEMPLATES}/_finder.html", 'name="difficulty"'),
    "field auto_save": (f"{TEMPLATES}/studio.html", 'name="auto_save"'),
    "field title": (f"{TEMPLATES}/_progress.html", 'name="title"'),
    "field search": (f"{TEMPLATES}/_finder.html", 'name="q"'),
    "field sort": (f"{TEMPLATES}/_finder.html", 'name="sort"'),
    "field next": (f"{TEMPLATES}/login.html", 'name="next"'),
    "button Create choreography": (f"{TEMPLATES}/studio.html", "Make my choreography"),
    "button Cancel": (f"{TEMPLATES}/_progress.html", "original_addresses:cancel"),
    "button Save to my collection": (f"{TEMPLATES}/_progress.html", "Keep it in my collection"),
    "button Save": (f"{TEMPLATES}/_edit.html", '>{% translate "Save" %}</button>'),
    "button Delete": (f"{TEMPLATES}/choreography.html", "original_addresses:delete"),
    "button Show": (f"{TEMPLATES}/_finder.html", '>{% translate "Find" %}</button>'),
    "button Log in": (f"{TEMPLATES}/login.html", '>{% translate "Log in" %}</button>'),
    "button Log out": (f"{TEMPLATES}/base.html", "original_addresses:logout"),
    "button Create account": (f"{TEMPLATES}/register.html", '>{% translate "Create account" %}</button>'),
    "form CreateForm song_selection": (f"{ADDRESSES}/tasks.py", "song_selection = "),
    "form CreateForm difficulty": (f"{ADDRESSES}/tasks.py", "difficulty = "),
    "form CreateForm auto_save": (f"{ADDRESSES}/tasks.py", "auto_save = "),
    **{
        f"form SaveForm {name}": (f"{ADDRESSES}/collection.py", f"    {name} = ")
        for name in ("title", "difficulty", "video_path", "duration", "music_info", "generation_parameters")
    },
    "form EditForm title": (f"{TEMPLATES}/_edit.html", 'name="title"'),
    "form EditForm difficulty": (f"{TEMPLATES}/_edit.html", 'name="difficulty"'),
    **{
        f"form RegisterForm {name}": (f"{TEMPLATES}/register.html", f'name="{name}"')
        for name in ("username", "email", "display_name", "password")
    },
    "form ProfileForm display_name": (f"{TEMPLATES}/account.html", 'name="display_name"'),
    "form ProfileForm auto_save_choreographies": (f"{TEMPLATES}/account.html", 'name="auto_save_choreographies"'),
    "parameter difficulty": ("backend/web/collection.py", '"difficulty"'),
    "parameter search": ("backend/web/collection.py", '"search"'),
    "parameter sort": ("backend/web/collection.py", '"sort"'),
    "parameter page": ("backend/web/collection.py", '"page" in request.GET'),
    "parameter username": (f"{ADDRESSES}/accounts.py", 'form.get("username"'),
    "order newest": (f"{TEMPLATES}/_finder.html", "Newest first"),
    "order oldest": (f"{TEMPLATES}/_finder.html", 'value="oldest"'),
    "order title": (f"{TEMPLATES}/_finder.html", 'value="title"'),
    "order duration": (f"{TEMPLATES}/_finder.html", 'value="duration"'),
}


def of_template(text: str) -> set[str]:
    fields = re.findall(r"<(?:input|select|textarea)[^>]*\bname=\"([^\"]+)\"", text)
    buttons = re.findall(r"<button[^>]*>([^<{]+)</button>", text)
    return {f"field {name}" for name in fields} | {f"button {words.strip()}" for words in buttons}


def of_forms(source: str) -> set[str]:
    """Return the fields of form classes: declared, and those of their models."""
    found = set()
    for form in (
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and "Field" not in node.name
    ):
        for node in ast.walk(form):
            for name in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(name, ast.Name) and name.id == "fields":
                    found |= {f"form {form.name} {field}" for field in ast.literal_eval(node.value)}
                elif isinstance(name, ast.Name) and node in form.body and isinstance(node.value, ast.Call):
                    found.add(f"form {form.name} {name.id}")
    return found


def of_views(source: str) -> set[str]:
    """Return the names that are read from a request's query or form, also those that a loop goes through."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        reads = isinstance(node, ast.Call) and re.search(r"\brequest\.(GET|POST)\.get$", ast.unparse(node.func))
        if reads and isinstance(node.args[0], ast.Constant):
            found.add(f"parameter {node.args[0].value}")
        if isinstance(node, ast.DictComp | ast.ListComp | ast.SetComp) and "request.GET.get" in ast.unparse(node):
            found |= {f"parameter {name}" for name in ast.literal_eval(node.generators[0].iter)}
    return found


def of_orders(source: str) -> set[str]:
    (orders,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SORTS"
    )
    return {f"order {name}" for name in ast.literal_eval(orders)}


def controls() -> set[str]:
    found = of_orders((ORIGINAL / "choreography" / "collection.py").read_text())
    for file in (ORIGINAL / "templates").rglob("*.html"):
        found |= of_template(file.read_text())
    for app in ("choreography", "users"):
        found |= of_forms((ORIGINAL / app / "forms.py").read_text())
        for file in (*(ORIGINAL / app).glob("views.py"), *(ORIGINAL / app).glob("views/*.py")):
            found |= of_views(file.read_text())
    return found


def test_every_control_of_the_original__has_its_answer():
    assert sorted(controls() - ANSWERS.keys()) == []
    assert sorted(ANSWERS.keys() - controls()) == [], "the original has these no more"


def test_answers__are_there():
    missing = [name for name, (file, words) in ANSWERS.items() if words not in (ROOT / file).read_text()]
    assert missing == []


def test_new_control__is_noticed():
    assert of_template('<form><select name="style"></select><button>Shuffle</button></form>') - ANSWERS.keys() == {
        "field style",
        "button Shuffle",
    }
    assert of_forms("class EditForm(F):\n class Meta:\n  fields = ['title', 'style']") - ANSWERS.keys() == {
        "form EditForm style"
    }
    assert of_views("x = request.GET.get('style')") - ANSWERS.keys() == {"parameter style"}
    assert of_views("x = {n: request.GET.get(n) for n in ('mood',)}") - ANSWERS.keys() == {"parameter mood"}

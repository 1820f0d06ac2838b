"""Writes a model of every class of field, validator, constraint and index that the running Django has.

``python classes.py`` prints them as JSON: source text by name, and the names of those that this file cannot write; it
runs in the interpreter of any version of Django from 4.2 on, so it imports nothing but Django.
"""

import inspect
import json
import sys

import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres"])
django.setup()

from django.contrib.auth import validators as auth_validators  # noqa: E402 - after the settings
from django.contrib.postgres import constraints as postgres_constraints  # noqa: E402
from django.contrib.postgres import fields as postgres_fields  # noqa: E402
from django.contrib.postgres import indexes as postgres_indexes  # noqa: E402
from django.contrib.postgres import search  # noqa: E402
from django.contrib.postgres import validators as postgres_validators  # noqa: E402
from django.core import validators  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import models  # noqa: E402

CHECK = "condition" if django.VERSION >= (5, 1) else "check"
# What a class needs to be made; all others need nothing.
FIELDS = {
    "CharField": "max_length=20",
    "DecimalField": "max_digits=8, decimal_places=2",
    "FileField": "upload_to='files/'",
    "ImageField": "upload_to='images/'",
    "FilePathField": "path='/srv'",
    "ForeignKey": "'auth.User', on_delete=models.CASCADE, related_name='+'",
    "OneToOneField": "'auth.User', on_delete=models.CASCADE, related_name='+'",
    "ManyToManyField": "'auth.Group', related_name='+'",
    "ArrayField": "models.IntegerField()",
    "GeneratedField": "expression=models.F('f_integerfield') + 1, output_field=models.IntegerField(), db_persist=True",
    "CICharField": "max_length=20",
}
VALIDATORS = {
    "MinValueValidator": "3",
    "MaxValueValidator": "3",
    "MinLengthValidator": "3",
    "MaxLengthValidator": "3",
    "StepValueValidator": "3",
    "RegexValidator": "'^a'",
    "DecimalValidator": "8, 2",
    "FileExtensionValidator": "['pdf']",
    "ArrayMinLengthValidator": "1",
    "ArrayMaxLengthValidator": "9",
    "KeysValidator": "['a']",
    "RangeMinValueValidator": "1",
    "RangeMaxValueValidator": "9",
    "int_list_validator": "",
}
CONSTRAINTS = {
    "CheckConstraint": [f"{CHECK}=models.Q(f_integerfield__gte=0)", f"{CHECK}=~models.Q(f_charfield='')"],
    "UniqueConstraint": [
        "fields=['f_charfield', 'f_integerfield']",
        "fields=['f_datefield'], condition=models.Q(f_integerfield__gt=3)",
        "fields=['f_slugfield'], deferrable=models.Deferrable.DEFERRED",
        "fields=['f_uuidfield'], include=['f_textfield']",
        "functions.Lower('f_charfield')",
        "fields=['f_emailfield'], opclasses=['varchar_pattern_ops']",
    ],
    "ExclusionConstraint": ["expressions=[('f_daterangefield', '&&')]"],
}
INDEXES = {
    "Index": ["fields=['f_charfield', '-f_integerfield']", "functions.Upper('f_charfield')",
              "fields=['f_uuidfield'], include=['f_textfield']"],
    "BTreeIndex": ["fields=['f_integerfield']"],
    "BloomIndex": ["fields=['f_integerfield', 'f_textfield'], opclasses=['int4_ops', 'text_ops']"],
    "BrinIndex": ["fields=['f_datefield'], pages_per_range=4"],
    "GinIndex": ["fields=['f_jsonfield'], fastupdate=False"],
    "GistIndex": ["fields=['f_daterangefield'], fillfactor=80"],
    "HashIndex": ["fields=['f_charfield']"],
    "SpGistIndex": ["fields=['f_integerrangefield']"],
}  # fmt: skip
# Not columns of their own: what others are made of, and what only old migrations may name.
BASES = ("Field", "ForeignObject", "RangeField", "ContinuousRangeField", "OrderWrt", "CompositePrimaryKey")


def classes(base, *modules):
    """Return every class below a base that the modules have, by name with its module's name."""
    found = {}
    for name, module in modules:
        for attribute, thing in sorted(vars(module).items()):
            if inspect.isclass(thing) and issubclass(thing, base) and not attribute.startswith("_"):
                found.setdefault(attribute, (f"{name}.{attribute}", thing))
    return found


def fields():
    """Return fields by name, keys by name, and what could not be made."""
    plain, keys, unknown = {}, {}, []
    modules = (("models", models), ("postgres_fields", postgres_fields), ("search", search))
    for name, (path, cls) in classes(models.Field, *modules).items():
        if name in BASES or getattr(cls, "system_check_removed_details", None):
            continue
        if "AutoField" in name:
            keys[name] = f"{path}(primary_key=True)"
        elif made(source := f"{path}({FIELDS.get(name, '')})"):
            plain[f"f_{name.lower()}"] = source
        else:
            unknown.append(name)
    return plain, keys, unknown


def made(source):
    """Whether Python can make it."""
    names = {"models": models, "postgres_fields": postgres_fields, "search": search, "validators": validators}
    names |= {"postgres_validators": postgres_validators, "auth_validators": auth_validators}
    try:
        eval(source, names)  # noqa: S307 - of this file
    except (TypeError, ValueError, ImproperlyConfigured) as error:
        sys.stderr.write(f"{source}: {error}\n")
        return False
    return True


def field_validators():
    """Return a list of each validator, by name, and what could not be made."""
    found, unknown = {}, []
    modules = {"validators": validators, "postgres_validators": postgres_validators, "auth_validators": auth_validators}
    for module_name, module in modules.items():
        for name, thing in sorted(vars(module).items()):
            own = getattr(thing, "__module__", "").startswith("django.") and "validat" in name.lower()
            if not own or not callable(thing) or name in ("BaseValidator", "ValidationError", "ip_address_validators"):
                continue
            path = f"{module_name}.{name}"
            source = f"{path}({VALIDATORS.get(name, '')})" if inspect.isclass(thing) or name in VALIDATORS else path
            if made(source):
                found[f"v_{name.lower()}"] = source
            else:
                unknown.append(name)
    return found, unknown


def of_meta(base, given, *modules):
    """Return each constraint, or index, and what could not be made."""
    found, unknown = [], []
    for name, (path, _) in classes(base, *modules).items():
        if name in ("BaseConstraint", "PostgresIndex"):
            continue
        unknown += [] if name in given else [name]
        for number, text in enumerate(given.get(name, [])):
            found.append(f"{path}({text}, name='every_{name.lower()[:14]}_{number}')")
    return found, unknown


def main():
    """Print everything."""
    plain, keys, unknown = fields()
    checked, unknown_validators = field_validators()
    postgres = ("postgres_constraints", postgres_constraints)
    constraints, unknown_constraints = of_meta(
        models.constraints.BaseConstraint, CONSTRAINTS, ("models", models), postgres
    )
    of_postgres = ("postgres_indexes", postgres_indexes)
    indexes, unknown_indexes = of_meta(models.Index, INDEXES, ("models", models), of_postgres)
    unknown += unknown_validators + unknown_constraints + unknown_indexes
    found = {"fields": plain, "keys": keys, "validators": checked, "constraints": constraints, "indexes": indexes}
    every = {**found, "composite": hasattr(models, "CompositePrimaryKey"), "unknown": unknown}
    sys.stdout.write(json.dumps(every))


if __name__ == "__main__":
    main()

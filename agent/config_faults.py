"""The wording of faults in configuration files: from pydantic's errors to lines that a technician can act on.

Rules of this file: no file is read here. Every line is `KEY: what is wrong; what would be right`, and what would be
right comes from the models themselves, so that it can't differ from what is checked. A number that looks like a CPR
number is never repeated.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

WHOLE_FILE = "(whole file)"

CPR_LIKE = re.compile(r"(?<!\d)\d{6}[ -]?\d{4}(?!\d)")
_UUID_OR_CPR = re.compile(rf"(?P<uuid>\b[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b)|{CPR_LIKE.pattern}")
"""Six digits and four, as a Danish CPR number is written, with or without the dash."""

PATTERN_WORDS: Mapping[str, str] = {
    r"^/": "an absolute path in quotes, one that begins with /",
    r"^[a-z][a-z0-9-]{0,15}$": "a short name: small letters a-z, digits and dashes, at most 16, a letter first",
    r"^[a-z][a-z0-9-]{0,30}$": "a name of small letters a-z, digits and dashes, at most 31, a letter first",
    r"^[a-z][a-z0-9-]{1,30}$": "the municipality's slug: small letters a-z, digits and dashes, 2 to 31, a letter first",
    r"^[a-z][a-z0-9-]{0,40}$": "the name of a model card: small letters a-z, digits and dashes, at most 41",
    r"^[a-z][a-z0-9-]{0,60}$": "a name of small letters a-z, digits and dashes, at most 61, a letter first",
    r"^c-([0-9][bcdfghjkmnpqrstvwxz]){3,6}$": (
        "c- and 3 to 6 pairs of a digit and a consonant, such as c-4f7k2q (`nodkald office windows reference`)"
    ),
    r"^u-[a-z0-9]{4,26}$": "u- and 4 to 26 small letters or digits, such as u-7f3k9q",
}
"""What each pattern of the models means in words. A test holds this table complete."""

_NOT_REPEATED = frozenset({"consent.reference"})
"""What stands there instead of a reference may be a name, and a fault can come into the journal."""

_PLAIN_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    Path: "a path in quotes",
    date: "a day, such as 2027-06-30",
    dict: "a table",
    tuple: "a list",
}


def faults_of(model: type[BaseModel], error: ValidationError) -> list[str]:
    """Return one line `KEY: what is wrong; what would be right` for each fault in `error`, made by `model`."""
    errors = error.errors(include_url=False)
    places = [tuple(e["loc"]) for e in errors]
    return [
        _line(model, e["loc"], e["type"], e["input"], e.get("ctx", {}))
        for e in errors
        # A list whose every entry is wrong is also reported as too short: the entries' own faults say it better.
        if not (e["type"] == "too_short" and any(p[: len(e["loc"])] == e["loc"] and p != e["loc"] for p in places))
    ]


def cpr_faults(data: Mapping[str, Any]) -> list[str]:
    """Return a line for each key or value in `data` that looks like a CPR number, without repeating it."""
    return [
        f"{mask(key)}: holds something that looks like a CPR number; remove it: "
        "no file of a unit says who lives there (for a serial port take its path below /dev/serial/by-path/)"
        for key, value in _leaves("", data)
        if CPR_LIKE.search(str(value)) or CPR_LIKE.search(key)
    ]


def did_you_mean(wrong: str, known: Sequence[str]) -> str:
    """Return advice for an unknown name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(wrong, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(sorted(known))}"


def mask(text: str) -> str:
    """Return `text` with everything that looks like a CPR number blotted out."""
    return _UUID_OR_CPR.sub(lambda found: found["uuid"] or "**********", text)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{key}[{index}]", inner)
    else:
        yield key, value


def _line(model: type[BaseModel], loc: Sequence[int | str], kind: str, value: Any, ctx: Mapping[str, Any]) -> str:
    key, annotation, metadata = _find(model, loc)
    if kind == "extra_forbidden":
        _, parent, _ = _find(model, loc[:-1])
        return mask(f"{key}: is not a key that we know; {did_you_mean(str(loc[-1]), _keys(parent))}")
    if kind == "missing":
        return mask(f"{key}: is missing; it must be {wanted(annotation, metadata)}")
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        tags = ", ".join(f'"{tag}"' for tag in _tags(annotation))
        found = f"is {_shown(ctx['tag'])}" if "tag" in ctx else "is missing"
        return mask(f"{key}.type: {found}; it must be one of {tags}")
    if kind == "value_error":
        return mask(f"{key or WHOLE_FILE}: {ctx['error']}")
    is_what = "is no reference" if key in _NOT_REPEATED else f"is {_shown(value)}"
    return mask(f"{key or WHOLE_FILE}: {is_what}; it must be {wanted(annotation, metadata)}")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…'"


def wanted(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Return in words what a value of this annotation must be."""
    annotation, metadata = _bare(annotation, metadata)
    choices = _choices(annotation)
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    pattern = next((p for m in metadata if (p := getattr(m, "pattern", None))), None)
    if pattern is not None:
        return PATTERN_WORDS[pattern]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a table with the keys {', '.join(_keys(annotation))}"
    kind = get_origin(annotation) or annotation
    return " ".join([_PLAIN_WORDS[kind], *_limits(kind, metadata)])


def _limits(kind: Any, metadata: Sequence[Any]) -> list[str]:
    limits = {
        name: limit if isinstance(limit, int) else f"{limit:g}"
        for constraint in metadata
        for name in ("ge", "gt", "le", "min_length", "max_length")
        if (limit := getattr(constraint, name, None)) is not None
    }
    words = [
        f"{word} {limits[name]}" for name, word in (("ge", "from"), ("gt", "over"), ("le", "to")) if name in limits
    ]
    if "min_length" in limits or "max_length" in limits:
        most = f" to {limits['max_length']}" if "max_length" in limits else " or more"
        words.append(f"of {limits.get('min_length', 0)}{most} {'characters' if kind is str else 'entries'}")
    return words


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [f'"{c}"' if isinstance(c, str) else str(c) for c in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [f'"{member.value}"' for member in annotation]
    return []


def _bare(annotation: Any, metadata: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """Take `Annotated` and `| None` off, and collect the constraints."""
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        found = [m for e in extra for m in (e.metadata if isinstance(e, FieldInfo) else [e])]
        return _bare(inner, [*metadata, *found])
    if get_origin(annotation) in (Union, types.UnionType):
        some = [a for a in get_args(annotation) if a is not type(None)]
        if len(some) == 1:
            return _bare(some[0], metadata)
    return annotation, metadata


def _find(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[str, Any, Sequence[Any]]:
    """Walk from `model` along pydantic's `loc`; return the key as it stands in the file, annotation and constraints."""
    key, annotation, metadata = "", model, ()
    here: tuple[Any, Sequence[Any]] = (annotation, metadata)
    for part in loc:
        current, _ = _bare(*here)
        origin = get_origin(current)
        if origin in (Union, types.UnionType):  # `part` is the union's tag, which the file has as `type = …`
            here = (next(m for m in get_args(current) if part in _type_of(m)), ())
            continue
        if part == "[key]":  # the step before found what a key must be
            continue
        key = f"{key}[{part}]" if isinstance(part, int) else f"{key}.{part}" if key else part
        if origin is dict:
            keys, values = get_args(current)
            here = (keys if loc[-1] == "[key]" else values, ())
        elif origin is tuple:
            here = (get_args(current)[0], ())
        else:
            here = _field(current, str(part))
    return key, *here


def _field(model: type[BaseModel], name: str) -> tuple[Any, Sequence[Any]]:
    for field_name, field in model.model_fields.items():
        if name in (field_name, field.alias):
            return field.annotation, field.metadata
    return str, ()  # an unknown key: only its name is needed


def _keys(annotation: Any) -> list[str]:
    model, _ = _bare(annotation, ())
    return [field.alias or name for name, field in model.model_fields.items()]


def _tags(annotation: Any) -> list[str]:
    union, _ = _bare(annotation, ())
    return [tag for model in get_args(union) for tag in _type_of(model)]


def _type_of(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["type"].annotation)

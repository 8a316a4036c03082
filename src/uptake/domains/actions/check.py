"""Whether calls are right: each fits its function's JSON schema, and together they are the gold.

Gold calls come in two forms. The own one has one value an argument. That of the Berkeley Function
Calling Leaderboard, which Lost in Conversation took over, lists the acceptable values of each
argument, with "" among them where it may be left out; its type names (dict, float, tuple, any) are
read as JSON Schema's, and strings are compared as that benchmark does, without spaces and ,./-_*^.
Some acceptable values break their own schema (an enum that lacks them, a boolean for a string); as
in that benchmark the list decides, and of the schema only which parameters are required.

This module knows nothing of how calls are written in a reply.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from uptake.conversation import thaw
from uptake.domains.actions.calls import Call, plain

__all__ = ["example", "offered", "right"]

Schemas = Mapping[str, Mapping[str, Any]]

_TYPES = {"dict": "object", "float": "number", "tuple": "array"}


def offered(meta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters of each function that an instruction offers: JSON schemas by `plain` name.

    They stand in `meta` under "functions" (or "function", as in Lost in Conversation), each with
    `name` and `parameters`, or one level down as in OpenAI's `tools`. Raises ValueError where
    there are none.
    """
    found: dict[str, dict[str, Any]] = {}
    listed: Any = thaw(meta.get("functions", meta.get("function")))
    for item in _items(listed if isinstance(listed, list) else [listed]):
        fields = _fields(item)
        fields = _fields(fields.get("function")) or fields
        name = fields.get("name")
        if isinstance(name, str):
            found[plain(name)] = _schema(_fields(fields.get("parameters")))
    if not found:
        raise ValueError('no functions to check calls by; list them in meta as "functions"')
    return found


def right(calls: Sequence[Call], gold: str, schemas: Schemas) -> bool:
    """Whether the calls fit the schemas and are those of `gold`, in any order.

    Raises ValueError where `gold` holds no calls in either form.
    """
    items = _gold_items(gold)
    wanted = [_gold(item, schemas) for item in items]
    valid = _valid if all(map(_exact, items)) else _complete
    # The schemas last: by then the calls are of the gold's size, and a check costs what it may.
    return _pair(calls, wanted, lambda call, accepts: accepts(call)) and all(
        valid(call, schemas) for call in calls
    )


# Gold


def _gold_items(gold: str) -> list[dict[str, Any]]:
    try:
        data: Any = json.loads(gold)
    except (ValueError, RecursionError):
        data = None
    items = [_fields(item) for item in _items(data if isinstance(data, list) else [data])]
    if not items or not all(items):
        raise ValueError("the gold answer is not calls in JSON")
    return items


def _exact(item: Mapping[str, Any]) -> bool:
    """Whether a gold call is of the own form."""
    return isinstance(item.get("name"), str) and isinstance(item.get("arguments"), dict)


def _gold(item: Mapping[str, Any], schemas: Schemas) -> Callable[[Call], bool]:
    """What tells whether a call is this gold one."""
    if _exact(item):
        name: str = item["name"]
        schema = schemas.get(plain(name), {})
        exact = _lean(_fields(item["arguments"]), schema)
        return lambda call: (
            plain(call.name) == plain(name)
            and _same(_lean(dict(call.arguments), schema), exact, schema)
        )
    listed_name, listed = next(iter(item.items()))
    if len(item) != 1 or not isinstance(listed, dict):
        raise ValueError("the gold answer is not calls in JSON")
    accepted = _fields(cast("Any", listed))
    usual = _defaults(schemas.get(plain(listed_name), {}))
    usual = {key: usual[key] for key in accepted if key in usual and not _optional(accepted[key])}
    return lambda call: (
        plain(call.name) == plain(listed_name) and _like(usual | dict(call.arguments), accepted)
    )


# The own form


def _lean(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` without what is optional and as it would be anyway."""
    if isinstance(value, list):
        items = _fields(schema.get("items"))
        return [_lean(item, items) for item in _items(cast("Any", value))]
    if not isinstance(value, dict):
        return value
    properties, required = _fields(schema.get("properties")), _items(schema.get("required"))
    kept: dict[str, Any] = {}
    for key, item in _fields(cast("Any", value)).items():
        inner = _fields(properties.get(key))
        lean = _lean(item, inner)
        usual = "default" in inner and _same(lean, _lean(inner["default"], inner), inner)
        # What is optional and left empty is as good as left out.
        if key in required or not (usual or lean in ({}, [])):
            kept[key] = lean
    return kept


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = _fields(schema.get("properties"))
    return {
        key: _fields(inner)["default"]
        for key, inner in properties.items()
        if "default" in _fields(inner) and key not in _items(schema.get("required"))
    }


def _same(one: Any, other: Any, schema: Mapping[str, Any]) -> bool:
    """Whether two values mean the same; the order of an array counts unless its items are a set."""
    if isinstance(one, dict) and isinstance(other, dict):
        a, b = _fields(cast("Any", one)), _fields(cast("Any", other))
        properties = _fields(schema.get("properties"))
        return a.keys() == b.keys() and all(
            _same(a[key], b[key], _fields(properties.get(key))) for key in a
        )
    if isinstance(one, list) and isinstance(other, list):
        left, right = _items(cast("Any", one)), _items(cast("Any", other))
        items = _fields(schema.get("items"))
        if len(left) != len(right):
            return False
        if schema.get("uniqueItems") is True:
            return _pair(left, right, lambda a, b: _same(a, b, items))
        return all(_same(a, b, items) for a, b in zip(left, right, strict=True))
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
    return _same_number(one, other)


def _same_number(one: Any, other: Any) -> bool:
    """Numbers by their value; true is no number, and null is only itself."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    if isinstance(one, int | float) and isinstance(other, int | float):
        try:
            return math.isclose(one, other, rel_tol=1e-9)
        except OverflowError:  # an integer that no float can hold
            return False
    return False


# The form with acceptable values


def _like(value: Any, gold: Any) -> bool:
    """Whether a value is one acceptable one; objects list acceptable values again."""
    if isinstance(value, dict) and isinstance(gold, dict):
        given, accepted = _fields(cast("Any", value)), _fields(cast("Any", gold))
        return all(
            _among(given[key], accepted[key]) if key in given else _optional(accepted[key])
            for key in accepted
        ) and not (given.keys() - accepted.keys())
    if isinstance(value, list) and isinstance(gold, list):
        left, right = _items(cast("Any", value)), _items(cast("Any", gold))
        return len(left) == len(right) and all(map(_like, left, right))
    if isinstance(value, str) and isinstance(gold, str):
        return _loose(value) == _loose(gold)
    return _same_number(value, gold)


def _among(value: Any, accepted: Any) -> bool:
    listed = _items(cast("Any", accepted)) if isinstance(accepted, list) else [accepted]
    return any(_like(value, one) for one in listed)


def _optional(accepted: Any) -> bool:
    return isinstance(accepted, list) and "" in cast("list[Any]", accepted)


def example(gold: Sequence[Any]) -> list[Call]:
    """Calls that are right by a gold with acceptable values: the first value of each argument.

    Raises ValueError where it is no such gold.
    """
    calls: list[Call] = []
    for item in map(_fields, gold):
        name, listed = next(iter(item.items()), ("", None))
        if len(item) != 1 or not isinstance(listed, dict):
            raise ValueError('a gold call is not {"NAME": {"PARAMETER": [VALUES]}}; write it so')
        calls.append(Call(name, _example(listed)))
    return calls


def _example(accepted: Any) -> Any:
    """The first acceptable value, all the way down; "" only where there is no other."""
    if isinstance(accepted, dict):
        listed = {key: _items(values) for key, values in _fields(cast("Any", accepted)).items()}
        firsts = {key: [v for v in values if v != ""][:1] for key, values in listed.items()}
        return {
            key: _example(first[0]) if first else ""
            for key, first in firsts.items()
            if first or listed[key]
        }
    if isinstance(accepted, list):
        return [_example(item) for item in _items(cast("Any", accepted))]
    return accepted


def _loose(text: str) -> str:
    return re.sub(r"[ ,./\-_*^]", "", text).casefold().replace("'", '"')


# Schemas


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema from one that may use the leaderboard's names of types."""
    found = dict(schema)
    if found.get("type") == "any":
        del found["type"]
    elif isinstance(found.get("type"), str):
        found["type"] = _TYPES.get(found["type"], found["type"])
    if isinstance(found.get("items"), dict):
        found["items"] = _schema(found["items"])
    if isinstance(found.get("properties"), dict):
        inner = _fields(found["properties"])
        found["properties"] = {key: _schema(_fields(value)) for key, value in inner.items()}
    return found


def _valid(call: Call, schemas: Schemas) -> bool:
    # A tenth of a second to import, for a domain that a run may not use.
    from jsonschema import Draft202012Validator
    from referencing import Registry

    schema = schemas.get(plain(call.name))
    if schema is None:
        return False
    # A registry of its own: references are looked up nowhere else, least of all on the network.
    validator: Any = Draft202012Validator(schema, registry=Registry())
    return bool(validator.is_valid(dict(call.arguments)))


def _complete(call: Call, schemas: Schemas) -> bool:
    schema = schemas.get(plain(call.name))
    return schema is not None and all(
        key in call.arguments for key in _items(schema.get("required"))
    )


def _pair(left: Sequence[Any], right: Sequence[Any], fits: Callable[[Any, Any], bool]) -> bool:
    """Whether each of `left` can have one of `right` for itself (augmenting paths)."""
    owner: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in range(len(right)):
            if j not in tried and fits(left[i], right[j]):
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = i
                    return True
        return False

    return len(left) == len(right) and all(place(i, set()) for i in range(len(left)))


def _fields(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []

"""Shards by a model: a request is segmented, and each segment put as a person would say it.

The first two steps of the sharding of Laban et al. 2025 (arXiv 2505.06120, appendix on the sharding
process). Each step asks for one JSON object; what it may not be is found by rule (a segment that is
not in the request, a number or a name that is lost or added), told to the model, and asked for
again. The third step is `verify`.

This module knows nothing of whether the shards are as good as the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from uptake.conversation import Conversation, thaw
from uptake.domains.data2text.values import numbers
from uptake.instruction import Instruction, Shard
from uptake.model import Model, Sampling
from uptake.seeds import stable_seed
from uptake.sharding.request import request
from uptake.sharding.sentence import UnshardableError, pieces
from uptake.structured import json_object

__all__ = ["MOST", "TRIES", "by_model"]

T = TypeVar("T")

MOST = 12
"""The most segments of one request."""

TRIES = 3
"""How often a model is asked for each step."""

_LONGEST = 600

_SEGMENT = f"""\
You take a request apart. You are given JSON: the request, and what is handed over along with it.
Cut the request into segments, the smallest pieces of which each tells one thing:
- what is wanted is one segment; every condition and every given fact is a segment of its own.
- Copy each segment word for word. Segments do not overlap.
- Together they hold every number, every name and every condition of the request.
- There are at least 2 and at most {MOST} of them.
- "needed" is false for a segment that the right answer does not depend on.
Answer with one line of JSON and nothing else:
{{"segments": [{{"segment": "WORDS OF THE REQUEST", "needed": true}}, ...]}}"""

_REPHRASE = """\
You turn the numbered segments of a request into what a person would say in a chat, one message for
each segment.
- The intent comes first: the one segment that says what is wanted, said shortly. It gives away
  nothing that the other segments tell.
- Each other segment becomes one message that can be understood by itself, in everyday words. Name
  what it is about instead of saying "it" or "they".
- Keep every number and every name as it stands. Add nothing, and solve nothing.
- Use each segment exactly once, the most important ones first.
Answer with one line of JSON and nothing else:
{"intent": {"segment": NUMBER, "say": "MESSAGE"},
 "shards": [{"segment": NUMBER, "say": "MESSAGE"}, ...]}"""


@dataclass(frozen=True, slots=True)
class _Segment:
    text: str
    needed: bool


async def by_model(instruction: Instruction, model: Model, sampling: Sampling) -> Instruction:
    """The instruction in shards as the model segments and words it, the intent first.

    Raises:
        UnshardableError: the model gave nothing usable in `TRIES` tries of a step.
        ModelError: the model could not reply.
    """
    asked = request(instruction)
    given = {"request": asked.text, "along_with_it": asked.context[:_LONGEST]}
    seed = stable_seed(sampling.seed, "shard", instruction.domain, instruction.id)
    drawn = replace(sampling, seed=seed)
    segments = await _ask(model, drawn, _SEGMENT, given, lambda data: _segments(data, asked.text))
    numbered = [{"number": i, "segment": one.text} for i, one in enumerate(segments, 1)]
    shards = await _ask(
        model,
        drawn,
        _REPHRASE,
        {"request": asked.text, "segments": numbered},
        lambda data: _shards(data, segments, asked.text),
    )
    first = replace(shards[0], text=asked.with_context(shards[0].text))
    meta = {**thaw(instruction.meta), "sharded_by": model.name}
    return replace(instruction, shards=(first, *shards[1:]), meta=meta)


async def _ask(
    model: Model,
    sampling: Sampling,
    rules: str,
    given: dict[str, Any],
    read: Callable[[dict[str, Any]], T],
) -> T:
    """What `read` makes of the model's JSON; the model is told its ValueError, and tries again."""
    talk = Conversation().system(rules).user(json.dumps(given, ensure_ascii=False))
    fault = ""
    for attempt in range(TRIES):
        reply = await model.reply(talk, replace(sampling, seed=stable_seed(sampling.seed, attempt)))
        data = json_object(reply.text)
        try:
            if data is None:
                raise ValueError("it is no JSON object")
            return read(data)
        except ValueError as error:
            fault = str(error)
        talk = talk.assistant(reply.text).user(f"That cannot be used: {fault}. Answer again.")
    raise UnshardableError(f"the model gave no usable shards in {TRIES} tries: {fault}")


def _segments(data: dict[str, Any], text: str) -> list[_Segment]:
    """The segments, each found in the request at a place of its own, all that counts in them."""
    items = _objects(data, "segments")
    if not 2 <= len(items) <= MOST:
        raise ValueError(f"there are {len(items)} segments, not 2 to {MOST}")
    left = _plain(text)
    found: list[_Segment] = []
    for item in items:
        segment, needed = item.get("segment"), item.get("needed", True)
        if not isinstance(segment, str) or not segment.strip() or not isinstance(needed, bool):
            raise ValueError('a segment is no {"segment": TEXT, "needed": true or false}')
        if _plain(segment) not in left:
            raise ValueError(f"{segment!r} is not in the request word for word, or is used twice")
        left = left.replace(_plain(segment), "\0", 1)
        found.append(_Segment(segment.strip(), needed))
    lost = _counts(text) - set[str]().union(*(_counts(one.text) for one in found))
    if lost:
        raise ValueError(f"no segment holds {', '.join(sorted(lost))}")
    return found


def _shards(data: dict[str, Any], segments: Sequence[_Segment], text: str) -> list[Shard]:
    """The intent and the other shards; every segment is told once, and nothing else is."""
    intent = data.get("intent")
    items = [*_objects({"intent": [intent]}, "intent"), *_objects(data, "shards")]
    order = [item.get("segment") for item in items]
    if sorted(map(str, order)) != sorted(str(i) for i in range(1, len(segments) + 1)):
        raise ValueError(f"the segments 1 to {len(segments)} are not used once each")
    shards: list[Shard] = []
    for place, item in enumerate(items):
        one, said = segments[int(item["segment"]) - 1], item.get("say")
        if not isinstance(said, str) or not said.strip() or len(said) > _LONGEST:
            raise ValueError(f"a message is no text of 1 to {_LONGEST} characters")
        if lost := _numbers(one.text) - _numbers(said):
            raise ValueError(f"{said!r} loses {', '.join(sorted(lost))}")
        if added := _numbers(said) - _numbers(text):
            raise ValueError(f"{said!r} adds {', '.join(sorted(added))}")
        shards.append(Shard(" ".join(said.split()), needed=one.needed or place == 0))
    lost = _counts(text) - set[str]().union(*(_words(shard.text) for shard in shards))
    if lost := lost - _numbers(text):
        raise ValueError(f"no message holds {', '.join(sorted(lost))}")
    return shards


def _objects(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items: Any = data.get(key)
    if not isinstance(items, list) or not all(
        isinstance(i, dict) for i in cast("list[Any]", items)
    ):
        raise ValueError(f'"{key}" is no list of objects')
    return cast("list[dict[str, Any]]", items)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _numbers(text: str) -> set[str]:
    """The numbers of a text by their value, whether in digits or in words."""
    return {f"{float(found.value[1]):g}" for found in numbers(text)}


def _words(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"\w+", text)}


def _counts(text: str) -> set[str]:
    """What may not be lost: numbers, and words with a capital that no sentence begins with."""
    names = {name for piece in pieces(text) for name in re.findall(r"(?<=\s)[A-Z]\w*", piece)}
    return _numbers(text) | {name.casefold() for name in names} - {"i"}

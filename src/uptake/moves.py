"""The next move in a conversation, chosen by written rules: answer, ask, hold, and so on.

`choose` takes what an analyst read and what came with the request, and gives a `Move`: its name,
why it was chosen, what the others would have been, and in which `form` the model is to get the
conversation. The first rule of `RULES` that applies decides; `gates` are checked before any.

Pure. This module knows nothing of how a form is written (`compile`) or of models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast

from uptake.analyst import Reading
from uptake.compile import changed, doubt, pointed, speaks_of
from uptake.conversation import Conversation, Message

__all__ = ["LONG", "MOVES", "NO_REQUEST", "Form", "Move", "MoveName", "Request", "choose", "gates"]

MoveName = Literal["answer", "ask", "confirm", "repair", "correct", "resume", "hold", "pass"]

Form = Literal["as_it_came", "fresh", "whole"]
"""What the model gets: the conversation untouched; the compiled instruction alone; or all of the
conversation, with what has changed and what is pointed at added to the last message."""

MOVES: Mapping[MoveName, str] = MappingProxyType(
    {
        "pass": "nothing to mend yet, or not ours to touch: the conversation goes on as it came",
        "hold": "the user is plainly still telling: acknowledge and wait",
        "ask": "what the request needs is missing, or points at several things: ask for it, once",
        "confirm": "a value was corrected and several could be meant: ask, before it is taken up",
        "correct": "the request takes for granted what the user's own words deny: say so first",
        "resume": "the user comes back to a topic: answer on that one",
        "repair": "the user has put something right or taken it back: answer with what holds now",
        "answer": "everything that holds is handed over as one instruction",
    }
)
"""Each move's rule in half a sentence, in the order in which they are tried."""

LONG = 6000
"""Characters of one message from which it counts as a pasted document."""

HOLDING = "All right."
WHICH_OF_2 = "Which one do you mean, the first or the second?"
WHICH = "Which one do you mean?"
COULD_YOU = "Could you tell me {}?"
WHAT_CHANGES = 'What does "{}" change of what you said before?'
YOU_SAID = 'Not quite: you said "{}"'


@dataclass(frozen=True, slots=True)
class Request:
    """What comes with a conversation and decides what a mediator may do.

    `tools` is whether tools are offered, `required` whether one must be called (`tool_choice`),
    `formatted` whether the reply has a prescribed form (`response_format`), `n` how many replies
    are wanted.
    """

    tools: bool = False
    required: bool = False
    formatted: bool = False
    n: int = 1


NO_REQUEST = Request()
"""Words alone: no tools, no form, one reply."""


@dataclass(frozen=True, slots=True)
class Move:
    """What to do next, and why.

    `say` are the words of the move itself: the whole reply of a `hold`, `ask` or `confirm`, for
    which no model is called; what a `correct` puts before the model's reply. `alternatives` are the
    other moves whose rule applies as well, each with why it does, and then what stood against it.
    """

    name: MoveName
    why: str
    form: Form = "as_it_came"
    say: str | None = None
    alternatives: tuple[tuple[MoveName, str], ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether the move is the reply, so that no model is needed."""
        return self.name in ("hold", "ask", "confirm")


def choose(reading: Reading, conversation: Conversation, request: Request = NO_REQUEST) -> Move:
    """The next move: the first in the order of `MOVES` whose rule applies and no gate forbids."""
    closed = _closed(conversation)
    if closed is not None:
        return Move("pass", closed)
    used = any(map(_uses_tools, conversation.messages))
    works = request.tools or used
    shut = gates(conversation, request)
    found = [move for rule in RULES if (move := rule(reading, conversation))]
    # Where something can be done, a request that only sounds like a pause must not be lost.
    barred = _SPEAKING if shut else ("hold",) if works else ()
    allowed = [move for move in found if move.name not in barred]
    chosen = allowed[0] if allowed else Move("pass", _nothing(reading))
    others: tuple[tuple[MoveName, str], ...] = tuple(
        (move.name, f"{move.why}; {_against(move, chosen, shut)}")
        for move in found
        if move is not chosen
    )
    # Where tools were used, what was asked for may have been done already.
    form = "as_it_came" if used else _form(chosen, reading, conversation, shut)
    if form == "as_it_came" and chosen.name in ("answer", "repair", "resume"):
        why = shut[0] if shut else "the whole conversation is needed, and nothing in it has changed"
        passed: tuple[MoveName, str] = (chosen.name, chosen.why)
        return Move("pass", why, alternatives=(passed, *others))
    return Move(chosen.name, chosen.why, form, chosen.say, others)


def gates(conversation: Conversation, request: Request = NO_REQUEST) -> tuple[str, ...]:
    """What forbids to ask, to wait and to leave anything out, each in a few words."""
    found = {
        "a tool must be called": request.required,
        "the reply has a prescribed form": request.formatted,
        "several replies are wanted": request.n > 1,
        "a message holds more than words": any(map(_more_than_words, conversation.messages)),
        "a long document was pasted": any(
            m.role == "user" and len(m.text) >= LONG for m in conversation.messages
        ),
    }
    return tuple(why for why, shut in found.items() if shut)


def _closed(conversation: Conversation) -> str | None:
    """Why a conversation must go on exactly as it came; None where it need not."""
    if not conversation.messages:
        return "there is nothing to answer"
    last = conversation.messages[-1]
    if last.role in ("tool", "function"):
        return "the last message is a tool's result"
    if _pending(conversation):
        return "a tool call is pending"
    if last.role != "user":
        return "the last message is not the user's"
    return None


def _pending(conversation: Conversation) -> bool:
    """Whether some call of the assistant's last message has no result yet."""
    answered: set[Any] = set()
    for message in reversed(conversation.messages):
        extra = message.extra or {}
        if message.role == "assistant":
            calls = cast("tuple[Mapping[str, Any], ...]", extra.get("tool_calls") or ())
            called = {call.get("id") for call in calls}
            if extra.get("function_call"):
                called.add("function_call")
            return not called <= answered
        if message.role == "tool":
            answered.add(extra.get("tool_call_id"))
        elif message.role == "function":
            answered.add("function_call")
    return False


def _uses_tools(message: Message) -> bool:
    if message.extra is None:
        return message.role in ("tool", "function")
    called = message.extra.get("tool_calls") or message.extra.get("function_call")
    return message.role in ("tool", "function") or bool(called)


def _more_than_words(message: Message) -> bool:
    """Whether a message has an image, a sound or a file among its parts."""
    content: Any = message.content
    if not isinstance(content, tuple):
        return False
    parts = cast("tuple[Any, ...]", content)
    return any(
        isinstance(part, Mapping) and cast("Mapping[str, Any]", part).get("type") not in _WORDS
        for part in parts
    )


_WORDS = ("text", "input_text", "output_text", "refusal")

Rule = Callable[[Reading, Conversation], Move | None]
"""A move where it would be right, with the reason; None where it would not."""


def _hold(reading: Reading, conversation: Conversation) -> Move | None:
    return Move("hold", "the user is still telling", say=HOLDING) if reading.telling else None


def _ask(reading: Reading, conversation: Conversation) -> Move | None:
    unclear = next((r for r in reading.referents if r.candidates > 1), None)
    if unclear is not None:
        why = f'"{unclear.words}" may be any of {unclear.candidates}'
        return _once(
            Move("ask", why, say=WHICH_OF_2 if unclear.candidates == 2 else WHICH), conversation
        )
    if not reading.missing:
        return None
    lacks = reading.missing[0]
    return _once(Move("ask", f"not said: {lacks}", say=COULD_YOU.format(lacks)), conversation)


def _confirm(reading: Reading, conversation: Conversation) -> Move | None:
    pending = [
        entry
        for entry in reading.ground.last
        if entry.status == "pending" and entry.kind == "correction"
    ]
    # What takes back words that nobody finds is handed on: the model may find them.
    if not pending or len(reading.ground.turns) < 2:
        return None
    say = WHAT_CHANGES.format(pending[0].text)
    return _once(Move("confirm", "not sure what that changes", say=say), conversation)


def _once(move: Move, conversation: Conversation) -> Move | None:
    """What was asked once in vain is not asked again."""
    return None if move.say in conversation.said_by("assistant") else move


def _correct(reading: Reading, conversation: Conversation) -> Move | None:
    if not reading.false:
        return None
    wrong = reading.false[0]
    say = YOU_SAID.format(wrong.fact)
    return Move("correct", f'"{wrong.words}" is not what was said', say=say)


def _resume(reading: Reading, conversation: Conversation) -> Move | None:
    if reading.resumed is None:
        return None
    return Move("resume", "the user comes back to an earlier topic")


def _repair(reading: Reading, conversation: Conversation) -> Move | None:
    kinds = {entry.kind for entry in reading.ground.last}
    if "correction" in kinds:
        return Move("repair", "the user has put something right")
    return Move("repair", "the user took something back") if "withdrawal" in kinds else None


def _answer(reading: Reading, conversation: Conversation) -> Move | None:
    if len(reading.ground.turns) < 2 or _chats(reading):
        return None
    if doubt(reading.ground):
        return Move("answer", "the reply is doubted: worked out anew, with the doubt")
    return Move("answer", f"what holds of {len(reading.ground.turns)} turns, in one")


RULES: tuple[Rule, ...] = (_hold, _ask, _confirm, _correct, _resume, _repair, _answer)
"""In the order in which they are tried."""

_SPEAKING = ("hold", "ask", "confirm", "correct")


def _chats(reading: Reading) -> bool:
    """Whether the last turn is small talk and nothing else."""
    last = reading.ground.last
    social = bool(last) and all(entry.kind == "social" for entry in last)
    return social and reading.resumed is None and not doubt(reading.ground)


def _nothing(reading: Reading) -> str:
    return "small talk" if _chats(reading) else "the first turn: nothing to mend yet"


def _form(move: Move, reading: Reading, conversation: Conversation, shut: tuple[str, ...]) -> Form:
    """In which form the model gets the conversation."""
    if move.name == "pass" or move.speaks or len(reading.ground.turns) < 2:
        return "as_it_came"
    if reading.self_contained and not shut and speaks_of(reading.ground):
        return "fresh"
    return "whole" if changed(reading.ground) or pointed(conversation, reading) else "as_it_came"


def _against(other: Move, chosen: Move, shut: tuple[str, ...]) -> str:
    if shut and other.name in _SPEAKING:
        return f"not done, for {shut[0]}"
    if other.name == "hold" and chosen.name != "hold":
        return "not done, for there are tools"
    return f"{chosen.name} comes first"

"""Does a reply ask the user something, which shard would answer it, and does it say yes or no?

Read from the words alone, by rule: a question counts when it wants information from the user.
Offers ("Would you like the steps?"), questions the reply goes on to answer itself ("How many are
left? 12 - 5 = 7.") and questions that only repeat what the user asked do not count.

This module knows nothing of who asks or of what is said in return (`user`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, zip_longest

from uptake.instruction import Shard

__all__ = ["questions", "target", "yes_or_no"]

# A sentence ends at its mark, with any closing quote, star or bracket; or at the line's end.
_SENTENCE_END = re.compile(r"(?<=[.!?])(?:[\"'”’*_)\]]*)\s+|\n+")

_OFFER = re.compile(
    r"\b(would you like|do you want me to|did you want me to|shall i|want me to|can i help"
    r"|may i help|(can|may) i (help|assist)|anything else|any(thing)? (other|more|further)"
    r"|(does|did) (that|this|it) (help|make sense|answer)|make sense|any questions"
    r"|(need|want) (any )?(more |further )?help)\b"
)
_READING = re.compile(r"\b(assume|suppose|take it that|interpret)\b")
# A bare imperative is more often a step of the model's own plan ("Confirm the total:") than a
# request, so it has to turn to the user in some other word.
_REQUEST = re.compile(
    r"\b((please|kindly|(could|can|would|will) you) ((also|please|first|kindly) ){0,3}"
    r"(tell|let me know|give|provide|specify|clarify|share|confirm|state|say|send|list)"
    r"|(tell|give) me"
    r"|i('d|'ll| would| will| still| also){0,3} need "
    r"(to know|you to|your|more|additional|further|some more))\b"
)
_CLOSING = re.compile(
    r"\blet me know (if|whether|when|should)\b|^\W*if\b.*\blet me know\b|\bfeel free\b"
)
_LACKS = re.compile(r"^\W*(so |but |however,? )?(i|we)( still| also){0,2} need (?!to )[^\d:=]*$")
_RETURNS_TO_USER = re.compile(r"\b(you|your|i need|please|without|once)\b|^\W*(if|assuming|for ex)")
_SELF_ANSWER = re.compile(r"^\W*(yes|no|true|false|correct)\b")
_YES = re.compile(
    r"^\W*(yes|yeah|yep|correct|right|true|indeed|exactly|certainly|of course"
    r"|(that|this|it)('s| is) (right|correct|true|so))\b|\bso,? yes\b"
)
_NO = re.compile(
    r"^\W*((well|actually|sorry)\W+)*(no|nope|incorrect|wrong|false"
    r"|not (quite|really|exactly|so|at all)"
    r"|(that|this|it)('s| is)( not|n't| in?correct| wrong| false)"
    r"|(that|this|it) isn['’]t)\b|\bso,? no\b"
)
_CODE = re.compile(r"```.*?(```|\Z)|<tool_call>.*?(</tool_call>|\Z)", re.DOTALL)
_DIGIT = re.compile(r"\d")

_FUNCTION_WORDS = """
a about after all also am an and any are as at be been before but by can could did do does each
for from get give had has have he her his how i if in into is it its just kindly know let many me
more much my need of on or our out per please provide share she should so some state tell than
that the their them then there these they this those to total was we were what when where which
while who whose will with would you your altogether
"""
_STOP = frozenset(_FUNCTION_WORDS.split())


def questions(reply: str, said: Iterable[str] = ()) -> tuple[str, ...]:
    """The sentences of `reply` that want information from the user, in order.

    `said` is what the user has said so far: a question that only repeats a sentence of it is
    an echo and left out.
    """
    heard = {_plain(sentence) for text in said for sentence in _sentences(text)}
    sentences = _sentences(_CODE.sub("\n", reply))
    return tuple(
        sentence
        for sentence, after in zip_longest(sentences, sentences[1:])
        if _asks(sentence, after) and _plain(sentence) not in heard
    )


def target(asked: Sequence[str], shards: Sequence[Shard], untold: Sequence[int]) -> int | None:
    """The untold shard that the first answerable question asks for; None where none fits.

    A shard fits by the content words it shares with the question, in its text and in the name
    of its quantity, each word weighing less the more shards have it. Among equals the order of
    the words decides (who gives whom), then the order of the shards.
    """
    known = [(_words(shard.text), _words(shard.quantity or "")) for shard in shards]
    words = [frozenset(text + quantity) for text, quantity in known]
    pairs = [set(pairwise(text)) | set(pairwise(quantity)) for text, quantity in known]
    having = Counter(word for some in words for word in some)

    for question in asked:
        wanted = _words(question)
        order = set(pairwise(wanted))
        # Rarest words first, each once, so that the sums do not depend on the order of a set.
        once = sorted(set(wanted), key=lambda word: (having[word], word))
        fit = {
            i: (sum(1 / having[word] for word in once if word in words[i]), len(order & pairs[i]))
            for i in untold
        }
        best = max(untold, key=lambda i: fit[i], default=None)
        if best is not None and fit[best][0] > 0:
            return best
    return None


def yes_or_no(reply: str) -> bool | None:
    """Whether a reply opens with yes or no, or comes to it ("so no"); None where it does neither.

    A reply that does both does neither.
    """
    low = reply.lower().replace("’", "'")
    yes, no = _YES.search(low) is not None, _NO.search(low) is not None
    return None if yes == no else yes


def _asks(sentence: str, after: str | None) -> bool:
    """Whether a sentence wants information; `after` is the next one, None at the end."""
    low = sentence.lower()
    if _CLOSING.search(low) or (_OFFER.search(low) and not _READING.search(low)):
        return False
    if _REQUEST.search(low):
        return True
    if after is None:
        return "?" in sentence[-4:] or bool(_LACKS.search(low))
    return "?" in sentence[-4:] and not _answered_by(after)


def _answered_by(after: str) -> bool:
    """Whether the next sentence says yes, no or a number, rather than turning to the user."""
    low = after.lower()
    if _SELF_ANSWER.search(low):
        return True
    return bool(_DIGIT.search(low)) and "?" not in low and not _RETURNS_TO_USER.search(low)


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def _plain(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", sentence.lower()))


def _words(text: str) -> list[str]:
    """The content words of a text in order, in the singular."""
    found = re.findall(r"[^\W_]+", re.sub(r"['’]s\b", "", text.lower()))
    return [_singular(word) for word in found if word not in _STOP]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word

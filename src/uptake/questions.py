"""Does a reply ask the user something, which shard would answer it, and does it say yes or no?

Read from the words alone, by rule: a question counts when it wants information from the user.
Offers ("Would you like the steps?"), questions the reply goes on to answer itself ("How many are
left? 12 - 5 = 7."), what is quoted, and questions that only repeat what the user asked do not
count. Saying that something is missing does ("You haven't said how many there are.").

This module knows nothing of who asks or of what is said in return (`user`), and no English idiom
that its rules do not name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise, zip_longest

from uptake.instruction import Shard
from uptake.sentences import heard, plain, sentences
from uptake.sieve import Sieve

__all__ = ["names_all", "offers", "questions", "target", "yes_or_no"]

_SIEVE = Sieve()

_OFFER = _SIEVE.sign(
    r"\b(would you like|do you want me to|did you want me to|shall (i|we)|want me to|can i help"
    r"|may i help|(can|may) i (help|assist)|anything else|any(thing)? (other|more|further)"
    r"|(does|did) (that|this|it) (help|make sense|answer)|make sense|any questions"
    r"|(need|want) (any )?(more |further )?help"
    r"|(i|we)('d| would|'m| am|'ll| will) (also )?(be )?(happy|glad) to"
    r"|give me a shout|say the word"
    r"|(can|could|may) also|can put together)\b"
    r"|^\W*(happy|glad) to\b|\bif (you'd|you (like|wish|want|need|find)|that's of|needed|useful)\b"
)
# "Where would you like it?" wants to know where; "How can I help?" is an offer all the same.
_OPEN_LIKE = _SIEVE.sign(
    r"\b(what|which|where|when|how|who)\b[^.?!]{0,40}\b(would you like|you want me to)\b"
)
_READING = _SIEVE.sign(r"\b(assume|suppose|take it that|interpret|you mean|asking about)\b")
_WHAT = r"(tell|let me know|give|provide|specify|clarify|share|confirm|state|say|send|list"
# A bare imperative is more often a step of the model's own plan ("Confirm the total:") than a
# request, so it has to turn to the user in some other word.
_REQUEST = _SIEVE.sign(
    r"\b((please|kindly|(could|can|would|will) you) ((also|please|first|kindly) ){0,3}"
    + _WHAT
    + r"|reply|enter|paste|explain)"
    r"|(tell|give|send) me"
    r"|(reply with|enter|paste( in)?|attach) (your|the)"
    r"|i('d|'ll| would| will| still| also){0,3} need "
    r"(to know|you to|your|more|additional|further|some more)"
    r"|i('d| would) ((also|still) )?(like|love) to know|it('d| would) help to know"
    r"|needs? more info\w*)\b"
    r"|^\W*(please )?reply \w+ to\b|\byour\b[^.?!]{0,80}\bplease\W*$"
)
_CLOSING = _SIEVE.sign(
    r"\blet me know (if|whether|when|should)\b|^\W*if\b.*\blet me know\b|\bfeel free\b"
)
_LACKS = _SIEVE.sign(r"^\W*(so |but |however,? )?(i|we)( still| also){0,2} need (?!to )[^\d:=]*$")
_MISSING = _SIEVE.sign(
    r"\byou (haven't|didn't|did not|have not) (yet )?(said|say|told|tell|given|give|mention|specif)"
    r"|(?<!nothing )\b(is|are) (still )?missing\b|^\W*(missing|required|needed)( \w+){0,3}: ?\w"
    r"|\b(not|isn't|aren't) (really )?(specified|stated|given|defined"
    r"|clear)\b|\bunclear (what|which|where|when|how|who)\b"
    r"|\b(doesn't|does not|don't) (say|specify|state|mention)\b"
    r"|\b(do not|don't) (yet )?know (what|which|where|when|who|how (many|much|long|far|old))\b"
    r"|\bnot sure (what|which|where|when|who|how (many|much|long|far|old))\b"
    r"|\b(i|we) (still )?((don't|do not) know (the(?! (answer|solution))|\w+'s)|lack)\b"
    r"|\b(i|we)('d| would) also need\b|\bi'd need\b"
    r"|\bcan't (say|tell|be sure) (until|without|unless)\b|\bcould be more useful with\b"
)
# What is missing but was settled by the reply itself asks nothing.
_SETTLED = _SIEVE.sign(r"\b(so i|since|because|as you|assum\w+|i (took|went|picked|used))\b|=")
# Without its mark, at the very end, in the order of a question.
_AUX = r"(is|are|was|were|do|does|did|would|should|can|could|will|have|has|shall|may)"
_UNMARKED = _SIEVE.sign(
    rf"^\W*(and |so |or |but |in |on |to |for )?"
    rf"((who|whose|what|which|when|where|why|how)( \w+){{0,4}} {_AUX} \w"
    rf"|{_AUX} (you|your|i|we|it|this|that|there|these|those|he|she|they|the)\b)[^.!:]*$"
    r"|\b(are|do|did|would) you (want|need|mean|like|have|looking|interested|trying|asking"
    r"|referring|thinking)\b[^.!:?]{0,300}$"
)
_BARE = _SIEVE.sign(r"^\W*(since when|how (many|much|long|far|old)|(which|what)( \w+){0,2})\W*$")
_RHETORICAL = _SIEVE.sign(
    r"^\W*(why not|unless|you asked|ha,? who)\b"
    r"|\bwho (doesn't|knows|cares)\W*$"
)
_RETURNS_TO_USER = _SIEVE.sign(
    r"\b(you|your|i need|please|without|once)\b|^\W*(if|assuming|for ex)"
)
_SELF_ANSWER = _SIEVE.sign(r"^\W*(yes|no|true|false|correct|because|possibly|perhaps not)\b")
_YES = _SIEVE.sign(
    r"^\W*(yes|yeah|yep|correct|right|true|indeed|exactly|certainly|of course"
    r"|(that|this|it)('s| is) (right|correct|true|so))\b|\bso,? yes\b"
)
_NO = _SIEVE.sign(
    r"^\W*((well|actually|sorry)\W+)*(no|nope|incorrect|wrong|false"
    r"|not (quite|really|exactly|so|at all)"
    r"|(that|this|it)('s| is)( not|n't| in?correct| wrong| false)"
    r"|(that|this|it) isn['’]t)\b|\bso,? no\b"
)
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
    asking = _asking(reply)
    if not asking:
        return ()
    echoed = heard(said)
    return tuple(text for text in asking if plain(text) not in echoed)


# Few, for a reply may be long: it is read by the user and by whoever plays, one after the other.
@lru_cache(maxsize=64)
def _asking(reply: str) -> tuple[str, ...]:
    """The sentences that want information, echoes included."""
    found = sentences(reply)
    return tuple(
        sentence.text
        for sentence, after in zip_longest(found, found[1:])
        if _asks(sentence.read, after and after.read)
    )


def offers(reply: str) -> tuple[str, ...]:
    """The sentences of `reply` that offer help rather than want something, in order."""
    return tuple(sentence.text for sentence in sentences(reply) if _offers(sentence.read))


def target(asked: Sequence[str], shards: Sequence[Shard], untold: Sequence[int]) -> int | None:
    """The untold shard that the first answerable question asks for; None where none fits.

    A shard fits by the content words it shares with the question, in its text and in the name
    of its quantity, each word weighing less the more shards have it. Among equals the order of
    the words decides (who gives whom), then the order of the shards.
    """
    if not asked:
        return None
    known = [(_known_words(shard.text), _known_words(shard.quantity or "")) for shard in shards]
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


def names_all(question: str, quantity: str) -> bool:
    """Whether a question has every content word of the name of a quantity."""
    return set(_known_words(quantity)) <= set(_words(question))


def yes_or_no(reply: str) -> bool | None:
    """Whether a reply opens with yes or no, or comes to it ("so no"); None where it does neither.

    A reply that does both does neither.
    """
    low = reply.lower().replace("’", "'")
    yes, no = _YES.search(low) is not None, _NO.search(low) is not None
    return None if yes == no else yes


def _asks(low: str, after: str | None) -> bool:
    """Whether a sentence wants information; `after` is the next one, None at the end."""
    if _offers(low) or _RHETORICAL.search(low):
        return False
    if _REQUEST.search(low):
        return True
    if after is not None and _answered_by(after):
        return False
    if "?" in low[-4:] or (_MISSING.search(low) and not _SETTLED.search(low)):
        return True
    if low.endswith(('."', ".'", ".”", ".»")):  # 'Can you say "Good day?"': the mark is quoted
        return bool(_UNMARKED.search(low[:-2]))
    return after is None and any(rule.search(low) for rule in (_LACKS, _UNMARKED, _BARE))


def _offers(low: str) -> bool:
    if _CLOSING.search(low):
        return True
    return bool(_OFFER.search(low)) and not (_READING.search(low) or _OPEN_LIKE.search(low))


def _answered_by(after: str) -> bool:
    """Whether the next sentence says yes, no or a number, rather than turning to the user."""
    if _SELF_ANSWER.search(after):
        return True
    return bool(_DIGIT.search(after)) and "?" not in after and not _RETURNS_TO_USER.search(after)


def _words(text: str) -> tuple[str, ...]:
    """The content words of a text in order, in the singular."""
    found = re.findall(r"[^\W_]+", re.sub(r"['’]s\b", "", text.lower()))
    return tuple(_singular(word) for word in found if word not in _STOP)


# Of shards: the same are matched at every turn of every repeat.
_known_words = lru_cache(maxsize=4096)(_words)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word

"""The words by which the rules of `acts` know an act: one pattern of English a sign.

Each reads `Sentence.read`: lower case, plain apostrophes, code and quotes blanked out. Repeats
within a pattern are bounded, so that a reply of any length is read in time.

This module knows nothing of context: what a sign means where it stands is for `acts` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from uptake.sieve import Sieve, Sign

__all__ = [
    "ACKNOWLEDGE",
    "ADVICE",
    "BESIDE",
    "CHOICE",
    "CODE",
    "COMMON",
    "CORRECT",
    "CURIOUS",
    "DISPLAY",
    "FILLER",
    "HUH",
    "INSTEAD",
    "INVERTED",
    "MOVED",
    "NO",
    "NOT",
    "QUESTION",
    "READING",
    "REASONS",
    "REFUSE",
    "REJECT",
    "REPAIR",
    "RESULT",
    "SUPPOSED",
    "TAG",
    "VERB",
    "WH",
    "YOU_MEAN",
]

COMMON = frozenset(
    """a an the and or but of in on at to for from by with as is are was were be been am do does did
    have has had i you we it he she they me my your our their his her its this that these those so
    then than there here what which who how when where why will would can could should not no yes
    if d ll s t m re ve up out about just some any all please help goodbye bye""".split()
)

_SIEVE = Sieve()

ACKNOWLEDGE = _SIEVE.sign(
    r"^\W*((oh|ah),? )?(thanks|thank you|cheers|got it|gotcha|(duly )?noted|understood|okay|ok"
    r"|okey|sure( thing)?|great|cool|alright|all right|right(?=[,.!])|roger|of course|absolutely"
    r"|gladly|certainly|good to know|fair (enough|point)|acknowledged|mm-?hm|aha|i see"
    r"|no (worries|problem)|nice to meet you|perfect|very well|will do|copy that|sounds good"
    r"|(that )?makes sense|that('s| is)? (helps?|helpful|clear|useful|good to know)"
    r"|i (hear|understand) (you|why|that)|i appreciate)(?![\w'])"
)
HUH = _SIEVE.sign(
    r"(^\W*((but|sorry),? )?|\b(i|we)('m| am)? )((didn't|don't|couldn't|can't|did not|do not"
    r"|could not) (quite |really |fully )?(follow|understand|catch|make (sense|head)"
    r"|get (that|it|this|you|what))\b(?! back)"
    r"|not (sure (what you|(i|we) (follow|understand))|following))"
    r"|\b(not clear to me|lost me|makes no sense|(i'm|i am) (lost|confused)|(i've )?lost you"
    r"|no (clue|idea) what (you|this|that)|(please|you) (please )?rephrase|come again|say again"
    r"|(say|put|try) (that|it|this) (again|once more|another way|differently)|start from the top"
    r"|(can't|couldn't) (make out|parse)|what are you trying to|garbled|didn't come through"
    r"|explain (a bit |a little )?more|run that by me|beg your pardon|over my head)\b"
    r"|^\W*((i'm )?sorry,? |excuse me,? )?(what|pardon|huh|eh|sorry)\W*\?"
    r"|\b(what do you mean|(could|can) you (repeat that|clarify|explain|elaborate))\W*$"
)
MOVED = _SIEVE.sign(
    r"^\W*((oh|huge|so),? )*(aw+|wow|yes{2,}|ugh|congrat\w*|fantastic|amazing|wonderful|brilliant"
    r"|how (nice|lovely|exciting|awful|sad)|exciting|exactly|well done|lovely chatting"
    r"|that('s| is| sounds| must be) (awful|great|wonderful|amazing|terrible|rough|exciting|tough))"
    r"\b"
)
CURIOUS = _SIEVE.sign(
    r"\b(out of (curiosity|interest)|i'd love to hear|let me know what you think|favou?rite part"
    r"|what do you think|how (did|do) (it|that|you) (go|feel)|and you, (what|how|where))\b"
)
WH = _SIEVE.sign(r"\b(what|which|who|whom|whose|where|whereabouts|when|why|how)\b|\bwho's\b")
TAG = _SIEVE.sign(
    r"\b(right|yes|correct|aren't you|isn't it|don't you|you mean|i take it|i presume|i assume"
    r"|i'm guessing|i gather|if i'm not mistaken|is that (right|correct|so))\W*\?"
    r"|^\W*(please )?(reply|confirm|say) yes\b|\bplease confirm (that|you)\b|\bdouble.?check"
)
YOU_MEAN = _SIEVE.sign(
    r"\byou('re| are)? (mean|asking|after)\b[^.!?]{0,200}\?\W*$|, right\W*\?\W*$"
)
CHOICE = _SIEVE.sign(r"\bor\b(?! not\b)")
READING = _SIEVE.sign(
    r"\b(you mean|you('re| are) (asking|after|referring|talking|thinking)|are you (asking|referring"
    r"|talking)|you (be )?thinking of|(should|shall|can|may) i (assume|take|treat|read|count|go "
    r"ahead|proceed|confirm|book|reserve)|just checking|(so )?to confirm|if i understand"
    r"|am i right)\b|^\W*is (that|this) "
)
_AUX = (
    r"(is|are|was|were|do|does|did|would|should|can|could|will|have|has|had|shall|may|might|isn't"
    r"|aren't|don't|doesn't|didn't|won't|can't)"
)
INVERTED = _SIEVE.sign(
    rf"^\W*((and|so|or|but|ok|just) )?{_AUX} "
    rf"|, {_AUX} (i|you|he|she|it|we|they|this|that|the|your)\b"
)
QUESTION = _SIEVE.sign(r"\?\s*$|^\W*(so |and |ok )?(what|which|who|where|when|why|how)\b")
_UNKNOWN = (  # "I can't say how many" knows too little, which is no refusal
    r"determine|calculate|compute|solve|be (sure|certain)|know|say|figure|work (it|that|this) out"
    r"|(tell|answer|work|give)\b[^.]{0,40}\b(until|without|unless|yet|which|how|if|what|whether)"
)
REFUSE = _SIEVE.sign(
    r"\b(i|we)('m| am)? (can't|cannot|can not|won't|will not|not able to|unable to|not going to"
    rf"|not allowed to|have to decline|must decline|must refuse|don't (do|provide|offer))\b"
    rf"(?! (yet |really )?({_UNKNOWN})\b)"
    r"|\bsomething i (can't|won't)\b|\bisn't something i\b|\bhave no way of\b|\bi'd rather not\b"
    r"|\bnot (something i|in a position to)\b|\b(beyond|outside) what i\b"
    r"|\bi'll have to (decline|pass)\b|\bdon't have (access|permission|the ability)\b"
    r"|\bisn't (available|possible)( \w+){0,3} (here|chat)|\bno can do\b"
)
INSTEAD = _SIEVE.sign(
    r"\b(would|want|shall|prefer|instead)\b|^\W*if\b[^?]{0,200}\bi('ll| can| could)\b"
)
REJECT = _SIEVE.sign(
    r"\b(disagree|push back|think twice|(not|isn't) (convinced|a good idea)|bad idea|i wouldn't"
    r"|advise against|recommend against|caution against|(don't|not|can't) agree"
    r"|can't (approve|move on|accept|go along)|beg to differ|have to say no|see it differently"
    r"|not the best (idea|plan|choice)|unconvinced|i doubt (that|it)|not sure i agree"
    r"|not on board|i don't think (so|we should|that's|it's)|i'd (argue|steer clear|hold off))\b"
)
REPAIR = _SIEVE.sign(
    r"\b(apolog\w+|my (mistake|bad|error|slip)|i (forgot|mis(read|spoke|counted|calculated|took"
    r"|heard|quoted|typed)|mixed|swapped|left out|confused|transposed|overlooked|missed|quoted"
    r"|was wrong|was too quick|slipped|take that back|made (a|an) (mistake|error|slip)"
    r"|got (that|it) wrong|worked it as|gave you the wrong|should have (said|read|written|used))"
    r"|(that|it) was wrong|whoops|oops|scratch that|ignore my|on second thoughts?|good catch"
    r"|well spotted|thanks for catching|i mistakenly|i was mistaken|mea culpa|strike that"
    r"|i had (it|that) wrong"
    r"|let me (correct (that|myself)|fix that|redo)|correcting myself|i stand corrected)\b"
    r"|\bsorry\b[^.?!]{0,40}(,| and) not\b|\byou're (quite |absolutely |completely )?right\b"
)
CORRECT = _SIEVE.sign(
    r"\b(myth|mix-?up|misconception|urban legend|common (mistake|misunderstanding|belief)"
    r"|the other way (round|around)|contrary to|on the contrary|(slight|small|quick) correction"
    r"|in reality|popular belief|debunked|you('re| are| may be| might be) (confusing|mixing)"
    r"|worth flagging|one thing first|challenge that|(that's|it's|is) (not (so|true|right|correct"
    r"|quite|the case|accurate)|incorrect|untrue)|isn't (so|true|right|correct|quite|the case"
    r"|accurate)|not quite|(it|they|he|she) never (did|was|were|had)|(doesn't|never) exist\w*"
    r"|didn't say that|have another look|snag|it should be|there('s| is| was) no such"
    r"|(is|was|are|were|'s) actually)\b|^\W*careful\b|\bactually\W*$|^\W*only \d|, not \d"
)
NO = _SIEVE.sign(
    r"^\W*((hmm|well|ah|oh|actually),? )?(no|nope|not really)\W*([,:.!]|$)"
    r"|^\W*(it|that|they|this) (isn't|wasn't|aren't|weren't|doesn't|didn't|hasn't)\b"
)
NOT = _SIEVE.sign(r"n't\b|\b(not|never|no|nothing|cannot)\b")
REASONS = _SIEVE.sign(
    r"[=≈]|^\W*(since|so|therefore|because|thus|if|while|unfortunately|sorry|i|we|you)\b|\b(who|which|those|even)\b"
    r"|\b(can't|cannot) (determine|say|tell|know|be sure)\b"
    r"|\b(doesn't|does not|don't) (tell|help|say|give|mention|specify|depend|matter|know)\b"
)
DISPLAY = _SIEVE.sign(
    r"\b((so )?to (confirm|recap|sum up)|got it straight|you asked|you told me|you said"
    r"|(if|as) i understand|we had|we'd got|in other words)\b"
    r"|^\W*(meaning|so far)\b|^\W*so: |\bso far\W*$"
    r"|^\W*((so|ok|okay|right|got it|understood|alright|thanks|thank you)\W+)?you"
    r"('d| would)? (like|want)\b"
)
RESULT = _SIEVE.sign(
    r"[=≈→]|\b(that's|that is|makes|leaving|leaves|comes to|answer is|total is|it's|so|thus)\b"
    r"[^.?!]{0,40}\d|\w: \W{0,2}\d|^\W*(then|so) i'(ll|ve)\b"
)
VERB = _SIEVE.sign(
    r"\b(is|are|was|can|be|have|has|says?|would|will|means?|to|let's)\b|'(d|ll|ve)\b"
)
CODE = _SIEVE.sign(r"[_=\[\]{};<>]")
SUPPOSED = _SIEVE.sign(
    r"^\W*if\b|\bwould have been\b|\b(don't|do not|can't|cannot) (know|determine|say|tell)\b"
)
ADVICE = _SIEVE.sign(
    r"^\W*(write|use|include|try|run|check|call|set)\b|\bso (i'd|you|your|there|no)\b"
)
FILLER = _SIEVE.sign(
    r"^\W*$|^\W*\d+\W*$|^\W*(hey|hi|hello|you're welcome|welcome|glad|happy|hope|enjoy|anytime"
    r"|sounds|good luck|lovely|ha|i'm (so )?sorry|sorry|i'll keep|let's see|there's nothing"
    r"|agree to|just checking|please (disregard|ignore)|here (are|is)|here's"
    r"|(good ?)?bye|see you|take care|have a (nice|great|good)|nice (playing|talking)|i can help"
    r"|i('d| would) be (happy|glad))\b"
)
BESIDE: Mapping[str, Sign] = MappingProxyType(
    {
        "topic_return": _SIEVE.sign(
            r"\b((back|return\w*|revert\w*) to (the|our|your|that|what)|as for the|as regards"
            r"|re your|on the subject of|let's (revisit|return|get back|go back|pick up|resume)"
            r"|where (we|were we)|we'd (got|left|set|parked)|we were (in the middle|talking|on)"
            r"|you were (telling|asking|saying)|earlier,? you (asked|mentioned|wanted)"
            r"|your (original|earlier|first) question|(circling|coming|going|getting) back"
            r"|picking up|resuming|(we )?left (off|hanging))\b"
        ),
        "presume": _SIEVE.sign(
            r"\b(assum(e|ed|ing)|presumably|(i'm )?guessing|i('ve| have)? (took|taken|went with"
            r"|gone with|picked|chose|chosen|treated|interpreted|answered for)|i'm (reading"
            r"|treating|taking)|(the|by) default|customary|(since|as) you (didn't|haven't)"
            r"|you (didn't|haven't) (name|say|said|specif)\w*)\b|^\W*unless\b"
        ),
    }
)

"""The paragraph: what a study found, said by its numbers, whichever way they point.

The premise is that more conversation in the data would not have done, and that it takes another
objective. The paragraph says where that holds and where it does not; "does" and "does not" are
only said where a 95% interval leaves out 0.

Pure: this module knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from uptake.study.sums import Estimate, Group, less, relative
from uptake.train.dialogue import MODES

__all__ = ["PUBLISHED", "paragraph"]

PUBLISHED = -0.775
"""How much rarer grounding acts are in models than in people (arXiv 2311.09144): drawn in."""

DATA = {
    "monologic": "monologues",
    "natural": "dialogue at people's rates",
    "dense": "dense dialogue",
}


def paragraph(groups: Mapping[str, Group]) -> str:
    """What was found, in a paragraph; only of what was measured."""
    base = groups.get("base")
    if base is None:
        return "The base was not measured: nothing can be compared with it yet."
    parts = [
        f"From a base of skill {base.skill()} (mean of {len(base.skills)} probes, "
        f"{base.instructions} instructions each)."
    ]
    ladders = _ladders(groups)
    parts += [_amount(mode, ladder, base) for mode, ladder in ladders.items()]
    parts += _losses(ladders, base)
    for name, words in (
        ("mediator", "the mediator without training"),
        ("reward", "relational reward"),
        ("distil", "FULL-view self-distillation"),
    ):
        if name in groups:
            parts.append(_against(words, groups[name], base))
    parts += _distilled(groups, base)
    parts += _preferences(groups)
    parts += _verdict(groups, ladders)
    return " ".join(parts)


def _ladders(groups: Mapping[str, Group]) -> dict[str, list[Group]]:
    """The groups under next-token training by mode, from the least to the most data."""
    found: dict[str, list[Group]] = {}
    for mode in dict.fromkeys([*MODES, *(g.arm.mode for g in groups.values() if g.arm.mode)]):
        some = [g for g in groups.values() if g.arm.objective == "tokens" and g.arm.mode == mode]
        if some:
            found[mode] = sorted(some, key=lambda group: group.arm.amount)
    return found


def _amount(mode: str, ladder: Sequence[Group], base: Group) -> str:
    """What the next token of a mode's conversations taught, and whether more of it taught more."""
    words = DATA.get(mode, f"the corpus ({mode})")
    most = ladder[-1]
    change = less(most, base)
    text = (
        f"Next-token training on {words} {_moved(change)} the skill: {most.skill()} at "
        f"{most.arm.amount}x, {_signed(change)} against the base"
    )
    if len(ladder) > 1:
        grown = less(most, ladder[0])
        more = {1: "more of it taught more", 0: "more of it made no clear difference"}
        verdict = more.get(_sign(grown), "more of it taught less")
        text += f"; {verdict} ({_signed(grown)} from {ladder[0].arm.amount}x)"
    return f"{text}. {_skills(most, base)}"


def _skills(group: Group, base: Group) -> str:
    """Which single skills went clearly up and which down."""
    changes = {name: less(group, base, (name,)) for name in base.skills}
    up = [f"{name} {_signed(c)}" for name, c in changes.items() if _sign(c) > 0]
    down = [f"{name} {_signed(c)}" for name, c in changes.items() if _sign(c) < 0]
    return f"Up: {', '.join(up) or 'none'}; down: {', '.join(down) or 'none'}."


def _losses(ladders: Mapping[str, Sequence[Group]], base: Group) -> list[str]:
    """Whether what predicts conversation better also keeps it better."""
    found: list[str] = []
    for mode, ladder in ladders.items():
        most, before, after = ladder[-1], base.loss(mode), ladder[-1].loss(mode)
        if before is None or after is None or mode == "monologic":
            continue
        missing = less(most, base, ("missing",))
        found.append(
            f"Meanwhile the held-out loss on {DATA.get(mode, mode)} went from {before:.2f} to "
            f"{after:.2f} nats a token, and asking when needed, less asking when not, "
            f"{_moved(missing, 'rose', 'fell')} ({_signed(missing)})."
        )
    return found


def _against(words: str, group: Group, base: Group) -> str:
    change = less(group, base)
    begin = words[0].upper() + words[1:]
    return (
        f"{begin} {_moved(change)} the skill: {group.skill()}, {_signed(change)}. "
        f"{_skills(group, base)}"
    )


def _distilled(groups: Mapping[str, Group], base: Group) -> list[str]:
    group = groups.get("distil")
    if group is None:
        return []
    over, once = group.mean(("lost",)), group.mean(("full",))
    kept = over.value / once.value if once.value else float("nan")
    fell = less(group, base, ("full",))
    return [
        f"Distilled, what is told over turns keeps {kept:.0%} of what is told at once (asked for: "
        f"92%), and what is told at once {_moved(fell, 'rose', 'fell')} "
        f"({_signed(fell)})."
    ]


def _preferences(groups: Mapping[str, Group]) -> list[str]:
    """What preferring direct answers did to asking, at each rate, beside the control."""
    found: list[str] = []
    for group in sorted(groups.values(), key=lambda g: (g.arm.start, g.arm.where, g.arm.rate)):
        steps = group.steps()
        if group.arm.objective != "dpo" or not steps:
            continue
        change = relative(group, steps[-1], "asks")
        if change is None:
            continue
        where = "everywhere" if group.arm.where == "all" else "on complete requests only"
        found.append(
            f"{where} at {group.arm.rate:g}: {change.value:+.0%} "
            f"[{change.low:+.0%}, {change.high:+.0%}] after {steps[-1]} steps"
        )
    if not found:
        starts = [g for g in groups.values() if g.arm.objective == "dpo"]
        return ["Preferring direct answers had no asking to take from the base."] if starts else []
    return [
        "Preferring direct answers to questions changed how often the taught model asks when "
        f"something is missing, {'; '.join(found)} (published for people against models: "
        f"{PUBLISHED:+.1%})."
    ]


def _verdict(groups: Mapping[str, Group], ladders: Mapping[str, Sequence[Group]]) -> list[str]:
    """Whether the premise stands: no amount of data does what another objective does."""
    others = [groups[name] for name in ("reward", "distil") if name in groups]
    if not others or not ladders:
        return []
    best = max(others, key=lambda group: group.skill().value)
    found: list[str] = []
    for mode, ladder in ladders.items():
        most = ladder[-1]
        gap = less(best, most)
        words = f"{DATA.get(mode, mode)} at {most.arm.amount}x"
        name = {"reward": "relational reward", "distil": "self-distillation"}[best.arm.objective]
        if _sign(gap) > 0:
            found.append(f"{words} stays below {name} ({_signed(gap)}): the premise holds there")
        elif _sign(gap) < 0:
            found.append(
                f"{words} comes out above {name} ({_signed(gap)}): this contradicts the premise"
            )
        else:
            found.append(
                f"{words} cannot be told from {name} ({_signed(gap)}): the premise is not shown"
            )
    return [f"{'; '.join(found)}."]


def _moved(change: Estimate, up: str = "raised", down: str = "lowered") -> str:
    return {1: up, -1: down, 0: "did not clearly move"}[_sign(change)]


def _sign(change: Estimate) -> int:
    return 0 if not change.clear else 1 if change.value > 0 else -1


def _signed(change: Estimate) -> str:
    return f"{change.value:+.2f} [{change.low:+.2f}, {change.high:+.2f}]"

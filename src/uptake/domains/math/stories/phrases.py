"""What several stories say alike."""

from __future__ import annotations

from uptake.domains.math.stories.forms import Forms, forms

__all__ = ["ALL", "ASK", "LEAD", "MONEY", "NOW", "WHEN", "has", "lasting", "starts"]

LEAD = "[|Then |Later |After that, ]"
WHEN = "[now|in the end|at the end]"
ASK = "[Find|Work out|Tell me]"
NOW = (
    f"How many {{T}} does {{A}} have {WHEN}?",
    f"How many {{T}} are left with {{A}} {WHEN}?",
    f"{ASK} [how many|the number of] {{T}} {{A}} has {WHEN}.",
)
ALL = (f"How many {{T}} does {{A}} have in all {WHEN}?", "How many {T} does {A} have in all?")
MONEY = tuple(pattern.replace("{T}", "dollars") for pattern in NOW)


def has(thing: str) -> Forms:
    """How it is said that somebody has so many of a thing."""
    return forms(
        f"{{A}} [has|owns|keeps] {{v}} {thing}.",
        f"[At home|Today], {{A}} [has|owns|keeps] {{v}} {thing}.",
        f"There are {{v}} {thing} in the [room|house] of {{A}}.",
        f"In the [room|house] of {{A}} there are {{v}} {thing}.",
        f"{{A}} [has|owns|keeps] {{v}} {thing} in the [room|house].",
    )


def starts(thing: str) -> Forms:
    """How it is said that somebody begins with so many of a thing."""
    return forms(
        f"{{A}} [has|owns|keeps] {{v}} {thing} [at first|at the start|to begin with].",
        f"[At first|At the start|To begin with], {{A}} [has|owns|keeps] {{v}} {thing}.",
        f"{{A}} [starts|begins] with {{v}} {thing}.",
    )


def lasting(unit: str) -> Forms:
    """How it is said that somebody works for so many days or hours."""
    return forms(
        f"{{A}} works for {{v}} {unit}.",
        f"{{A}} works [|for ]{{v}} {unit}[| in a row].",
        f"The work [of {{A}} takes|takes {{A}}] {{v}} {unit}.",
        f"For {{v}} {unit}[| in a row], {{A}} [works|is at work].",
        f"{{A}} is at work for {{v}} {unit}[| in a row].",
        f"{{A}} [does|keeps doing] [this|that] for {{v}} {unit}[| in a row].",
    )

"""A chat in the terminal: what is typed, what is shown beside it, and what the commands do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from uptake.conversation import Conversation
from uptake.mediator import Mediator
from uptake.model import Model, ModelError, Sampling, Scripted
from uptake.talk import COMMANDS, talk


def chat(model: Model, *lines: str) -> str:
    """Everything on the screen after these lines and Ctrl-D."""
    typed: Iterator[str] = iter(lines)

    def read() -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    console = Console(width=120, file=StringIO())
    asyncio.run(talk(model, Sampling(), console, read))
    return console.file.getvalue()


def echo(talk: Conversation) -> str:
    return f"You said: {talk.messages[-1].text!r}, the {len(talk)}th."


TOLD = ("How many apples do Ann and Ben have?", "Ann has 12 apples.", "Ben has 5 apples.")


def test_a_bare_model_gets_the_conversation_as_it_was_typed() -> None:
    screen = chat(Scripted(echo), "Hello.", "", "And again.")
    assert "You said: 'Hello.', the 1th." in screen
    assert "You said: 'And again.', the 3th." in screen


def test_beside_a_mediated_reply_stand_the_move_and_what_is_new() -> None:
    screen = chat(Mediator(Scripted(echo)), *TOLD, "Sorry, I meant Ann has 10 apples.")
    assert "repair" in screen
    assert "− Ann has 12 apples." in screen
    assert "+ Ann has 10 apples." in screen


def test_sent_shows_what_the_model_got() -> None:
    screen = chat(Mediator(Scripted(["Fine."])), *TOLD, "/sent")
    assert "How many apples do Ann and Ben have?\n- Ann has 12 apples.\n- Ben has 5" in screen


def test_undo_takes_the_turn_back_and_new_begins_again() -> None:
    screen = chat(Scripted(echo), "One.", "/undo", "Two.", "/new", "Three.", "/undo", "/undo")
    assert "'Two.', the 1th" in screen
    assert "'Three.', the 1th" in screen
    assert "nothing was said yet" in screen


def test_quit_ends_and_help_lists_every_command() -> None:
    screen = chat(Scripted(echo), "/help", "/quit", "Never.")
    assert all(name in screen for name in COMMANDS)
    assert "Never." not in screen


def test_ground_needs_a_mediator_and_an_unknown_command_says_so() -> None:
    screen = chat(Scripted(echo), "Hello.", "/ground", "/grund")
    assert "begin with --mediated" in screen
    assert "no command is called /grund" in screen


def test_a_reply_that_fails_is_one_line_and_the_turn_may_be_said_again() -> None:
    failing = Scripted([ModelError("429: too many requests")])
    screen = chat(failing, "Hello.", "Hello.")
    assert screen.count("no reply: 429: too many requests") == 2


def test_a_model_that_can_never_reply_ends_the_chat() -> None:
    with pytest.raises(ModelError, match="401"):
        chat(Scripted([ModelError("401: no such key", fatal=True)]), "Hello.")


def test_words_are_shown_as_they_are_not_read_as_markup() -> None:
    assert "[red]x[/red]" in chat(Scripted(["[red]x[/red]"]), "Hello.")

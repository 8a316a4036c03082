"""Talk to a model in the terminal, with the common ground and the move beside the chat.

What the user types is one turn; a line that starts with a slash is a command (`COMMANDS`). The
model may be mediated: then each turn shows what changed in the ledger, the move with its reason,
and on request what the model was sent.

This module knows nothing of how a reply comes about, or of the command line's options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from uptake.conversation import Conversation
from uptake.ground import CommonGround, Entry
from uptake.mediator import MediatedReply, Mediation
from uptake.model import Model, ModelError, Reply, Sampling
from uptake.seeds import stable_seed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

__all__ = ["COMMANDS", "Talk", "talk"]

COMMANDS: Mapping[str, str] = {
    "/ground": "all that holds, and what no longer does",
    "/sent": "what the model was sent for its last reply",
    "/undo": "take the last turn back",
    "/new": "begin another conversation",
    "/help": "these commands",
    "/quit": "end; so does Ctrl-D",
}

_MARKS = {"active": "+", "pending": "?", "superseded": "−", "withdrawn": "−"}
_COLOURS = {"active": "green", "pending": "magenta", "superseded": "red", "withdrawn": "red"}


@dataclass
class Talk:
    """One conversation as it goes on: what was said, and what was done for the last reply."""

    model: Model
    sampling: Sampling = field(default_factory=Sampling)
    said: Conversation = field(default_factory=Conversation)
    last: Mediation | None = None

    async def turn(self, words: str) -> Reply:
        """The model's reply to one more turn of the user's, kept. Raises ModelError."""
        asked = self.said.user(words)
        seed = stable_seed(self.sampling.seed, "talk", len(asked))
        reply = await self.model.reply(asked, replace(self.sampling, seed=seed))
        self.said = asked.add(reply.message)
        self.last = reply.mediation if isinstance(reply, MediatedReply) else None
        return reply

    def undo(self) -> bool:
        """Take back the last turn and its reply; False where there is none."""
        if len(self.said) < 2:
            return False
        self.said, self.last = Conversation(self.said.messages[:-2]), None
        return True


async def talk(model: Model, sampling: Sampling, console: Console, read: Callable[[], str]) -> None:
    """Talk until the user has had enough. `read` gives the next line, or raises EOFError.

    A reply that fails is one line, and the turn may be said again.

    Raises:
        ModelError: fatal, so that no later reply could be had either.
    """
    now = Talk(model, sampling)
    console.print(f"[dim]{model.name}; /help lists the commands[/dim]")
    while True:
        try:
            line = read().strip()
        except EOFError:
            return
        if line == "/quit":
            return
        if line.startswith("/"):
            _command(line, now, console)
        elif line:
            try:
                reply = await now.turn(line)
            except ModelError as error:
                if error.fatal:
                    raise
                console.print(f"[red]no reply:[/red] {error}")
            else:
                console.print(_beside(reply.text, now))


def _command(line: str, now: Talk, console: Console) -> None:
    if line == "/new":
        now.said, now.last = Conversation(), None
        console.print("[dim]a new conversation[/dim]")
    elif line == "/undo":
        console.print("[dim]taken back[/dim]" if now.undo() else "[dim]nothing was said yet[/dim]")
    elif line == "/ground":
        console.print(_ledger(now.last.reading.ground) if now.last else _nothing(now))
    elif line == "/sent":
        console.print(_sent(now.last) if now.last else _nothing(now))
    else:
        if line != "/help":
            console.print(f"[red]no command is called {line.split()[0]}[/red]")
        for name, what in COMMANDS.items():
            console.print(f"  {name:8} {what}")


def _nothing(now: Talk) -> str:
    if getattr(now.model, "mediated", False):
        return "[dim]nothing was said yet[/dim]"
    return "[dim]the model is not mediated: begin with --mediated[/dim]"


def _beside(words: str, now: Talk) -> RenderableType:
    """The reply; beside it the move, why, and what changed in the ledger."""
    from rich.table import Table
    from rich.text import Text

    said = Text(words, style="bold")
    if now.last is None:
        return said
    move = now.last.move
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=3)
    table.add_column(ratio=2)
    notes = Text()
    notes.append(move.name, style="bold cyan")
    notes.append(f"  {move.why}\n", style="dim")
    for entry in _news(now.last.reading.ground):
        notes.append_text(_line(now.last.reading.ground, entry))
    if now.last.reading.note:
        notes.append(f"{now.last.reading.note}\n", style="magenta")
    notes.append(f"{now.last.ms:.1f} ms", style="dim")
    if now.last.tokens:
        notes.append(f", {now.last.tokens} tokens to read it", style="dim")
    table.add_row(said, notes)
    return table


def _news(ground: CommonGround) -> list[Entry]:
    """What the last turn added, and what it changed."""
    last = len(ground.turns) - 1
    new = {entry.id for entry in ground.entries if entry.span.turn == last}
    return [
        entry
        for entry in ground.entries
        if entry.id in new or entry.by in new or any(strike.by in new for strike in entry.struck)
    ]


def _line(ground: CommonGround, entry: Entry) -> Text:
    from rich.text import Text

    line = Text(f"{_MARKS[entry.status]} ", style=_COLOURS[entry.status])
    gone = entry.status in ("superseded", "withdrawn")
    line.append(ground.wording(entry), style="dim strike" if gone else "")
    line.append(f"  {entry.kind}", style="dim")
    if len(ground.topics) > 1:
        line.append(f", topic {entry.topic + 1}", style="dim")
    return line.append("\n")


def _ledger(ground: CommonGround) -> RenderableType:
    from rich.text import Text

    text = Text()
    for entry in ground.entries:
        text.append_text(_line(ground, entry))
    return text


def _sent(done: Mediation) -> RenderableType:
    from rich.text import Text

    if done.sent is None:
        return Text("nothing: the move itself was the reply", style="dim")
    text = Text()
    for message in done.sent:
        text.append(f"{message.role}  ", style="bold cyan").append(f"{message.written}\n")
    return text

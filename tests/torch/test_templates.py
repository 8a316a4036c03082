"""Chat templates in use, put on the tokenizer that ships: what carries loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_templates import FORMS, Form, put_on
from transformers import AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.train.course import opened
from uptake.train.examples import IGNORED, sft_row
from uptake.train.methods import GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Drawn, roll
from uptake.train.tasks import Tasks

REPLIES = ("I see one thing.", "And I see another.", "So the answer is 7.")


def saying(tokenizer: Any, end: int) -> Any:
    """A sampler that says the replies in turn, the last again and again."""
    turns = iter([*REPLIES, *[REPLIES[-1]] * 20])

    def draw(prompts: Sequence[Sequence[int]]) -> list[Drawn]:
        tokens = (*tokenizer(next(turns), add_special_tokens=False)["input_ids"], end)
        return [Drawn(tokens, (-0.5,) * len(tokens)) for _ in prompts]

    return draw


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_replies_and_their_ends_carry_loss_and_nothing_else(form: Form) -> None:
    tokenizer = put_on(form)
    coder = Coder(tokenizer)
    assert tokenizer.convert_ids_to_tokens(coder.end) == form.end
    task = Tasks("math").of("lost.sharded", 1, "scripted")
    (one,) = roll([task], coder, saying(tokenizer, coder.end), room=4000)
    assert one.episode is not None
    (row,) = one.sequences
    marked = list(zip(row.completion, row.mask, strict=True))
    said = [turn.reply for turn in one.episode.turns]
    drew = tokenizer.decode([token for token, mine in marked if mine])
    assert drew == "".join(f"{reply}{form.end}" for reply in said)
    heard = tokenizer.decode([token for token, mine in marked if not mine])
    assert all(turn.user in heard for turn in one.episode.turns[1:])
    assert not any(reply in heard for reply in REPLIES)
    chat = one.episode.conversation().to_dicts()
    if form.keeps:  # the tokens are those that a server with this template would read
        whole = tokenizer.apply_chat_template(chat, tokenize=False)
        assert whole.startswith(tokenizer.decode(row.all))
    # SFT learns the same tokens of the same chat, and no others.
    learned = sft_row(coder, chat)
    labels = [token if mine else IGNORED for token, mine in marked]
    assert learned == {"input_ids": row.all, "labels": [IGNORED] * len(row.prompt) + labels}


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{% for m in messages %}{{ m.content }", "cannot tell a conversation"),
        ("{{ raise_exception('no second turn') if messages | length > 1 }}", "no second turn"),
        ("{{ messages[0].missing.content }}", "cannot tell a conversation"),
        ("{{ messages[-1].content }}", "leaves out what was said before"),
        ("{% for m in messages if m.role == 'assistant' %}{{ m.content }}{% endfor %}", "leaves"),
    ],
)
def test_a_template_that_tells_no_conversation_is_one_clear_line(
    template: str, line: str, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text((WEIGHTS / "config.json").read_text())
    with pytest.raises(RecipeError, match=line):
        opened(GRPORecipe(model=str(tmp_path)))

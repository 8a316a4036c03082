"""Chat templates in use, written down here from their documented form: what carries loss.

Each is put on the tokenizer that ships, with its special tokens and its end of a text as they are
in the models that use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from uptake.embedded.model import WEIGHTS
from uptake.train.course import opened
from uptake.train.examples import IGNORED, sft_row
from uptake.train.methods import GRPORecipe
from uptake.train.recipe import RecipeError
from uptake.train.rollout import Coder, Drawn, roll
from uptake.train.tasks import Tasks

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
)
TURN = "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"


@dataclass(frozen=True)
class Form:
    """A template, its special tokens, its tokenizer's end of a text, and its end of a reply."""

    template: str
    special: tuple[str, ...]
    eos: str
    end: str
    keeps: bool = True  # whether earlier replies are told as they were drawn


FORMS = {
    "chatml": Form(
        CHATML + "{% endif %}", ("<|im_start|>", "<|im_end|>"), "<|im_end|>", "<|im_end|>"
    ),
    "qwen3": Form(  # without thinking, a reply begins behind an empty thought
        CHATML
        + "{% if enable_thinking is defined and not enable_thinking %}"
        + "<think>\n\n</think>\n\n{% endif %}{% endif %}",
        ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
        "<|im_end|>",
        "<|im_end|>",
        keeps=False,
    ),
    "qwen3 base": Form(  # whose tokenizer ends a text by another token
        CHATML + "{% endif %}",
        ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
        "<|endoftext|>",
        "<|im_end|>",
    ),
    "llama 3": Form(
        "<|begin_of_text|>{% for m in messages %}" + TURN + "{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n"
        "{% endif %}",
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "<|eot_id|>",
    ),
    "gemma": Form(
        "<bos>{% for m in messages %}<start_of_turn>"
        "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        "<eos>",
        "<end_of_turn>",
    ),
    "mistral": Form(
        "<s>{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
        "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}",
        ("<s>", "</s>", "[INST]", "[/INST]"),
        "</s>",
        "</s>",
    ),
    "phi 3": Form(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% else %}<|endoftext|>{% endif %}",
        ("<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
        "<|endoftext|>",
        "<|end|>",
    ),
}
REPLIES = ("I see one thing.", "And I see another.", "So the answer is 7.")


def put_on(form: Form) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.add_special_tokens({"extra_special_tokens": list(form.special)})
    tokenizer.eos_token = form.eos
    tokenizer.chat_template = form.template
    return tokenizer


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

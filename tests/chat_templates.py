"""Chat templates in use, written down here from their documented form, to be put on a tokenizer.

Each has its special tokens and its end of a text as they are in the models that use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import AutoTokenizer

from uptake.embedded.model import WEIGHTS

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


def put_on(form: Form) -> Any:
    """The tokenizer that ships, with another template."""
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.add_special_tokens({"extra_special_tokens": list(form.special)})
    tokenizer.eos_token = form.eos
    tokenizer.chat_template = form.template
    return tokenizer

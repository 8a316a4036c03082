"""Partners of known skill: models that know the instructions and do the right thing so often.

What a probe says of them is known beforehand, so they show whether its figures mean what they
claim (a known-groups test).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from uptake.conversation import Conversation
from uptake.instruction import Instruction
from uptake.model import Reply, Sampling, Scripted
from uptake.seeds import stable_seed


class Partner(Scripted):
    """With probability `skill` a good partner: asks for what it needs to know, or else answers.

    Otherwise it answers at once, with a number that is right only where nothing was missing. The
    dice are thrown by the seed of the first reply.
    """

    def __init__(self, instructions: Sequence[Instruction], skill: float) -> None:
        self._instructions = instructions
        self._skill = skill
        super().__init__(lambda conversation: "", name=f"partner:{skill}")

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        said = conversation.said_by("user")
        heard = "\n".join(said)
        instruction = max(
            self._instructions, key=lambda i: sum(shard.text in heard for shard in i.shards)
        )
        unsaid = [shard for shard in instruction.shards if shard.needed and shard.text not in heard]
        # A later turn is only ever reached by one who asked.
        dice = Random(stable_seed(sampling.seed, "dice"))
        good = len(said) > 1 or dice.random() < self._skill
        if unsaid and good:
            text = f"Could you tell me {unsaid[0].quantity}?"
        else:
            text = f"The answer is {instruction.answer if not unsaid else 12}."
        return await Scripted([text]).reply(conversation, sampling)

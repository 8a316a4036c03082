"""Every installed probe as a task of Inspect: `inspect eval uptake/lost --model openai/gpt-4o`.

Inspect finds this module by its entry point `inspect_ai`. It brings the model, and with it
retries, caching, concurrency and the log; scenarios, user, verifier and figures are those of
`uptake probe`. A sample is a scenario, an epoch a repeat. The other way round, whatever
`--model` of uptake takes is a model of Inspect's as `uptake/NAME`.

Needs the extra `inspect`. This module knows nothing of logs (`inspect_log` reads them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import takewhile
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    get_model,
    modelapi,
)
from inspect_ai.model import Model as InspectModel
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    Value,
    metric,
    scorer,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolChoice, ToolInfo

from uptake.bridges.inspect_log import EPISODE, SETTINGS
from uptake.conversation import Conversation, Message
from uptake.episode import RULES, Episode, play
from uptake.model import ModelError, Reply, Sampling, Scripted, Usage
from uptake.models import model as open_model
from uptake.probes import metrics, names
from uptake.run import Setup, setup
from uptake.scenario import Scenario
from uptake.scores import Row, rows
from uptake.show import outcome

__all__ = ["Inspected", "Uptake", "conversation", "figures", "tasks", "verdict"]

FIGURES = ("kept", "mean", "a90", "u90_10")
"""What is shown of every probe, after its own headlines; Inspect's progress shows the first."""

FINISHED = {"max_tokens": "length", "model_length": "length"}
STOPPED: dict[str, StopReason] = {"length": "max_tokens", "content_filter": "content_filter"}
"""Why a reply ended, in Inspect's words and in ours, where they differ from "stop"."""


# A probe as a task


def tasks() -> dict[str, Callable[..., Task]]:
    """A task for each installed probe, by the probe's name; those of other packages included."""
    return {name: task(name=name)(_task_of(name)) for name in names()}


def _task_of(probe: str) -> Callable[..., Task]:
    def make(
        domain: str | None = None,
        instructions: str | None = None,
        n: int = 100,
        repeats: int = 10,
        seed: int = 0,
        conditions: str | list[str | int] | None = None,
    ) -> Task:
        """The probe on instructions of a `domain` or of a file, as `uptake probe` plays it."""
        told = conditions if isinstance(conditions, list) else str(conditions or "").split(",")
        only = tuple(str(each) for each in told if each != "")
        asked = (probe, domain, instructions, n, repeats, seed, only)
        plan = _ready(*asked).plan
        return Task(
            dataset=MemoryDataset(
                [_sample(probe, scenario) for _, scenario in plan.scenarios], name=plan.source
            ),
            solver=conversation(*asked),
            scorer=verdict(),
            epochs=repeats,
            config=GenerateConfig(
                temperature=plan.sampling.temperature, max_tokens=plan.sampling.max_tokens
            ),
            metadata={SETTINGS: plan.settings()},
        )

    return make


@cache
def _ready(
    probe: str,
    domain: str | None,
    instructions: str | None,
    n: int,
    repeats: int,
    seed: int,
    conditions: tuple[str, ...],
) -> Setup:
    """The plan of `uptake probe` with these settings; Inspect brings the model that it lacks."""
    return setup(
        (probe,),
        model=Scripted([""], name="inspect"),
        domain=domain,
        instructions=instructions,
        n=n,
        repeats=repeats,
        seed=seed,
        conditions=conditions,
        controls=False,
    )


def _sample(probe: str, scenario: Scenario) -> Sample:
    opening = Conversation() if scenario.system is None else Conversation().system(scenario.system)
    return Sample(
        id=_sample_id(scenario),
        input=[_recorded(message) for message in opening.user(scenario.turns[0].text)],
        target=scenario.wanted(len(scenario.turns)).answer,
        metadata={
            "probe": probe,
            "domain": scenario.instruction.domain,
            "instruction_id": scenario.instruction.id,
            "condition": scenario.condition,
            "needed_shards": len(scenario.instruction.needed),
        },
    )


def _sample_id(scenario: Scenario) -> str:
    one = scenario.instruction
    name = one.id if one.id.startswith(f"{one.domain}/") else f"{one.domain}/{one.id}"
    return f"{name}/{scenario.condition}"


@solver
def conversation(
    probe: str,
    domain: str | None,
    instructions: str | None,
    n: int,
    repeats: int,
    seed: int,
    conditions: Sequence[str],
) -> Solver:
    """Plays the scenario of each sample; the settings are those of the task, which makes it."""
    ready = _ready(probe, domain, instructions, n, repeats, seed, tuple(conditions))
    told = {_sample_id(scenario): scenario for _, scenario in ready.plan.scenarios}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        scenario = told[str(state.sample_id)]
        model = Inspected(get_model(), state)
        try:
            episode = await play(
                scenario,
                model,
                verify=ready.verify[scenario.instruction.domain],
                repeat=state.epoch - 1,
                seed=seed,
                sampling=ready.plan.sampling,
                probe=probe,
            )
        except ModelError as error:
            failure = model.failure or error
            raise failure from failure.__cause__
        if episode.error is not None:
            raise RuntimeError(episode.error)
        state.store.set(EPISODE, episode.to_dict())
        return state

    return solve


# Inspect's model, and what is said to it


class Inspected:
    """Inspect's model as an `uptake.model.Model`; what is said is kept in a sample's messages.

    Whatever Inspect raises is kept as `failure` and ends the episode, so that none is made of it:
    retries, limits and failures are Inspect's to deal with.
    """

    def __init__(self, model: InspectModel, state: TaskState) -> None:
        self.failure: Exception | None = None
        self._model = model
        self._state = state

    @property
    def name(self) -> str:
        """The model's name in Inspect; one that is uptake's own has the name it has there."""
        return str(self._model).removeprefix("uptake/")

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """The model's reply, drawn as the eval is configured, by the seed of this reply.

        Raises:
            ModelError: anything went wrong, or the reply is empty.
        """
        self._hear(conversation)
        heard = [_as_text(message) for message in self._state.messages]
        try:
            output = await self._model.generate(heard, config=GenerateConfig(seed=sampling.seed))
        except Exception as error:
            self.failure = error
            raise ModelError(str(error), fatal=True) from error
        self._state.output = output
        self._state.messages.append(output.message)
        reply = _reply(output)
        if not reply.message.written:
            raise ModelError(f"the reply is empty ({output.stop_reason})", fatal=True)
        return reply

    async def aclose(self) -> None:
        """Nothing to free: the model is Inspect's."""

    def _hear(self, conversation: Conversation) -> None:
        """Go on from what is recorded; where that is not what was said, what was said counts."""
        recorded, said = self._state.messages, conversation.messages
        alike = takewhile(
            lambda pair: (pair[0].role, pair[0].text) == (pair[1].role, pair[1].text),
            zip(recorded, said, strict=False),
        )
        kept = sum(1 for _ in alike)
        self._state.messages = [*recorded[:kept], *(_recorded(new) for new in said[kept:])]


def _recorded(message: Message) -> ChatMessage:
    if message.role == "system":
        return ChatMessageSystem(content=message.text)
    if message.role == "assistant":
        return ChatMessageAssistant(content=message.text, source="input")
    return ChatMessageUser(content=message.text)


def _as_text(message: ChatMessage) -> ChatMessage:
    """What a model reads of a message: its words, as in `uptake probe`, not what was thought."""
    if isinstance(message.content, str):
        return message
    return message.model_copy(update={"content": message.text})


def _reply(output: ModelOutput) -> Reply:
    calls = [
        {"function": {"name": call.function, "arguments": call.arguments}}
        for call in output.message.tool_calls or ()
    ]
    message = Message("assistant", output.message.text, {"tool_calls": calls} if calls else None)
    used = output.usage or ModelUsage()
    heard = (used.input_tokens, used.input_tokens_cache_read, used.input_tokens_cache_write)
    usage = Usage(sum(n or 0 for n in heard), used.output_tokens, used.total_cost)
    return Reply(message, FINISHED.get(output.stop_reason, output.stop_reason), usage)


# Scores and figures


@metric(scores="unreduced")
def figures() -> Metric:
    """Mean, A90, U90−10, kept and the probe's headlines, by `uptake.scores`, from every epoch.

    Named METRIC:CONDITION, as gates are. Where figures are withheld there, they are left out.
    """

    def calculate(scores: list[SampleScore]) -> Value:
        played = [
            Episode.from_dict(score.score.metadata[EPISODE])
            for score in scores
            if score.score.metadata and EPISODE in score.score.metadata
        ]
        own = metrics({episode.probe for episode in played})
        found = [row for row in rows(played, own) if row.score == "last"]
        heads = {(f.name, f.condition) for each in own.values() for f in each if f.headline}
        shown = [row for row in found if (row.metric, row.condition) in heads]
        shown += [row for metric in FIGURES for row in found if row.metric == metric]
        several = len({row.domain for row in found}) > 1
        return {_name(row, several): row.value for row in shown if row.value is not None}

    return calculate


def _name(row: Row, several: bool) -> str:
    name = f"{row.metric}:{row.condition}"
    return f"{row.domain}/{name}" if several else name


@scorer(metrics=[figures()], name="uptake")
def verdict() -> Scorer:
    """The score under each of the three rules, as the episode that was played has them."""

    async def score(state: TaskState, target: Target) -> Score:
        held = state.store.get(EPISODE)
        if held is None:
            return Score.unscored(explanation="The conversation was not played to its end.")
        episode = Episode.from_dict(held)
        return Score(
            value={rule: episode.score(rule) for rule in RULES},
            answer=episode.turns[-1].answer,
            explanation=f"{outcome(episode)}; wanted was {episode.gold}",
            metadata={EPISODE: held},
        )

    return score


# uptake's models in Inspect


@modelapi(name="uptake")
class Uptake(ModelAPI):
    """What `--model` of uptake takes, in Inspect: `uptake/embedded`, `uptake/policy:ask`."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **options: Any,
    ) -> None:
        """`options` are those of `uptake.models.model`.

        Raises:
            UptakeError: no such model, or one that cannot be opened.
        """
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self._model = open_model(model_name, **options)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002  (Inspect names it)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The model's reply; tools are not offered to it. Raises ModelError."""
        said = Conversation(tuple(Message(message.role, message.text) for message in input))
        drawn = Sampling()
        reply = await self._model.reply(
            said,
            Sampling(
                drawn.temperature if config.temperature is None else config.temperature,
                drawn.top_p if config.top_p is None else config.top_p,
                config.max_tokens or drawn.max_tokens,
                config.seed or drawn.seed,
            ),
        )
        message = ChatMessageAssistant(
            content=reply.message.written, model=self.model_name, source="generate"
        )
        used = reply.usage
        return ModelOutput(
            model=self.model_name,
            choices=[
                ChatCompletionChoice(
                    message=message, stop_reason=STOPPED.get(reply.finish_reason, "stop")
                )
            ],
            usage=ModelUsage(
                input_tokens=used.prompt_tokens,
                output_tokens=used.completion_tokens,
                total_tokens=used.prompt_tokens + used.completion_tokens,
                total_cost=used.cost,
            ),
        )

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


tasks()

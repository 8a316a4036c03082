"""uptake measures how much of a language model's ability survives a conversation.

>>> import uptake
>>> result = uptake.probe("lost", model="embedded", n=20)  # doctest: +SKIP
>>> result.value("kept")  # doctest: +SKIP

Names are loaded when they are first used, so that `import uptake` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uptake.api import Result, play, probe
    from uptake.conversation import Conversation, Message
    from uptake.domains import Domain, domain
    from uptake.episode import Episode, Turn
    from uptake.errors import UptakeError
    from uptake.instruction import Instruction, Shard, Verdict
    from uptake.instructions import read_instructions
    from uptake.mediator import MediatedReply, Mediation, Mediator
    from uptake.model import Model, ModelError, Reply, Sampling, Scripted, Usage
    from uptake.models import model as load_model
    from uptake.probes import Probe
    from uptake.run.record import episodes
    from uptake.scenario import CONDITIONS, Scenario, scenarios
    from uptake.scores import Row, rows
    from uptake.user import ModelUser, ScriptedUser, User

__all__ = [
    "CONDITIONS",
    "Conversation",
    "Domain",
    "Episode",
    "Instruction",
    "MediatedReply",
    "Mediation",
    "Mediator",
    "Message",
    "Model",
    "ModelError",
    "ModelUser",
    "Probe",
    "Reply",
    "Result",
    "Row",
    "Sampling",
    "Scenario",
    "Scripted",
    "ScriptedUser",
    "Shard",
    "Turn",
    "UptakeError",
    "Usage",
    "User",
    "Verdict",
    "domain",
    "episodes",
    "load_model",
    "play",
    "probe",
    "read_instructions",
    "rows",
    "scenarios",
]

_HOMES = {
    "api": "Result play probe",
    "conversation": "Conversation Message",
    "domains": "Domain domain",
    "episode": "Episode Turn",
    "errors": "UptakeError",
    "instruction": "Instruction Shard Verdict",
    "instructions": "read_instructions",
    "mediator": "MediatedReply Mediation Mediator",
    "model": "Model ModelError Reply Sampling Scripted Usage",
    "probes": "Probe",
    "run.record": "episodes",
    "scenario": "CONDITIONS Scenario scenarios",
    "scores": "Row rows",
    "user": "ModelUser ScriptedUser User",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "load_model":  # `uptake.model` is a module, so the function has a name of its own
        return import_module("uptake.models").model
    if name in _HOME:
        return getattr(import_module(f"uptake.{_HOME[name]}"), name)
    raise AttributeError(f"module 'uptake' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

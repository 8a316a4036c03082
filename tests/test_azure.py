"""Azure OpenAI against a real server, by both of its ways in."""

from __future__ import annotations

import asyncio

import pytest
from loopback import Loopback, error

from uptake.conversation import Conversation
from uptake.model import ModelError, Sampling
from uptake.models import model
from uptake.models.apis import Azure
from uptake.models.limits import Backoff
from uptake.models.providers import MissingKeyError

TALK = Conversation().user("How many apples?")
VARIABLES = (
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_AD_TOKEN",
    "AZURE_OPENAI_ENDPOINT",
    "OPENAI_API_VERSION",
    "OPENAI_API_KEY",
)
ANSWER = {
    "choices": [{"message": {"role": "assistant", "content": "12"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10},
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-not-for-others")


@pytest.fixture
def ask(monkeypatch):
    def asked(server, *, suffix="", **variables):
        async def scene():
            async with server.running():
                monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.root + suffix)
                for name, value in variables.items():
                    monkeypatch.setenv(name, value)
                endpoint = model("azure/my-deployment")
                endpoint._backoff = Backoff(2, first=0.0)
                try:
                    return await endpoint.reply(TALK, Sampling(max_tokens=9))
                finally:
                    await endpoint.aclose()

        return asyncio.run(scene())

    return asked


def test_a_version_takes_the_way_by_deployments(ask):
    server = Loopback(ANSWER)
    reply = ask(server, suffix="/", AZURE_OPENAI_API_KEY="k1", OPENAI_API_VERSION="2024-10-21")
    assert (reply.text, reply.usage.prompt_tokens) == ("12", 100)
    assert server.paths == [
        "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    ]
    assert server.headers[0]["api-key"] == "k1"
    assert "Authorization" not in server.headers[0]
    assert "not-for-others" not in str(server.headers[0])
    assert server.bodies[0]["messages"] == TALK.to_dicts()
    assert server.bodies[0]["max_tokens"] == 9


@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_without_a_version_it_is_the_undated_way(ask, suffix):
    server = Loopback(ANSWER)
    assert ask(server, suffix=suffix, AZURE_OPENAI_API_KEY="k1").text == "12"
    assert server.paths == ["/openai/v1/chat/completions"]
    assert server.bodies[0]["model"] == "my-deployment"
    assert server.headers[0]["Authorization"] == "Bearer k1"
    assert "not-for-others" not in str(server.headers[0])


@pytest.mark.parametrize("version", ["", "2024-10-21"])
def test_a_token_of_entra_id_is_a_bearer_token(ask, version):
    server = Loopback(ANSWER)
    keys = {"AZURE_OPENAI_API_KEY": "k1", "AZURE_OPENAI_AD_TOKEN": "t1"}
    ask(server, OPENAI_API_VERSION=version, **keys)
    assert server.headers[0]["Authorization"] == "Bearer t1"
    assert "k1" not in str(server.headers[0])


def test_a_server_on_this_machine_needs_no_key(ask):
    server = Loopback(ANSWER)
    ask(server, OPENAI_API_VERSION="2024-10-21")
    assert "api-key" not in server.headers[0]
    assert "Authorization" not in server.headers[0]


def test_a_missing_address_or_key_names_its_variable(monkeypatch):
    with pytest.raises(MissingKeyError, match="AZURE_OPENAI_ENDPOINT"):
        model("azure/my-deployment")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://box.example")
    with pytest.raises(MissingKeyError, match="AZURE_OPENAI_API_KEY"):
        model("azure/my-deployment")


def test_versions_are_different_things_to_ask():
    first, second = (Azure("https://box.example", version) for version in ("a", "b"))
    assert first.address != second.address


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (401, error("Access denied", code="401"), "refused .401.*set AZURE_OPENAI_API_KEY"),
        (404, error("no", code="DeploymentNotFound"), "no such model.*AZURE_OPENAI_ENDPOINT"),
    ],
)
def test_what_no_retry_can_mend_is_fatal_at_once(ask, status, body, line):
    server = Loopback((status, body))
    with pytest.raises(ModelError, match=line) as caught:
        ask(server, AZURE_OPENAI_API_KEY="k1", OPENAI_API_VERSION="2024-10-21")
    assert caught.value.fatal
    assert len(server.bodies) == 1


def test_a_filtered_request_fails_that_episode_alone(ask):
    filtered = error("The prompt was filtered", code="content_filter", param="prompt")
    with pytest.raises(ModelError, match=r"refused \(400\): The prompt was filtered") as caught:
        ask(Loopback((400, filtered)), AZURE_OPENAI_API_KEY="k", OPENAI_API_VERSION="2024-10-21")
    assert not caught.value.fatal


@pytest.mark.parametrize("status", [429, 500])
def test_a_passing_failure_is_tried_again(ask, status):
    busy = (status, error("busy"), {"retry-after": "0"})
    server = Loopback(busy, ANSWER)
    reply = ask(server, AZURE_OPENAI_API_KEY="k", OPENAI_API_VERSION="2024-10-21")
    assert reply.text == "12"
    assert len(server.bodies) == 2


def test_a_renamed_token_limit_is_found(ask):
    async def newer(request):
        if "max_tokens" in await request.json():
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, error(words, param="max_tokens", code="unsupported_parameter")
        return ANSWER

    server = Loopback(newer)
    ask(server, AZURE_OPENAI_API_KEY="k", OPENAI_API_VERSION="2024-10-21")
    assert server.bodies[-1]["max_completion_tokens"] == 9

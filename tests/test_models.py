from __future__ import annotations

from pathlib import Path

import pytest

from uptake.embedded.model import WEIGHTS
from uptake.errors import UptakeError
from uptake.model import Model, ModelError
from uptake.models import ACCEPTED, UnknownModelError, model
from uptake.models.endpoint import Endpoint
from uptake.models.policies import POLICIES
from uptake.models.prices import PRICES, Price, PriceError
from uptake.models.providers import PROVIDERS, MissingKeyError

# Azure has no address before it is told one (test_azure).
SETTLED = {name: provider for name, provider in PROVIDERS.items() if provider.base_url}
VARIABLES = {name for made in PROVIDERS.values() for name in (made.key, made.moved_by) if name}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("UPTAKE_API_KEY", *VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "gpt-4o",
        "nobody/model",
        "openai/",
        "openai",
        "hf:",
        "embedded:",
        "policy:brave",
        "Embedded",
        "a\nb",
    ],
)
def test_an_unknown_string_is_one_line_that_lists_what_is_accepted(spec):
    with pytest.raises(UnknownModelError) as caught:
        model(spec)
    line = str(caught.value)
    assert repr(spec) in line
    assert ACCEPTED in line
    assert "\n" not in line
    assert isinstance(caught.value, UptakeError | ValueError)
    for accepted in ("embedded", "openai", "ollama", "http://", "hf:", *POLICIES):
        assert accepted in line


def test_a_folder_of_the_embedded_kind_is_run_by_the_embedded_runtime(tmp_path):
    made = model(f"embedded:{WEIGHTS}")
    assert made.name == f"embedded:{WEIGHTS}"
    assert type(made) is type(model("embedded"))
    with pytest.raises(ModelError, match="give a Hugging Face folder"):
        model(f"embedded:{tmp_path}")


@pytest.mark.parametrize("spec", POLICIES)
def test_policies_go_by_their_names(spec):
    assert model(spec).name == spec
    assert isinstance(model(spec, rpm=5, price="1,2"), Model)


@pytest.mark.parametrize("provider", [name for name, made in SETTLED.items() if made.key])
def test_a_provider_takes_its_key_from_its_variable(provider, monkeypatch):
    variable = PROVIDERS[provider].key
    with pytest.raises(MissingKeyError, match=variable):
        model(f"{provider}/some/name")
    monkeypatch.setenv(variable, "k")
    made = model(f"{provider}/some/name")
    assert isinstance(made, Endpoint)
    assert made.name == f"{provider}/some/name"
    assert (made._model, made._api.key) == ("some/name", "k")
    assert made._api.kind == ("messages" if provider == "anthropic" else "chat")
    assert made._api.base_url == PROVIDERS[provider].base_url


@pytest.mark.parametrize("provider", [name for name, made in PROVIDERS.items() if not made.key])
def test_a_local_server_needs_no_key_and_costs_nothing(provider):
    made = model(f"{provider}/llama3.2:1b")
    assert made._api.key is None
    assert made.price == Price(0.0, 0.0)


def test_the_price_comes_from_the_table_or_from_the_caller(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert model("openai/gpt-4o-mini").price == PRICES["openai/gpt-4o-mini"]
    assert model("openai/gpt-unheard-of").price is None
    assert model("openai/gpt-4o-mini", price="1,2").price == Price(1.0, 2.0)
    assert model("openai/gpt-4o-mini", price=Price(3.0, 4.0)).price == Price(3.0, 4.0)
    with pytest.raises(PriceError):
        model("openai/gpt-4o-mini", price="cheap")


@pytest.mark.parametrize(
    ("spec", "base_url", "name"),
    [
        ("http://127.0.0.1:8000/v1#m", "http://127.0.0.1:8000/v1", "m"),
        ("http://127.0.0.1:8000/v1/#a/b", "http://127.0.0.1:8000/v1", "a/b"),
        ("http://box:8000#m", "http://box:8000/v1", "m"),
        ("https://[::1]/deep/api#m", "https://[::1]/deep/api", "m"),
    ],
)
def test_an_address_names_an_endpoint_and_a_model_there(spec, base_url, name):
    made = model(spec)
    assert (made.name, made._api.base_url, made._model) == (spec, base_url, name)
    assert made.price is None


@pytest.mark.parametrize(
    "spec", ["http://localhost:8000/v1", "http://#m", "http://box:port/v1#m", "http://[#m"]
)
def test_a_broken_address_says_what_is_expected(spec):
    with pytest.raises(UnknownModelError, match="HOST:PORT/v1#NAME"):
        model(spec)


def test_a_key_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(UnknownModelError, match="UPTAKE_API_KEY") as caught:
        model("http://user:secret@box/v1#m")
    assert "secret" not in str(caught.value)


def test_keys_go_only_where_they_belong(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "openai's")
    assert model("http://127.0.0.1:8000/v1#m")._api.key == "openai's"
    assert model("https://api.openai.com/v1#m")._api.key == "openai's"
    assert model("https://elsewhere.example/v1#m")._api.key is None
    assert model("https://api.groq.com/openai/v1#m")._api.key is None
    monkeypatch.setenv("UPTAKE_API_KEY", "mine")
    assert model("https://elsewhere.example/v1#m")._api.key == "mine"
    assert model("http://127.0.0.1:8000/v1#m")._api.key == "mine"
    assert model("https://api.openai.com/v1#m")._api.key == "openai's"


def test_a_key_from_a_file_loses_its_line_break(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k\n")
    assert model("openai/m")._api.key == "k"
    assert model("https://api.openai.com/v1#m")._api.key == "k"
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    with pytest.raises(MissingKeyError):
        model("openai/m")


def test_the_usual_variables_move_providers(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    assert model("openai/m")._api.base_url == "http://127.0.0.1:9/v1"
    for address in ("http://127.0.0.1:9", "http://127.0.0.1:9/v1/"):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        assert model("anthropic/m")._api.base_url == "http://127.0.0.1:9"
    for host, base_url in [
        ("box:1234", "http://box:1234/v1"),
        ("0.0.0.0", "http://localhost:11434/v1"),
        ("https://box:1/", "https://box:1/v1"),
    ]:
        monkeypatch.setenv("OLLAMA_HOST", host)
        assert model("ollama/m")._api.base_url == base_url


def test_a_folder_without_the_extra_or_without_a_model_says_which(tmp_path, monkeypatch):
    from uptake.models import local

    monkeypatch.setattr(local, "_installed", lambda name: False)
    with pytest.raises(
        ModelError, match=r"needs torch and transformers.*uptake\[train\]"
    ) as caught:
        model(f"hf:{tmp_path}")
    assert caught.value.fatal
    monkeypatch.setattr(local, "_installed", lambda name: True)
    with pytest.raises(ModelError, match=r"no config.json there") as caught:
        model(f"hf:{tmp_path}")
    assert caught.value.fatal


def test_the_docs_list_every_provider_with_its_key():
    page = Path(__file__).parent.parent / "docs" / "models.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    for name, provider in PROVIDERS.items():
        (line,) = (line for line in lines if line.startswith(f"| `{name}` |"))
        for word in (provider.key or "none", provider.moved_by):
            assert not word or word in line
    for policy in POLICIES:
        assert any(f"`{policy}`" in line for line in lines)

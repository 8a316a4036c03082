"""The decoder as an ONNX graph, built in memory from a config and its tensors.

Per layer: RMS norm, one matrix for queries, keys and values, rotary positions and attention over
the cache (ONNX Runtime's GroupQueryAttention), and a gated feed-forward. Weights are thus stored
once, in the safetensors file, and no `onnx` package is needed: the few messages of onnx.proto
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that a graph takes are written here.

One run takes one more token for each of some rows, and any number for one more row, the last: so a
prompt is read along with the rows that run, since much of what a step of so small a network costs
is fetching its weights, which both then share. Where there is no prompt, the last row is one of
those that run. Tokens lie one after the other; only attention tells them apart.

    tokens        int64 [new, 1]          one for each row, then those of the last row
    sizes         int64 [2]               how many each of these are, neither of them 0
    ends          int64 [asked]           where among the new tokens logits are wanted
    lengths       int32 [rows]            tokens in the cache of each row with its new one, less one
    key.N value.N float [rows, kv heads, positions, head dim]    layer N's cache, written in place
    lengths/last  int32 [1]               the same of the last row, with all of its new ones
    key.N/last value.N/last float [1, kv heads, positions, head dim]
    logits        float [asked, 1, vocab]

This module knows nothing of sampling, of requests, or of where the tensors came from.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uptake.embedded.weights import Config, Tensors

__all__ = ["LAST", "build"]

LAST = "/last"
"""What the names of inputs end in that are of the last row."""

CONTRIB = "com.microsoft"
FLOAT, INT32, INT64 = 1, 6, 7
KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.int32): INT32, np.dtype(np.int64): INT64}


def build(config: Config, tensors: Tensors) -> bytes:
    """The graph of this decoder as a serialized ONNX model. Raises KeyError on a missing tensor."""
    graph = _Graph()
    graph.input("tokens", INT64, ("new", 1))
    graph.input("sizes", INT64, (2,))
    graph.input("ends", INT64, ("ends",))
    graph.input("lengths", INT32, ("rows",))
    graph.input(f"lengths{LAST}", INT32, (1,))
    # The operator asks for the longest row, but goes by each row's own length.
    graph.constant("longest", np.array(config.positions, np.int32))
    graph.constant("to row", np.array([1, -1, config.packed], np.int64))
    graph.constant("from row", np.array([-1, 1, config.heads * config.head_dim], np.int64))
    cosines, sines = _rotations(config)
    graph.constant("cosines", cosines)
    graph.constant("sines", sines)
    embedding = tensors["model.embed_tokens.weight"]
    graph.constant("embedding", embedding)
    graph.node("Gather", ["embedding", "tokens"], ["x"])
    # Each layer leaves what it adds unadded: the norm that follows adds it in passing.
    stream, added = "x", ""
    for layer in range(config.layers):
        stream, added = _layer(graph, config, tensors, layer, stream, added)
    graph.constant("norm", tensors["model.norm.weight"])
    _rms_norm(graph, config, (stream, added), "norm", ("ended", ""))
    head = embedding if config.tied else tensors["lm_head.weight"]
    graph.constant("head", head.T)
    graph.node("MatMul", ["ended", "head"], ["logits"])
    graph.output("logits", FLOAT, ("ends", 1, config.vocab))
    return graph.model()


def _layer(
    graph: _Graph, config: Config, tensors: Tensors, layer: int, stream: str, added: str
) -> tuple[str, str]:
    """Add one decoder layer that reads `stream` + `added`; give the names of what it leaves.

    After the last layer's attention only the tokens whose logits are wanted go on.
    """
    here = f"model.layers.{layer}"
    names = {role: f"{role}.{layer}" for role in _ROLES}

    def weight(role: str, *parts: str) -> None:
        rows = [tensors[f"{here}.{part}.weight"] for part in parts]
        if role == "qkv":
            # Scaled here once (exactly, where the head size is a power of 4), not at each use: a
            # product that needs no scaling takes a quicker path where one token meets the cache.
            rows[0] = rows[0] / np.float32(np.sqrt(config.head_dim))
        graph.constant(names[role], np.concatenate(rows).T if rows[0].ndim == 2 else rows[0])

    weight("before", "input_layernorm")
    weight("qkv", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    weight("mix", "self_attn.o_proj")
    weight("between", "post_attention_layernorm")
    weight("gate", "mlp.gate_proj")
    weight("up", "mlp.up_proj")
    weight("down", "mlp.down_proj")

    x, a, b, y, h, i, j, k, m, z = (f"{name}.{layer}" for name in "xabyhijkmz")
    _rms_norm(graph, config, (stream, added), names["before"], (a, x))
    x = x if added else stream
    graph.node("MatMul", [a, names["qkv"]], [b])
    _attention(graph, config, layer, b, m)
    if layer == config.layers - 1:
        graph.node("Gather", [x, "ends"], [f"{x}.ends"])
        graph.node("Gather", [m, "ends"], [f"{m}.ends"])
        x, m = f"{x}.ends", f"{m}.ends"
    graph.node("MatMul", [m, names["mix"]], [y])
    _rms_norm(graph, config, (x, y), names["between"], (h, z))
    graph.node("MatMul", [h, names["gate"]], [i])
    graph.node("QuickGelu", [i], [f"{i}.on"], domain=CONTRIB, alpha=1.0)  # x·σ(x)
    graph.node("MatMul", [h, names["up"]], [j])
    graph.node("Mul", [f"{i}.on", j], [f"{j}.on"])
    graph.node("MatMul", [f"{j}.on", names["down"]], [k])
    return z, k


def _attention(graph: _Graph, config: Config, layer: int, source: str, target: str) -> None:
    """Split the new tokens into those of the last row and of the others, and let each attend."""
    parts = [f"{source}.part", f"{source}.part{LAST}"]
    graph.node("Split", [source, "sizes"], parts, axis=0)
    outputs: list[str] = []
    for end, part in zip(("", LAST), parts, strict=True):
        caches = [f"{side}.{layer}{end}" for side in ("key", "value")]
        for cache in caches:
            shape = (f"rows{end}", config.kv_heads, config.positions, config.head_dim)
            graph.input(cache, FLOAT, shape)
            graph.output(f"{cache}.out", FLOAT, shape)
        # The others are a batch of one token each, the last row is one of many.
        if end:
            graph.node("Reshape", [part, "to row"], [f"{part}.row"])
        graph.node(
            "GroupQueryAttention",
            [f"{part}.row" if end else part, "", "", *caches,
             f"lengths{end}", "longest", "cosines", "sines"],
            [f"{part}.mix", *(f"{cache}.out" for cache in caches)],
            domain=CONTRIB,
            num_heads=config.heads,
            kv_num_heads=config.kv_heads,
            do_rotary=1,
            scale=1.0,  # the queries come scaled, see `_layer`
        )  # fmt: skip
        if end:
            graph.node("Reshape", [f"{part}.mix", "from row"], [f"{part}.out"])
        outputs.append(f"{part}.out" if end else f"{part}.mix")
    graph.node("Concat", outputs, [target], axis=0)


_ROLES = ("before", "qkv", "mix", "between", "gate", "up", "down")


def _rms_norm(
    graph: _Graph, config: Config, sources: tuple[str, str], scale: str, targets: tuple[str, str]
) -> None:
    """The norm of the sum of `sources` (the second may be ""), and where asked that sum itself."""
    target, total = targets
    if not sources[1]:
        graph.node(
            "SimplifiedLayerNormalization",
            [sources[0], scale],
            [target],
            axis=-1,
            epsilon=config.epsilon,
        )
        return
    graph.node(
        "SkipSimplifiedLayerNormalization",
        [*sources, scale],
        [target, "", "", total] if total else [target],
        domain=CONTRIB,
        epsilon=config.epsilon,
    )


def _rotations(config: Config) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines of every position's rotary angles, each [positions, head dim / 2]."""
    powers = np.arange(0, config.head_dim, 2, dtype=np.float32) / np.float32(config.head_dim)
    speeds = (1.0 / np.float32(config.theta) ** powers).astype(np.float32)
    angles = np.outer(np.arange(config.positions, dtype=np.float32), speeds)
    return np.cos(angles), np.sin(angles)


class _Graph:
    """A GraphProto under construction. Field numbers are those of onnx.proto."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        domain: str = "",
        **attributes: float | int,
    ) -> None:
        fields = [_text(1, name) for name in inputs]
        fields += [_text(2, name) for name in outputs]
        fields += [_text(3, outputs[0]), _text(4, op), _text(7, domain)]
        fields += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(_bytes(1, b"".join(fields)))

    def constant(self, name: str, array: NDArray[Any]) -> None:
        kind = KINDS[array.dtype]
        dims = b"".join(_int(1, size) for size in array.shape)
        fields = dims + _int(2, kind) + _text(8, name) + _bytes(9, array.tobytes())
        self._constants.append(_bytes(5, fields))

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> None:
        self._inputs.append(_bytes(11, _value(name, kind, shape)))

    def output(self, name: str, kind: int, shape: Sequence[int | str]) -> None:
        self._outputs.append(_bytes(12, _value(name, kind, shape)))

    def model(self) -> bytes:
        """The whole ModelProto, for ONNX operator set 17 and the contributed operators."""
        parts = [*self._nodes, _text(2, "decoder"), *self._constants, *self._inputs]
        graph = b"".join([*parts, *self._outputs])
        sets = [_text(1, "") + _int(2, 17), _text(1, CONTRIB) + _int(2, 1)]
        return b"".join([_int(1, 8), _bytes(7, graph), *(_bytes(8, one) for one in sets)])


def _attribute(name: str, value: float | int) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, 2)
    return _text(1, name) + b"\x15" + struct.pack("<f", value) + _int(20, 1)


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    dims = [_int(1, size) if isinstance(size, int) else _text(2, size) for size in shape]
    tensor = _int(1, kind) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())

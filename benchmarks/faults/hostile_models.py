"""Model files that nobody should load, each made from a small good one."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANARY = "canary"
"""The file that the pickles' code would write to the working folder."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a model file: its head and the bytes behind it.

    Attributes:
        head: The JSON of its head.
        data: The bytes of its tensors.
    """

    head: dict[str, Any]
    data: bytes

    def copy(self) -> "Parts":
        """Copy the parts, so that they can be changed."""
        return Parts(json.loads(json.dumps(self.head)), self.data)

    @property
    def metadata(self) -> dict[str, str]:
        """The texts in the head."""
        return self.head["__metadata__"]


def take_apart(path: Path) -> Parts:
    """Read a good file."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return Parts(json.loads(content[8 : 8 + size]), content[8 + size :])


def put_together(head: object, data: bytes) -> bytes:
    """Build a file of a head, which may be text that is no JSON, and the bytes behind it."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


class _Touches:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path(CANARY),)


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def _config(**changes: object) -> Callable[[Parts], bytes]:
    """Change the configuration of the network."""

    def make(parts: Parts) -> bytes:
        config = json.loads(parts.metadata["config"]) | changes
        parts.metadata["config"] = json.dumps(config)
        return put_together(parts.head, parts.data)

    return make


def _metadata(**texts: str | None) -> Callable[[Parts], bytes]:
    """Replace texts of the metadata; None removes one."""

    def make(parts: Parts) -> bytes:
        for name, text in texts.items():
            parts.metadata.pop(name)
            if text is not None:
                parts.metadata[name] = text
        return put_together(parts.head, parts.data)

    return make


def _tensor(**changes: object) -> Callable[[Parts], bytes]:
    """Change what the head says of one tensor."""

    def make(parts: Parts) -> bytes:
        parts.head["conv_in.weight"] |= changes
        return put_together(parts.head, parts.data)

    return make


def _data_type(name: str, size: int) -> Callable[[Parts], bytes]:
    """Give one tensor another data type, and as many bytes at the end of the file."""

    def make(parts: Parts) -> bytes:
        info = parts.head["conv_in.bias"]
        begin, count = len(parts.data), info["shape"][0]
        parts.head["spare"] = info | {
            "shape": [(info["data_offsets"][1] - info["data_offsets"][0])]
        }
        parts.head["spare"]["dtype"] = "U8"
        parts.head["conv_in.bias"] = {
            "dtype": name,
            "shape": [count],
            "data_offsets": [begin, begin + count * size // 8],
        }
        return put_together(parts.head, parts.data + bytes(count * size // 8))

    return make


def _more(count: int, name: str = "extra{}") -> Callable[[Parts], bytes]:
    """Add empty tensors."""

    def make(parts: Parts) -> bytes:
        end = len(parts.data)
        info = {"dtype": "F32", "shape": [0], "data_offsets": [end, end]}
        parts.head.update({name.format(number): info for number in range(count)})
        return put_together(parts.head, parts.data)

    return make


def _values(number: bytes) -> Callable[[Parts], bytes]:
    """Put a float of four bytes into a tensor."""

    def make(parts: Parts) -> bytes:
        begin = parts.head["conv_out.weight"]["data_offsets"][0]
        data = parts.data[:begin] + number + parts.data[begin + 4 :]
        return put_together(parts.head, data)

    return make


def _without(key: str) -> Callable[[Parts], bytes]:
    """Rename a tensor, so that it is missing."""

    def make(parts: Parts) -> bytes:
        parts.head["gone"] = parts.head.pop(key)
        return put_together(parts.head, parts.data)

    return make


FILES: dict[str, Callable[[Parts], bytes]] = {
    # No safetensors at all.
    "empty": lambda _: b"",
    "seven bytes": lambda _: bytes(7),
    "zeros": lambda _: bytes(4096),
    "ones": lambda _: b"\xff" * 4096,
    "text": lambda _: b"this is a text, no model\n" * 40,
    "pickle": lambda _: pickle.dumps(_Touches()),
    "pickle of protocol 0": lambda _: pickle.dumps(_Touches(), protocol=0),
    "zip": lambda _: b"PK\x03\x04" + bytes(200),
    "cut head": lambda parts: put_together(parts.head, b"")[:200],
    "cut data": lambda parts: put_together(parts.head, parts.data)[:-100],
    "longer than said": lambda parts: put_together(parts.head, parts.data + bytes(100)),
    # Heads.
    "head of 2^63 bytes": lambda _: struct.pack("<Q", 1 << 63) + b"{}",
    "head of 64 MB": lambda _: put_together(b"{" + b" " * (64 << 20) + b"}", b""),
    "no JSON": lambda _: put_together(b"{'a': 1}", b""),
    "no UTF-8": lambda _: put_together(b'{"\xff\xfe": 1}', b""),
    "a list": lambda _: put_together([1, 2], b""),
    "null": lambda _: put_together(None, b""),
    "nested": lambda _: put_together(f'{{"a": {_nested(100_000)}}}'.encode(), b""),
    "nested tables": lambda _: put_together(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b""),
    "metadata is a list": lambda parts: put_together(parts.head | {"__metadata__": []}, parts.data),
    "metadata of numbers": lambda parts: put_together(
        parts.head | {"__metadata__": {"format": 1}}, parts.data
    ),
    "no metadata": lambda parts: put_together(
        {key: value for key, value in parts.head.items() if key != "__metadata__"}, parts.data
    ),
    "another format": _metadata(format="other"),
    "200,000 tensors": _more(200_000),
    "15,000 tensors": _more(15_000),
    "control characters": _more(40, "\x1b[2J\x1b[31m\a{}\u202e"),
    "a name of 1 MB": _more(1, "x" * 1_000_000 + "{}"),
    # What the head says of tensors.
    "negative shape": _tensor(shape=[-1, 3]),
    "huge shape": _tensor(shape=[1 << 62, 1 << 62]),
    "another shape": _tensor(shape=[48, 3, 3, 64]),
    "many axes": _tensor(shape=[1] * 5000),
    "offsets turned round": _tensor(data_offsets=[100, 0]),
    "offsets behind the end": _tensor(data_offsets=[0, 1 << 50]),
    "unknown type": _tensor(dtype="F128"),
    "fp8": _data_type("F8_E4M3", 8),
    "fp4": _data_type("F4", 4),
    "complex": _data_type("C64", 64),
    "integers": _data_type("I64", 64),
    "truth values": _data_type("BOOL", 8),
    "a tensor is missing": _without("conv_in.weight"),
    "no prompts": _without("prompt.positive"),
    "another name for a tensor": _without("conv_out.bias"),
    "NaN": _values(struct.pack("<f", float("nan"))),
    "infinity": _values(struct.pack("<f", float("inf"))),
    # Configurations.
    "config is no JSON": _metadata(config="{"),
    "config is nested": _metadata(config=_nested(100_000)),
    "config of a million digits": _metadata(config='{"layers": ' + "9" * 1_000_000 + "}"),
    "no config": _metadata(config=None),
    "channels of 2^40": _config(channels=[1 << 40, 1 << 40]),
    "condition_dim of 10^30": _config(condition_dim=10**30),
    "timestep of 10^400": _config(timestep=10**400),
    "a thousand levels": _config(channels=[16] * 1000, attention=[False] * 1000),
    "a million layers": _config(layers=1_000_000),
    "the widest network": _config(
        channels=[1 << 14] * 8, attention=[True] * 8, layers=8, groups=0, head_dim=64
    ),
    "groups of no divisor": _config(groups=7),
    # Cards.
    "card is nested": _metadata(card=_nested(100_000)),
    "card is a list": _metadata(card="[]"),
    "name is a number": _metadata(card='{"name": 1}'),
    "guidance is infinite": _metadata(card='{"name": "x", "guidance": Infinity}'),
}
"""Functions that make each file's bytes, by the kind of fault."""


def make_files(folder: Path, good: Path) -> dict[str, Path]:
    """Write all files; returns their paths by the kind of fault."""
    parts, made = take_apart(good), {}
    for number, (name, make) in enumerate(FILES.items()):
        path = folder / f"{number:02}.safetensors"
        path.write_bytes(make(parts.copy()))
        made[name] = path
    # Consistent, and large on paper only: nobody may read it through.
    name = "a hole of 64 GB"
    made[name] = folder / "hole.safetensors"
    head = parts.copy().head
    end, size = len(parts.data), 64 << 30
    head["extra"] = {"dtype": "F32", "shape": [size // 4], "data_offsets": [end, end + size]}
    content = put_together(head, parts.data)
    made[name].write_bytes(content)
    os.truncate(made[name], len(content) + size)
    return made

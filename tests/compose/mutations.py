"""Wrong files made from right ones: each mutation does one thing that people do to a Compose or env file by mistake."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from devstack.document import dump, load, plain

Chance: TypeAlias = random.Random
Mutation: TypeAlias = Callable[[str, Chance], bytes]

BAD_VALUES: Mapping[str, tuple[Any, ...]] = {
    "ports": (["80:80:80:80"], ["x:80"], ["99999:80"], ["90-80:80"], ["1-3:1-2"], ["80:80/tpc"], ["host:80:80"], [""], [80.5], "80:80",
              [{"published": 80}], [{"target": 0}], [{"target": "x"}], [{"target": 80, "publish": 80}], [None], [[80]], ["80:"], {"80": 80}),
    "volumes": (["a:b:c:d:e"], [":/x"], ["x:"], [{"type": "bnd", "target": "/x"}], [{"type": "bind", "target": "/x"}], [""], [{"target": "/x"}],
                [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": "1gg"}}], ["nowhere:/x"], [5], "a:/b",
                [{"type": "bind", "src": "/a", "target": "/b"}]),
    "healthcheck": ({"interval": 5}, {"interval": "5"}, {"timeout": "5 s"}, {"retries": "some"}, {"test": ["curl", "x"]}, {"test": 5},
                    {"start_period": "1x"}, {"interval": "s"}, {"retrys": 3}, {"disable": "perhaps"}, [], "curl", {"retries": -1}),
    "mem_limit": ("1gg", "lots", "-", [], {}, "1.2.3m", True),
    "shm_size": ("64q", "m", [1]),
    "cpus": ("lots", [], "0,5", {}, True),
    "stop_grace_period": ("10", "1h-2m", "soon", 10, [], "5sec"),
    "restart": (5, ["always"], {"policy": "always"}, True),
    "environment": ([{"A": 1}], ["A = 1"], 5, [["A"]], "A=1", {"A": ["x"]}, {"A": {"b": "c"}}, [1]),
    "depends_on": (["nobody"], {"nobody": {}}, 5, [5], {"nobody": {"condition": "healthy"}}, [["a"]], "a"),
    "networks": (["nowhere"], 5, [5], {"nowhere": {"ipv4": "1.1.1.1"}}, [[]], "default"),
    "secrets": (["nothing"], 5, [{"target": "/x"}], [{"source": "s", "mode": "x"}]),
    "configs": (["nothing"], "c", [{"source": 5}]),
    "command": (5, {"a": "b"}, "echo 'open", ["a", 1], [["a"]]),
    "deploy": ({"replicas": "two"}, {"replica": 2}, [], {"resources": {"limits": {"memory": "1zb"}}}, {"mode": 5},
               {"restart_policy": {"condition": 5}}),
    "ulimits": ({"nofile": {"soft": 1}}, {"nofile": "many"}, [], {"nofile": {"soft": "x", "hard": 2}}),
    "build": (5, {"dockerfil": "x"}, {"context": []}, {"args": 5}, [], {"dockerfile": "a", "dockerfile_inline": "b"}),
    "scale": ("two", [], 1.5, {}),
    "privileged": ("maybe", 5, []),
    "extra_hosts": (["alone"], 5, [5]),
    "env_file": (["nowhere.env"], 5, [{"pth": "x"}], [[]]),
    "devices": (["a:b:c:d"], 5, [{"source": "a"}]),
    "logging": ("json-file", {"drivr": "x"}, {"options": {"a": []}}),
    "extends": ("nobody", {"service": "nobody"}, {"file": "nowhere.yaml", "service": "a"}, 5, {}),
    "labels": ([{"a": "b"}], 5, {"a": []}),
    "pull_policy": ("sometimes", 5),
    "profiles": ("dev", [5], {}),
    "image": (5, [], {}),
    "container_name": ("a b", "-x", 5),
    "user": (1000, []),
    "tmpfs": (5, [5], {}),
    "cap_add": ("NET_ADMIN", [5]),
    "network_mode": ("service:nobody", 5),
}  # fmt: skip
TOP_VALUES: Mapping[str, tuple[Any, ...]] = {
    "volumes": (["data"], {"a": {"drivr": "local"}}, {"a": 5}, {"a b": None}, {"a": {"external": "perhaps"}}, 5),
    "networks": (["n"], {"n": {"ipam": {"config": {}}}}, {"n": {"internal": "perhaps"}}, {"n": []}, "n"),
    "secrets": ({"s": None}, {"s": {"file": 5}}, {"s": {"environment": "A", "file": "b"}}, ["s"]),
    "configs": ({"c": {"contents": "x"}}, {"c": 5}),
    "include": ("x.yaml", ["nowhere.yaml"], [{"paths": "x"}], [5], {}),
    "name": (5, [], "日本"),
    "services": ([], 5, None, "a", {"a": None}, {"a": []}, {"a b": {"image": "x"}}, {"a": {}}),
    "service": ({"a": {"image": "x"}},),
}


def _data(text: str) -> dict[str, Any]:
    node = load(text, "right")
    found = plain(node) if node is not None else {}
    return found if isinstance(found, dict) else {}


def _written(data: Any) -> bytes:
    return dump(data).encode()


def _some_service(data: dict[str, Any], chance: Chance) -> dict[str, Any]:
    services = data.get("services")
    bodies = [body for body in services.values() if isinstance(body, dict)] if isinstance(services, dict) else []
    return chance.choice(bodies) if bodies else data.setdefault("services", {}).setdefault("made", {})


def bad_value(text: str, chance: Chance) -> bytes:
    data = _data(text)
    key = chance.choice(sorted(BAD_VALUES))
    _some_service(data, chance)[key] = chance.choice(BAD_VALUES[key])
    return _written(data)


def bad_section(text: str, chance: Chance) -> bytes:
    key = chance.choice(sorted(TOP_VALUES))
    return _written({**_data(text), key: chance.choice(TOP_VALUES[key])})


def other_type(text: str, chance: Chance) -> bytes:
    """Some value, anywhere, becomes one of another type."""
    data = _data(text)
    place: Any = data
    while True:
        keys = list(range(len(place))) if isinstance(place, list) else sorted(place)
        if not keys:
            return _written(data)
        key = chance.choice(keys)
        inner = place[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            place = inner
            continue
        place[key] = chance.choice(
            [v for v in ([["x"]], {"x": {"y": "z"}}, 5, True, None, "x y", []) if type(v) is not type(inner)]
        )
        return _written(data)


def near_miss(text: str, chance: Chance) -> bytes:
    """Two letters of a key change places, or one is lost."""
    keys = [match for match in re.finditer(r"(?m)^[ -]*([a-z_]{4,}):", text) if not match[1].startswith("x-")]
    if not keys:
        return _written({**_data(text), "servics": {}})
    match = chance.choice(keys)
    word, at = match[1], chance.randrange(len(match[1]) - 1)
    wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :] if chance.random() < 0.5 else word[:at] + word[at + 1 :]
    return (text[: match.start(1)] + wrong + text[match.end(1) :]).encode()


def dropped_line(text: str, chance: Chance) -> bytes:
    lines = text.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return "".join(lines).encode()


def doubled_line(text: str, chance: Chance) -> bytes:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return "".join([*lines[: at + 1], *lines[at:]]).encode()


def moved_line(text: str, chance: Chance) -> bytes:
    """A line is indented by a blank more, a blank less, or a tab."""
    lines = text.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines[at] = chance.choice([f" {lines[at]}", lines[at].removeprefix(" "), f"\t{lines[at].lstrip()}"])
    return "".join(lines).encode()


def cut(text: str, chance: Chance) -> bytes:
    data = text.encode()
    return data[: chance.randrange(1, len(data))]


def spoiled_bytes(text: str, chance: Chance) -> bytes:
    data = text.encode()
    at = chance.randrange(len(data))
    return data[:at] + chance.choice([b"\0", b"\xe9", b"\x1b[0m", b"\xff\xfe", b"\xc3", b"\x07"]) + data[at:]


def other_encoding(text: str, chance: Chance) -> bytes:
    if chance.random() < 0.3:
        return text.encode(chance.choice(["utf-16", "utf-16-le", "utf-32"]))
    # As an editor on Windows leaves it, and then with a mistake: the place must be right all the same.
    return b"\xef\xbb\xbf" + near_miss(text, chance).replace(b"\n", b"\r\n")


def wrong_variable(text: str, chance: Chance) -> bytes:
    data = _data(text)
    wrong = ["x:${TAG", "x:${TAG:?which one}", "x:${my tag}", "x:${}", "${A?}", "${A:-${B?no b}}", "x:${TAG:}", "${A^^}", "${1}"]
    _some_service(data, chance)["image"] = chance.choice(wrong)
    return _written(data)


def circle(text: str, chance: Chance) -> bytes:
    """Services that wait for each other, extend each other, or one that does so with itself."""
    data = _data(text)
    names = ["ring-a", "ring-b", "ring-c"][: chance.randint(1, 3)]
    key = chance.choice(["depends_on", "extends", "links", "network_mode"])
    for index, name in enumerate(names):
        after = names[(index + 1) % len(names)]
        value: Any = {"extends": {"service": after}, "network_mode": f"service:{after}"}.get(key, [after])
        data.setdefault("services", {})[name] = {"image": "x", key: value}
    return _written(data)


def stray_syntax(text: str, chance: Chance) -> bytes:
    lines = text.splitlines(keepends=True)
    junk = ["<<<<<<< HEAD\n", "---\n", "}\n", "- x\n",
            "key without a value\n", "  : x\n", "? [a]\n", "&a *a\n", "@x: 1\n", "'open: 1\n", "*nobody\n",
            "x: !wrong 1\n", "%YAML 3.0\n", "<<: 5\n", "2020-01-01: x\n", "5: x\n"]  # fmt: skip
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(junk))
    return "".join(lines).encode()


MUTATIONS: dict[str, Mutation] = {
    made.__name__: made
    for made in (bad_value, bad_section, other_type, near_miss, dropped_line, doubled_line, moved_line, cut, spoiled_bytes,
                 other_encoding, wrong_variable, circle, stray_syntax)
}  # fmt: skip

RIGHT_ENV = """\
# settings
export NAME=shop
TAG="1.2" # the tag
QUOTED='as it is $HOME'
MULTI="two
lines"
URL=${NAME:-none}/x
EMPTY=
"""


def wrong_env(text: str, chance: Chance) -> bytes:
    """An env file with one wrong line in it, or spoiled as a whole."""
    lines = text.splitlines(keepends=True)
    wrong = ["MY NAME=x\n", "=x\n", "no assignment\n", "A='open\n", 'A="open\n', 'A="x"y\n',
             "A=${B\n", "A=${B:?needed}\n", "1A=x\n", "A-B\n", "ex port A=1\n", "A=${B?}\n", "A = \n B C\n", "{A: 1}\n",
             "A: [1\nx\n", "é=1\n", "A='x'='y'\n"]  # fmt: skip
    kind = chance.randrange(4)
    if kind == 0:
        return cut(text.replace('"1.2"', '"1.2'), chance)
    if kind == 1:
        return spoiled_bytes(text, chance)
    lines.insert(chance.choice([0, 1, len(lines)]), chance.choice(wrong))
    data = "".join(lines)
    return data.encode() if kind == 2 else b"\xef\xbb\xbf" + data.replace("\n", "\r\n").encode()

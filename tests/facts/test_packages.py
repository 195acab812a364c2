"""Package manager calls: verbs, flags with values, wrappers."""

import pytest

from dockopt.facts.packages import installed, invocations_in, invocations_of
from dockopt.shell.script import parse_script


@pytest.mark.parametrize(
    ("text", "manager", "action", "operands"),
    [
        ("apt-get install -y curl git", "apt", "install", ["curl", "git"]),
        ("apt-get -o Dpkg::Options::=--force-confold -yqq install a", "apt", "install", ["a"]),
        ("DEBIAN_FRONTEND=noninteractive apt-get -t bookworm install a", "apt", "install", ["a"]),
        ("sudo -u root apt-get update", "apt", "update", []),
        ("env A=1 apt-get install a", "apt", "install", ["a"]),
        ("pip3.12 install -r req.txt -c con.txt x", "pip", "install", ["x"]),
        ("python3 -u -m pip install x", "pip", "install", ["x"]),
        ("/venv/bin/pip install x", "pip", "install", ["x"]),
        ("apk add --no-cache --virtual .deps gcc", "apk", "install", ["gcc"]),
        ("apk --repository http://x add gcc", "apk", "install", ["gcc"]),
        ("yarn --cwd app", "yarn", "install", []),
        ("pacman -Syu --noconfirm vim", "pacman", "install", ["vim"]),
        ("pacman -Scc --noconfirm", "pacman", "clean", []),
        ("npm ci --omit dev", "npm", "install", []),
        ("go build -o /x ./cmd", "go", "other", ["./cmd"]),
        ("zypper -n in vim", "zypper", "install", ["vim"]),
    ],
)
def test_calls(text: str, manager: str, action: str, operands: list[str]) -> None:
    (call,) = invocations_in(text)
    assert (call.manager.name, call.action) == (manager, action)
    assert [word.value for word in call.operands] == operands


def test_bundled_flags_are_read_one_by_one() -> None:
    (call,) = invocations_in("apt-get install -yqq curl")
    assert call.yes
    assert [option.name for option in call.options] == ["-y", "-q", "-q"]


@pytest.mark.parametrize("text", ["echo apt-get install x", "python -m venv pip", "grep pip file", "$PIP install x"])
def test_no_calls(text: str) -> None:
    assert invocations_in(text) == ()


def test_installed_packages() -> None:
    text = "apt-get install -y a=1 'b' && pip install -r r.txt c && if x; then apk add d; fi"
    assert installed(text) == {"apt:a=1", "apt:b", "pip:c", "pip:-r r.txt", "apk:d"}


def test_calls_name_the_commands_of_the_script_that_is_asked() -> None:
    # In a run over thousands of files a script is forgotten and read again: its calls must be read again too.
    before = parse_script("apt-get update && apt-get install -y curl")
    assert len(invocations_of(before)) == 2
    parse_script.cache_clear()
    again = parse_script(before.text)
    assert again is not before
    assert [call.command for call in invocations_of(again)] == list(again.commands)

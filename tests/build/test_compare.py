"""Differences, and which of them are declared."""

import io
from typing import Any

import pytest

from dockopt.build.behave import Behaviour, RunSettings, compare_behaviour
from dockopt.build.compare import Difference, compare_config, compare_packages, compare_trees
from dockopt.build.effects import Declared
from dockopt.build.packages import Packages
from dockopt.build.tree import Tree, flatten, read_layer
from dockopt.build.verify import Chance, summarised
from dockopt.engine.model import Effects, Entry
from tests.build.archives import layer

NONE = Packages({}, {})


def tree(*members: tuple[str, Any]) -> Tree:
    return flatten([read_layer(io.BytesIO(layer(*members)))])


def differences(before: Tree, after: Tree) -> list[tuple[str, str]]:
    return [(each.what, each.change) for each in compare_trees(before, after)]


def file(**fields: Any) -> dict[str, Any]:
    return {"data": b"x", "mode": 0o644, **fields}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (file(), file(data=b"y"), "content"),
        (file(), file(mode=0o600), "mode"),
        (file(), file(uid=1), "owner"),
        (file(), file(gid=1), "owner"),
        (file(), None, "type"),
        (file(), file(pax_headers={"SCHILY.xattr.security.capability": "c"}), "capabilities"),
        ({"type": b"2", "linkname": "a"}, {"type": b"2", "linkname": "b"}, "target"),
    ],
)
def test_every_property_counts(old: Any, new: Any, change: str) -> None:
    assert differences(tree(("f", old)), tree(("f", new))) == [("/f", change)]


def test_what_comes_and_goes() -> None:
    assert differences(tree(("a", b""), ("b", b"")), tree(("b", b""), ("c", b""))) == [
        ("/a", "removed"),
        ("/c", "added"),
    ]


def test_volatile_paths_are_set_aside() -> None:
    before = tree(("root/.npm/_logs/1.log", b"1"), ("var/log/dpkg.log", b"1"), ("etc/x", b"1"))
    after = tree(("root/.npm/_logs/2.log", b"2"), ("var/log/dpkg.log", b"2"), ("etc/x", b"2"))
    assert differences(before, after) == [("/etc/x", "content")]
    assert differences(before, tree(("etc/x", b"1"))) == [("/var/log/dpkg.log", "removed")]


def test_bytecode_follows_its_source() -> None:
    def one(source: bytes, code: bytes) -> Tree:
        return tree(("m.py", source), ("__pycache__/m.cpython-313.pyc", code))

    assert differences(one(b"1", b"a"), one(b"1", b"b")) == []
    assert len(differences(one(b"1", b"a"), one(b"2", b"b"))) == 2


def entry(name: str, **effects: Any) -> Entry:
    return Entry("applied", name, 1, 1, "do it", effects=Effects(**effects))


def judged(found: list[Difference], *entries: Entry, before: Packages = NONE, after: Packages = NONE) -> dict[str, Any]:
    return {each.difference.what: each.transforms for each in Declared(entries).judge(found, before, after)}


def test_declared_by_name_glob_and_prefix() -> None:
    found = [
        *compare_config({"env:A": "1", "user": "root"}, {"env:A": "2", "user": "app"}),
        *compare_trees(tree(("c", None), ("c/d", None), ("c/d/x", b"")), tree(("new", b""))),
    ]
    assert judged(found, entry("t", config=("env:*",), files_removed=("/c/d/**",)), entry("u", files_added=("/new",))) == {
        "env:A": ("t",),
        "user": (),
        "/c": ("t",),  # it held nothing else
        "/c/d": ("t",),
        "/c/d/x": ("t",),
        "/new": ("u",),
    }  # fmt: skip


def test_folder_with_something_undeclared_in_it_is_not_covered() -> None:
    found = compare_trees(tree(("c", None), ("c/x", b""), ("c/y", b"")), tree())
    assert judged(found, entry("t", files_removed=("/c/x",))) == {"/c": (), "/c/x": ("t",), "/c/y": ()}


def test_added_glob_does_not_cover_removal() -> None:
    assert judged(compare_trees(tree(("a", b"")), tree()), entry("t", files_added=("/a",))) == {"/a": ()}
    assert judged(compare_trees(tree(("a", b"")), tree(("a", b"1"))), entry("t", files_added=("/a",))) == {"/a": ("t",)}


def test_only_applied_entries_declare() -> None:
    waiting = entry("t", config=("user",))._replace(kind="waiting")
    assert judged(compare_config({"user": "a"}, {"user": "b"}), waiting) == {"user": ()}


def test_package_brings_its_files_and_its_managers_records() -> None:
    before = Packages({"apt:vim": "9", "apt:nano": "7"}, {"/usr/bin/vim": "apt:vim", "/usr/bin/nano": "apt:nano"})
    after = Packages({}, {})
    found = [
        *compare_packages(before, after),
        *compare_trees(
            tree(("usr/bin/vim", b""), ("usr/bin/nano", b""), ("etc/alternatives/vi", b""), ("etc/mine", b"")), tree()
        ),
    ]
    undeclared = {
        what for what, by in judged(found, entry("t", packages_removed=("apt:vim*",)), before=before).items() if not by
    }
    assert undeclared == {"apt:nano", "/usr/bin/nano", "/etc/mine"}


def test_state_of_a_package_goes_with_its_folder() -> None:
    """Ghostscript's font map and D-Bus's machine id are written on installation; no record names them."""
    paths: tuple[tuple[str, bytes | None], ...] = (("var/lib/gs", None), ("var/lib/gs/fonts", None))
    files: tuple[tuple[str, bytes | None], ...] = (("var/lib/gs/fonts/Fontmap", b""), ("var/lib/gsx", b""))
    before = Packages({"apt:gs": "9"}, {"/var/lib/gs": "apt:gs"})
    removed = entry("t", packages_removed=("apt:gs",))
    gone = [*compare_packages(before, NONE), *compare_trees(tree(*paths, *files), tree())]
    assert [what for what, by in judged(gone, removed, before=before).items() if not by] == ["/var/lib/gsx"]
    kept = [*compare_packages(before, NONE), *compare_trees(tree(*paths, *files), tree(*paths))]
    undeclared = [what for what, by in judged(kept, removed, before=before).items() if not by]
    assert undeclared == ["/var/lib/gs/fonts/Fontmap", "/var/lib/gsx"], "a folder that stays does not say so"


def test_variables_of_the_base_image() -> None:
    found = compare_config({"env:GOPATH": "/go", "user": "a"}, {})
    assert judged(found, entry("t", config=("env:~*",))) == {"env:GOPATH": ("t",), "user": ()}


def test_packages_nobody_names() -> None:
    found = compare_packages(Packages({"apt:libx": "1", "pip:x": "1"}, {}), NONE)
    assert judged(found, entry("t", packages_removed=("apt:~*",))) == {"apt:libx": ("t",), "pip:x": ()}


def test_another_version_is_never_declared_by_coming_and_going() -> None:
    found = compare_packages(Packages({"apt:a": "1"}, {}), Packages({"apt:a": "2"}, {}))
    assert judged(found, entry("t", packages_added=("apt:*",), packages_removed=("apt:*",))) == {"apt:a": ()}


def test_another_copy_of_a_package() -> None:
    one, two = Packages({"pip:pip": "24.0"}, {}), Packages({"pip:pip": "24.0, 25.1"}, {})
    assert compare_packages(one, two) == [Difference("packages", "pip:pip", "added", "", "25.1")]
    assert compare_packages(two, one) == [Difference("packages", "pip:pip", "removed", "25.1", "")]
    assert [each.change for each in compare_packages(two, Packages({"pip:pip": "24.0, 26"}, {}))] == ["changed"]


def test_rpm_by_any_of_its_managers_names() -> None:
    found = compare_packages(Packages({"rpm:a": "1"}, {}), NONE)
    assert judged(found, entry("t", packages_removed=("dnf:a",))) == {"rpm:a": ("t",)}


def change(what: str, change: str = "content", aspect: str = "files") -> Difference:
    return Difference(aspect, what, change)


def test_chance_is_what_differs_between_two_builds_of_the_original() -> None:
    chance = Chance(between=[change("/random")], after=[change("/random"), change("/real")])
    assert chance.explains(change("/random"))
    assert not chance.explains(change("/real"))
    # The world moved on between the cached build and now: the second build is like the rewrite.
    assert chance.explains(change("apt:curl", "changed", "packages"))


def test_chance_names() -> None:
    between = [change("/t/aaa", "removed"), change("/t/bbb", "added")]
    after = [change("/t/bbb", "removed"), change("/t/ccc", "added"), change("/app/x", "removed")]
    chance = Chance(between, after)
    assert chance.explains(change("/t/ccc", "added"))
    assert not chance.explains(change("/app/x", "removed"))
    more = Chance(between, [*after, change("/t/ddd", "added")])
    assert not more.explains(change("/t/ddd", "added"))


def test_many_differences_are_summed_up() -> None:
    found = [change(f"/app/lib/{number}", "removed") for number in range(30)] + [change("user", "changed", "config")]
    lines = summarised(found)
    assert lines[1:] == ["30 paths are missing: below /app/lib"]
    many = [change(f"apt:a{number}", "removed", "packages") for number in range(9)]
    assert summarised([*many, change("apt:b", "changed", "packages")]) == [
        "9 packages are missing: apt:a0, apt:a1, apt:a2, apt:a3, apt:a4, apt:a5, apt:a6, apt:a7, …",
        "1 packages have another version: apt:b",
    ]


RUN = RunSettings(smoke=("true",))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (Behaviour("running"), Behaviour("exited with code 1"), "exited with code 1, was running"),
        (Behaviour("exited with code 0"), Behaviour("exited with code 2"), "code 2, was exited with code 0"),
        (Behaviour("running", "healthy"), Behaviour("running", "unhealthy"), "its health is unhealthy, was healthy"),
        (Behaviour("running"), Behaviour("running", "unhealthy"), "was not checked"),
        (Behaviour("running", answers=((0, "a"),)), Behaviour("running", answers=((0, "b"),)), "the answer to 'true'"),
        (Behaviour("running", stopped="in time"), Behaviour("running", stopped="killed"), "killed after 10 s"),
    ],
)
def test_behaviour_that_is_worse(before: Behaviour, after: Behaviour, says: str) -> None:
    (found,) = compare_behaviour(before, after, RUN)
    assert says in str(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Behaviour("running", "unhealthy"), Behaviour("running", "healthy")),
        (Behaviour("running", stopped="killed"), Behaviour("running", stopped="in time")),
        (Behaviour("running"), Behaviour("running", "healthy")),
        (Behaviour("exited with code 3", log=("a",)), Behaviour("exited with code 3", log=("b",))),
    ],
)
def test_behaviour_that_is_as_good_or_better(before: Behaviour, after: Behaviour) -> None:
    assert compare_behaviour(before, after, RUN) == []

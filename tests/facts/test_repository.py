"""The address a repository's sources come from."""

from pathlib import Path

import pytest

from dockopt.facts.repository import remote, web_address
from dockopt.facts.value import Known, Unknown


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://github.com/acme/api.git", "https://github.com/acme/api"),
        ("https://ada:token@github.com/acme/api.git", "https://github.com/acme/api"),
        ("https://token@git.example.org:8443/acme/api/", "https://git.example.org:8443/acme/api"),
        ("git+https://github.com/acme/api.git", "https://github.com/acme/api"),
        ("git@github.com:acme/api.git", "https://github.com/acme/api"),
        ("ssh://git@gitlab.com/acme/api.git", "https://gitlab.com/acme/api"),
        ("git@git.example.org:acme/api.git", "ssh://git@git.example.org/acme/api"),
        ("/srv/git/api.git", None),
        ("../api", None),
        ("file:///srv/git/api.git", None),
        ("C:\\git\\api", None),
        ("http://localhost:3000/acme/api", None),
        ("https://github.com/", None),
        ("", None),
    ],
)
def test_address(given: str, address: str | None) -> None:
    assert web_address(given) == address


def _repository(folder: Path, config: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text(config)
    return folder


def test_origin_is_preferred_and_found_from_below(tmp_path: Path) -> None:
    root = _repository(
        tmp_path / "r",
        '[remote "fork"]\n\turl = https://github.com/me/api\n[remote "origin"]\n\turl = https://github.com/acme/api\n',
    )
    (root / "services").mkdir()
    assert remote(str(root / "services")) == Known("https://github.com/acme/api", "git remote origin")


def test_the_only_remote_counts_several_without_origin_do_not(tmp_path: Path) -> None:
    one = _repository(tmp_path / "one", '[remote "up"]\n\turl = https://github.com/acme/api\n')
    assert remote(str(one)) == Known("https://github.com/acme/api", "git remote up")
    two = _repository(
        tmp_path / "two",
        '[remote "a"]\nurl = https://github.com/a/a\n[remote "b"]\nurl = https://github.com/b/b\n[branch "main"]\n',
    )
    assert isinstance(remote(str(two)), Unknown)


def test_a_worktree_shares_its_configuration(tmp_path: Path) -> None:
    root = _repository(tmp_path / "main", '[remote "origin"]\n\turl = https://github.com/acme/api\n')
    own = root / ".git" / "worktrees" / "side"
    own.mkdir(parents=True)
    (own / "commondir").write_text("../..\n")
    side = tmp_path / "side"
    side.mkdir()
    (side / ".git").write_text(f"gitdir: {own}\n")
    assert remote(str(side)) == Known("https://github.com/acme/api", "git remote origin")


def test_no_repository_and_a_broken_link_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert isinstance(remote(str(tmp_path / "plain")), Unknown)

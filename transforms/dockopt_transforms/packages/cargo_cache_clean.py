"""Cargo without its registry."""

from __future__ import annotations

from dockopt.api import Command, Facts, Invocation, Phase, ScriptView
from dockopt_transforms.packages._build import BuildCleaner


class CargoCacheClean(BuildCleaner):
    """Remove Cargo's registry and git checkouts in the RUN that builds.

    What:
        Adds ``rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry "${CARGO_HOME:-$HOME/.cargo}"/git`` behind the last
        use of cargo in a RUN that builds or installs, in stages an image is made from.

    Why:
        Cargo keeps the index, the archives and the unpacked sources of every crate.

    Safety:
        Safe: Cargo's book lists these directories as cache; programs that are built do not read them.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps the cache out of the layer already
        cache-configured: a flag or a variable names a cache directory
        cache-needed: a later RUN uses, or may use, the cache
        runtime-use: the image may run the tool when it starts, or what it runs is not in this file
        conditional-use: whether the tool runs at all is decided in the script
        no-place: what follows looks at the exit status, and a command between would change it

    References:
        https://doc.rust-lang.org/cargo/guide/cargo-home.html
    """

    id = "cargo-cache-clean"
    phase = Phase.LAYERS
    family = "packages"
    manager = "cargo"
    caches = ("~/.cargo/registry", "~/.cargo/git", "/usr/local/cargo/registry", "/usr/local/cargo/git")
    clean = 'rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry "${CARGO_HOME:-$HOME/.cargo}"/git'

    def fills(self, call: Invocation) -> bool:
        return call.verb in ("build", "b", "install", "fetch", "test", "check", "rustc")

    def text(self, facts: Facts, view: ScriptView, call: Invocation) -> str:
        return call.privilege + self.clean

    def cleans(self, command: Command, call: Invocation | None) -> bool:
        by_variable = any("CARGO_HOME" in word.text and "registry" in word.text for word in command.words)
        return by_variable or super().cleans(command, call)

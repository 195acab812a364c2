"""Rust manifests: Cargo.toml and its binary targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import as_list, as_table, describe, join, load_toml, present
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context


def rust(context: Context, root: str) -> App | None:
    """A Rust crate or workspace by its Cargo.toml."""
    path = join(root, "Cargo.toml")
    if not context.is_file(path):
        return None
    locks = present(context, root, ("Cargo.lock",))
    extras = present(context, root, ("rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml", ".cargo/config"))
    manifest = load_toml(context, path)
    if isinstance(manifest, Unknown):
        return App("rust", root, path, manifest, (path, *extras), locks, manifest, build=manifest, outputs=manifest)
    data = manifest.value
    package = as_table(data.get("package"))
    needs: Known[bool] | Unknown = Known(
        True, f"{path}: cargo wants a source file of every target, if only an empty one"
    )
    if "workspace" in data:
        needs = Known(True, f"{path}: a workspace")
    elif package.get("build") or context.is_file(join(root, "build.rs")):
        needs = Known(True, f"{path}: a build script")
    binaries = [
        one["name"] for one in as_list(data.get("bin")) if isinstance(one, dict) and isinstance(one.get("name"), str)
    ]
    name = package.get("name")
    if isinstance(name, str) and context.is_file(join(root, "src/main.rs")) and name not in binaries:
        binaries.insert(0, name)
    binaries += [one.removesuffix(".rs") for one in context.names(join(root, "src/bin")) if one.endswith(".rs")]
    outputs: Known[tuple[str, ...]] | Unknown
    outputs = (
        Known(tuple(f"target/release/{one}" for one in binaries), path)
        if binaries
        else Unknown(f"{path} has no binary target of its own")
    )
    metadata = {key: value for key, value in package.items() if not isinstance(value, dict)}
    return App("rust", root, path, Known("cargo", path), (path, *extras), locks, needs, build=Known(("cargo", "build", "--release"), path),
               outputs=outputs, metadata=describe(metadata, path))  # fmt: skip

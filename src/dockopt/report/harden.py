"""A hardened container as a ``docker run`` line, a compose service and a part of a Kubernetes pod, and for programs.

Version 1 of the JSON, which only ever gains keys::

    {
      "version": 1, "dockopt": "0.1.0", "command": "harden",
      "files": [
        {
          "path": "api/Dockerfile", "error": null,      # or {"message": "…", "line": 3}
          "name": "api", "user": "10001:10001", "uid": 10001, "gid": 10001,
          "ports": ["8000/tcp"], "capabilities": [],
          "folders": [{"path": "/tmp", "keep": false, "evidence": "…"}],
          "notes": ["…"],
          "docker": "docker run …", "compose": "services: …", "kubernetes": "spec: …"
        }
      ],
      "errors": []                                      # those that belong to no file
    }
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockopt import __version__
from dockopt.engine.harden import Hardening, volume_name


class Hardened(NamedTuple):
    """A file and what it came to."""

    path: str
    hardening: Hardening


def text(each: Hardened, *, colour: bool = False) -> str:
    """One file's answer: the notes, then the three forms."""
    made = each.hardening
    out = [_bold(each.path, colour)]
    out += [f"  note: {note}" for note in made.notes]
    out += [f"  {'volume' if folder.keep else 'tmpfs'} {folder.path} ({folder.evidence})" for folder in made.folders]
    for title, body in (
        ("docker run", docker(made)),
        ("compose.yaml", compose(made)),
        ("Kubernetes pod", kubernetes(made)),
    ):
        out += ["", _bold(f"# {title}", colour), body.rstrip("\n")]
    return "\n".join(out) + "\n"


def docker(made: Hardening) -> str:
    """A ``docker run`` command, one option a line."""
    parts = ["docker run --rm --read-only", "--cap-drop ALL"]
    parts += [f"--cap-add {name}" for name in made.capabilities]
    parts.append("--security-opt no-new-privileges:true")
    parts += [f"--tmpfs {_memory(made, folder.path)}" for folder in made.folders if not folder.keep]
    parts += [
        f"--volume {made.name}-{volume_name(folder.path)}:{folder.path}" for folder in made.folders if folder.keep
    ]
    parts += [f"--publish {_mapping(port)}" for port in made.ports]
    parts.append(made.name)
    return " \\\n  ".join(parts) + "\n"


def compose(made: Hardening) -> str:
    """A compose file with the one service."""
    lines = ["services:", f"  {made.name}:", f"    image: {made.name}", "    read_only: true", "    cap_drop: [ALL]"]
    if made.capabilities:
        lines.append(f"    cap_add: [{', '.join(made.capabilities)}]")
    lines.append("    security_opt: [no-new-privileges:true]")
    memory = [folder.path for folder in made.folders if not folder.keep]
    if memory:
        lines.append("    tmpfs:")
        lines += [f"      - {_memory(made, path)}" for path in memory]
    kept = [folder.path for folder in made.folders if folder.keep]
    if kept:
        lines.append("    volumes:")
        lines += [f"      - {volume_name(path)}:{path}" for path in kept]
    if made.ports:
        lines.append("    ports:")
        lines += [f'      - "{_mapping(port)}"' for port in made.ports]
    if kept:
        lines += ["", "volumes:"]
        lines += [f"  {volume_name(path)}:" for path in kept]
    return "\n".join(lines) + "\n"


def kubernetes(made: Hardening) -> str:
    """The ``spec`` of a pod."""
    lines = ["spec:", "  securityContext:"]
    root = made.uid == 0
    if not root and made.user:
        lines.append("    runAsNonRoot: true")
    if made.uid:
        lines.append(f"    runAsUser: {made.uid}")
        group = made.gid if made.gid is not None else made.uid
        if made.gid is not None:
            lines.append(f"    runAsGroup: {made.gid}")
        if any(folder.keep for folder in made.folders):
            lines.append(f"    fsGroup: {group}")
    lines += ["    seccompProfile:", "      type: RuntimeDefault", "  containers:"]
    lines += [f"    - name: {made.name}", f"      image: {made.name}"]
    if made.ports:
        lines.append("      ports:")
        for port in made.ports:
            number, _, protocol = port.partition("/")
            lines.append(f"        - containerPort: {number}")
            if protocol == "udp":
                lines.append("          protocol: UDP")
    lines += [
        "      securityContext:",
        "        readOnlyRootFilesystem: true",
        "        allowPrivilegeEscalation: false",
        "        capabilities:",
        "          drop: [ALL]",
    ]
    if made.capabilities:
        lines.append(f"          add: [{', '.join(made.capabilities)}]")
    lines.append("      volumeMounts:")
    for folder in made.folders:
        lines += [f"        - name: {volume_name(folder.path)}", f"          mountPath: {folder.path}"]
    lines.append("  volumes:")
    for folder in made.folders:
        name = volume_name(folder.path)
        lines.append(f"    - name: {name}")
        if folder.keep:
            lines += ["      persistentVolumeClaim:", f"        claimName: {made.name}-{name}"]
        else:
            lines += ["      emptyDir:", "        medium: Memory"]
    return "\n".join(lines) + "\n"


def _memory(made: Hardening, path: str) -> str:
    """A tmpfs over a folder of the image takes that folder's mode, and root for its owner."""
    if path == "/tmp" or made.uid == 0 or not made.user:
        return path
    if made.uid is None:
        return f"{path}:mode=1777"
    return f"{path}:uid={made.uid}" + (f",gid={made.gid}" if made.gid is not None else "")


def _mapping(port: str) -> str:
    number, _, protocol = port.partition("/")
    return f"{number}:{number}" + (f"/{protocol}" if protocol == "udp" else "")


def report(made: Iterable[Hardened], errors: Sequence[str] = ()) -> str:
    """The whole report for programs, one line ended by a newline."""
    import json

    files = [_file(each) for each in made]
    value = {"version": 1, "dockopt": __version__, "command": "harden", "files": files, "errors": list(errors)}
    return json.dumps(value, separators=(",", ":")) + "\n"


def _file(each: Hardened) -> dict[str, object]:
    made = each.hardening
    if made.error is not None:
        return {"path": each.path, "error": {"message": made.error, "line": made.error_line}}
    return {
        "path": each.path,
        "error": None,
        "name": made.name,
        "user": made.user,
        "uid": made.uid,
        "gid": made.gid,
        "ports": list(made.ports),
        "capabilities": list(made.capabilities),
        "folders": [folder._asdict() for folder in made.folders],
        "notes": list(made.notes),
        "docker": docker(made),
        "compose": compose(made),
        "kubernetes": kubernetes(made),
    }


def _bold(line: str, colour: bool) -> str:
    return f"\x1b[1m{line}\x1b[m" if colour else line

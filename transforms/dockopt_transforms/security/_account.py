"""Accounts: which one a container can run as, and how a distribution makes one."""

from __future__ import annotations

from typing import NamedTuple

from dockopt.api import BaseImage

NAME = "appuser"
# What useradd and adduser write besides the home folder, with the copies and locks they leave.
RECORDS = (
    "/etc/passwd*",
    "/etc/shadow*",
    "/etc/group*",
    "/etc/gshadow*",
    "/etc/subuid*",
    "/etc/subgid*",
    "/etc/.pwd.lock",
    f"/var/mail/{NAME}",
    f"/var/spool/mail/{NAME}",
)
UID = 10001  # above what distributions, and the people whose folders are mounted, give out


class Account(NamedTuple):
    """What USER, ``--chown`` and the commands that make the account say."""

    user: str  #: for USER
    owner: str  #: for ``--chown``
    numeric: str  #: the same as numbers, empty where they are not known
    commands: tuple[str, ...]  #: to be run as root; empty for an account the image brings


def account_for(image: BaseImage, home: bool) -> Account | None:
    """The account to run as on an image; None where none is there and nothing to make one with.

    :param home: whether the program wants a home folder: interpreters and package managers keep caches there.
    """
    if image.family == "scratch":
        return Account("65532:65532", "65532:65532", "65532:65532", ())
    own = image.nonroot
    if own is not None:
        uid = image.users.get(own, "")
        return Account(own, f"{own}:{own}", f"{uid}:{uid}" if uid else "", ())
    if image.minimal or NAME in image.users:
        return None
    numeric = f"{UID}:{UID}"
    if {"useradd", "groupadd"} <= image.tools:
        flag = "--create-home" if home else "--no-create-home"
        make = (
            f"groupadd --gid {UID} {NAME}",
            f"useradd --uid {UID} --gid {UID} --no-log-init {flag} --shell /usr/sbin/nologin {NAME}",
        )
    elif image.family in ("alpine", "busybox") and {"adduser", "addgroup"} <= image.tools:
        flag = "" if home else " -H"
        make = (f"addgroup -g {UID} {NAME}", f"adduser -D{flag} -u {UID} -G {NAME} -s /sbin/nologin {NAME}")
    else:
        return None
    return Account(numeric, numeric, numeric, make)

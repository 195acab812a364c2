"""What secret-mounts tells people to write."""

import pytest

from dockopt.api import Options, rewrite


@pytest.mark.parametrize(
    ("copy", "target"),
    [
        ("COPY .npmrc .npmrc", "/app/.npmrc"),
        ("COPY .npmrc .", "/app/.npmrc"),
        ("COPY .npmrc conf/", "/app/conf/.npmrc"),
        ("COPY .npmrc /root/.npmrc", "/root/.npmrc"),
    ],
)
def test_the_target_of_a_mount_is_absolute(copy: str, target: str) -> None:
    text = f"FROM node:22\nWORKDIR /app\n{copy}\nCOPY package.json .\nRUN npm install\n"
    outcome = rewrite(text.encode(), Options(select=("secret-mounts",)))
    told = [entry.message for entry in outcome.entries if entry.kind == "manual"]
    assert len(told) == 1 and f",target={target} " in told[0]

"""Facts of base images that only a registry knows, and what transforms make of them."""

from __future__ import annotations

from dockopt.api import load
from dockopt.engine.harden import harden
from dockopt.engine.model import Outcome
from dockopt.engine.pipeline import Options, rewrite
from dockopt.engine.score import score
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside
from dockopt.facts.value import Known, Unknown
from tests.online.server import Registry, Reply, answering

ONLINE = Outside(online=())


def facts(text: str, outside: Outside = ONLINE) -> Facts:
    return Facts(load(text.encode()), outside)


def fix(text: str, *select: str, outside: Outside | None = ONLINE, unsafe: bool = True) -> Outcome:
    outcome = rewrite(text.encode(), Options(unsafe=unsafe, select=select), outside)
    assert [entry for entry in outcome.entries if entry.kind == "defect"] == []
    again = rewrite(outcome.after, Options(unsafe=unsafe, select=select), outside)
    assert again.after == outcome.after
    return outcome


def causes(outcome: Outcome) -> dict[str, str]:
    return {entry.cause: entry.message for entry in outcome.entries if entry.kind == "refused"}


def test_nobody_is_asked_without_being_told_to(registry: Registry) -> None:
    registry.image("quiet/base", "1", User="app", WorkingDir="/srv")
    for outside in (None, Outside()):
        one = Facts(load(f"FROM {registry.host}/quiet/base:1\n".encode()), outside)
        assert one.base_image(one.stages.all[0]) is None and one.surroundings.warnings == ()
        assert one.digest(f"{registry.host}/quiet/base:1") is None
        assert one.current_version(f"{registry.host}/quiet/base:1") is None


def test_the_state_a_stage_starts_with(registry: Registry) -> None:
    registry.image("state/base", "1", User="app", WorkingDir="/srv", Env=["PATH=/opt/bin:/bin", "HOME=/srv"])
    one = facts(f'FROM {registry.host}/state/base:1\nWORKDIR data\nENV PATH=$PATH:/x\nCMD ["x"]\n')
    end = one.states.of_stage(one.stages.all[0]).end
    assert isinstance(end.user, Known) and end.user.value == "app" and "configuration of" in end.user.evidence
    assert isinstance(end.workdir, Known) and end.workdir.value == "/srv/data"
    assert end.env["PATH"] == "/opt/bin:/bin:/x" and end.env["HOME"] == "/srv"
    # What the image sets is not what the file sets.
    assert one.config(one.stages.all[0]).keys() == {"workdir", "env:PATH", "cmd"}


def test_why_a_state_is_unknown(registry: Registry) -> None:
    one = facts(f"FROM {registry.host}/state/none:1\n")
    user = one.states.of_stage(one.stages.all[0]).end.user
    assert isinstance(user, Unknown)
    host = registry.host
    assert user.reason == (
        f"the base image {host}/state/none:1 is not in the table, and {host} on {host}/state/none:1: it is not there"
    )


def test_the_platform_of_from(registry: Registry) -> None:
    images = {
        "linux/amd64": registry.image("plat/base", "", User="amd"),
        "linux/arm64": registry.image("plat/base", "", architecture="arm64", User="arm"),
    }
    registry.index("plat/base", "1", images)
    for flag, user in (("", "amd"), ("--platform=linux/arm64 ", "arm"), ("--platform=$TARGETPLATFORM ", "amd")):
        one = facts(f"FROM {flag}{registry.host}/plat/base:1\n")
        image = one.base_image(one.stages.all[0])
        assert image is not None and image.user == user


def test_the_shell_of_the_image(registry: Registry) -> None:
    registry.image("shell/power", "1", Shell=["pwsh", "-command"])
    registry.image("shell/bash", "1", Shell=["/bin/bash", "-eo", "pipefail", "-c"])
    power = facts(f"FROM {registry.host}/shell/power:1\nRUN pip install x\n")
    assert power.scripts[0].opaque is not None and power.invocations("pip") == []
    bash = facts(f"FROM {registry.host}/shell/bash:1\nRUN pip install x\n")
    assert bash.scripts[0].opaque is None and bash.shell(bash.scripts[0]) == "bash"
    text = f"FROM {registry.host}/shell/bash:1\nRUN curl -fsSL https://example.com/x.tgz | tar xz\n"
    assert fix(text, "pipefail").after == text.encode()


def test_a_new_tag_of_a_known_image_keeps_what_the_table_says(registry: Registry) -> None:
    registry.image("library/python", "3.99-slim", User="app", WorkingDir="/srv", Cmd=["python3"])
    mirrored = Outside(online=(f"http://{registry.host}",))
    one = facts("FROM python:3.99-slim\n", mirrored)
    image = one.base_image(one.stages.all[0])
    assert image is not None
    assert (image.name, image.family, image.manager) == ("python", "debian", "apt")  # of the table
    assert (image.user, image.workdir, image.cmd) == ("app", "/srv", '["python3"]')  # of the registry
    assert not image.exact and not image.online


def test_known_images_are_not_asked_for(registry: Registry) -> None:
    with answering({}) as (host, asked):
        one = facts("FROM python:3.13-slim\nUSER app\n", Outside(online=(f"http://{host}",)))
        assert isinstance(one.states.of_stage(one.stages.all[0]).end.user, Known)
        fix("FROM python:3.13-slim\nRUN pip install x\n", "pip-no-cache-dir", outside=one.surroundings.outside)
    assert asked == []


def test_windows_images_are_not_asked_for() -> None:
    with answering({}) as (host, asked):
        one = facts(f"FROM {host}/nanoserver:1\nRUN dir\n")
        assert one.base_image(one.stages.all[0]) is None
        assert causes(fix(f"FROM {host}/nanoserver:1\n", "pin-base")) == {}
    assert asked == []


def test_absolute_workdir(registry: Registry) -> None:
    registry.image("work/base", "1", WorkingDir="/srv")
    text = f"FROM {registry.host}/work/base:1\nWORKDIR app\n"
    assert fix(text, "absolute-workdir", outside=Outside()).after == text.encode()
    assert fix(text, "absolute-workdir").after == text.replace("WORKDIR app", "WORKDIR /srv/app").encode()


def test_the_configuration_alone_does_not_authorise(registry: Registry) -> None:
    """No list of programs, no distribution, no files: what hangs on these still refuses.

    The environment is all there, so node-env may say that nobody sets its variable; so is the user, whose home and
    rights are all that cache-mounts goes by.
    """
    registry.image("alone/base", "1", Cmd=["node", "server.js"], Entrypoint=["docker-entrypoint.sh"])
    text = (
        f"FROM {registry.host}/alone/base:1\nRUN apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n"
        'COPY . .\nRUN yarn install && yarn build\nEXPOSE 3000\nCMD ["node", "server.js"]\n'
    )
    before = fix(text, outside=Outside())
    after = fix(text)
    ran = {entry.transform for entry in after.entries if entry.kind == "applied"}
    assert ran - {entry.transform for entry in before.entries if entry.kind == "applied"} == {
        "cache-mounts",
        "node-env",
        "pin-base",
    }


def test_a_health_check_of_the_image_stays(registry: Registry) -> None:
    registry.image("health/base", "1", Healthcheck={"Test": ["CMD", "true"]})
    text = f'FROM {registry.host}/health/base:1\nEXPOSE 3000\nCMD ["node", "server.js"]\n'
    assert causes(fix(text, "add-healthcheck")) == {}
    lines = {line.id: line for line in score(text.encode(), ONLINE).lines}
    assert any("has a HEALTHCHECK" in line.evidence and line.status == "pass" for line in lines.values())


def test_score_does_not_call_root_what_the_entrypoint_may_leave(registry: Registry) -> None:
    registry.image("root/entry", "1", Entrypoint=["/start"])
    registry.image("root/plain", "1", Cmd=["x"])
    for name, status in (("entry", "unknown"), ("plain", "fail")):
        lines = score(f"FROM {registry.host}/root/{name}:1\n".encode(), ONLINE).lines
        assert [line.status for line in lines if line.id == "non-root"] == [status]


def test_harden_knows_user_and_ports(registry: Registry) -> None:
    registry.image("harden/base", "1", User="1001", ExposedPorts={"8080/tcp": {}})
    hardening = harden(f"FROM {registry.host}/harden/base:1\n".encode(), ONLINE)
    assert (hardening.user, hardening.uid, hardening.ports) == ("1001", 1001, ("8080/tcp",))


def test_a_registry_that_is_down_changes_nothing_else() -> None:
    text = "FROM {}/acme/base:1\nMAINTAINER ann\nRUN pip install x\nWORKDIR app\n"
    with answering({"/v2/acme/base/manifests/1": Reply(500)}) as (host, asked):
        online, offline = fix(text.format(host)), fix(text.format(host), outside=Outside())
        assert online.after == offline.after
        assert online.warnings == (f"{host} answers 500 Internal Server Error",) and offline.warnings == ()
    assert len(asked) == 1

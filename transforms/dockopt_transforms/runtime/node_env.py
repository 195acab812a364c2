"""NODE_ENV, which libraries read to know that it is meant."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Known, Phase, Proposal, Refusal, Safety, Transform, base_name
from dockopt_transforms._tables import word_set
from dockopt_transforms.runtime._start import Start, env_text, insert_late, start_of

_MANAGERS = word_set("npm yarn pnpm bun npx")
_RUNTIMES = word_set("node nodejs pm2-runtime next nest nuxt serve tsx ts-node bun")
# Words of a command that is there to develop with.
_DEVELOPMENT = word_set(
    "dev develop development watch start:dev start:watch dev:start nodemon ts-node-dev react-scripts vite ng vue-cli-service "
    "webpack-dev-server webpack gulp grunt parcel test storybook --watch --inspect --inspect-brk --hot"
)


class NodeEnv(Transform):
    """Set ``NODE_ENV=production`` in the image that runs.

    What:
        Adds ``ENV NODE_ENV=production`` above CMD, below every build step: installs and builds do not see it.

    Why:
        Express keeps its views and hides stack traces only then; React and many libraries leave their checks for
        developers out.

    Safety:
        Unsafe: libraries behave differently, which is what it is for.

    Refuses:
        development-command: the image starts a development server
        command-unknown: what the start command runs is not known
        base-unknown: what the base image sets by itself is not known

    References:
        https://expressjs.com/en/advanced/best-practice-performance.html
        https://nodejs.org/en/learn/getting-started/nodejs-the-difference-between-development-and-production
    """

    id = "node-env"
    phase = Phase.RUNTIME
    after = ("exec-form", "python-env")
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("node", "npm", "yarn", "pnpm", "bun ", '"bun', "/bun")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or facts.mentions("node_env") or start.program not in _RUNTIMES | _MANAGERS:
            return
        stage = start.stage
        image = facts.base_image(stage)
        problem = _problem(start, facts)
        if problem is not None:
            yield Refusal(start.node, *problem)
        elif image is None:
            yield Refusal(start.node, "base-unknown", "what the base image sets by itself is not known")
        elif "NODE_ENV" not in image.env:

            def edit(editor: Editor) -> None:
                insert_late(editor, stage, env_text(document, [("NODE_ENV", "production")], editor.eol))

            yield Proposal(
                start.node,
                "set NODE_ENV=production for the running image",
                edit,
                safety=Safety.UNSAFE,
                effects=Effects(config=("env:NODE_ENV",)),
                evidence=(image.evidence,),
            )


def _problem(start: Start, facts: Facts) -> tuple[str, str] | None:
    words = start.words
    if start.program in _MANAGERS:
        if develops(words):
            return "development-command", f"{' '.join(words)} is a command to develop with"
        app = facts.app
        if not isinstance(app, Known):
            return "command-unknown", f"what {' '.join(words)} runs is not known: {app.reason}"
        command = app.value.details.get("command")
        if command is None:
            why = facts.unread_manifest("package.json") or "its script is no plain command"
            return "command-unknown", f"what {' '.join(words)} runs is not known: {why}"
        words = tuple(command.value.split())
    if develops(words):
        return "development-command", f"{' '.join(words)} is a command to develop with"
    return None


def develops(words: tuple[str, ...]) -> bool:
    """Whether a command is there to develop with: it builds, watches or writes caches beside the sources."""
    return any(base_name(word).partition("=")[0] in _DEVELOPMENT for word in words)

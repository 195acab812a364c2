"""Reads Dockerfiles with BuildKit 0.12.5's parser (PyPI ``dockerfile``), one JSON line in, one out.

A process of its own, because the Go runtime inside ``dockerfile`` hangs in a child that was forked after
the import, and pytest-xdist or a test may fork.
"""

from __future__ import annotations

import json
import sys

import dockerfile


def main() -> None:
    for line in sys.stdin:
        try:
            commands = [command._asdict() for command in dockerfile.parse_string(json.loads(line))]
            for command in commands:
                command["heredocs"] = [heredoc._asdict() for heredoc in command["heredocs"]]
            answer: object = {"commands": commands}
        except dockerfile.GoParseError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

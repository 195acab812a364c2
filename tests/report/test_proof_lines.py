"""What ``verify`` says of a file that could not be read: its error, and nothing of a proof."""

from dockopt.api import Outcome
from dockopt.build.session import Handled
from dockopt.build.verify import Proof
from dockopt.report.proof import lines
from dockopt.workspace.run import Result


def test_a_file_with_an_error_is_not_called_proven_or_not() -> None:
    outcome = Outcome(b"FROM\n", b"FROM\n", (), "FROM requires arguments", 1)
    broken = Handled(Result("a/Dockerfile", error="FROM requires arguments"), Proof(outcome))
    clean = Handled(Result("b/Dockerfile"), Proof(Outcome(b"FROM a\n", b"FROM a\n", ())))
    assert list(lines([broken, clean], verbose=False)) == ["b/Dockerfile: nothing to prove"]

"""What a transform is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dockopt.engine.model import Phase, Proposal, Refusal
from dockopt.facts.facts import Facts
from dockopt.syntax.document import Document


class Transform:
    """One rewrite. Subclasses say what they are in class attributes and yield what they propose.

    The class docstring is the documentation: a summary line in the imperative, then the sections
    ``What``, ``Why``, ``Safety``, ``Refuses`` (one ``cause``: sentence a line) and ``References``.
    """

    id: ClassVar[str]  #: an imperative in lower case with dashes
    phase: ClassVar[Phase]
    family: ClassVar[str] = ""  #: the catalogue's heading, where it is not the phase's name
    aliases: ClassVar[tuple[str, ...]] = ()  #: other tools' names for it: ``DL3059``
    after: ClassVar[tuple[str, ...]] = ()  #: transforms of the same phase that run before
    default: ClassVar[bool] = True  #: False: runs only when selected by name
    safety: ClassVar[str] = "safe"  #: the most daring of its proposals: ``safe``, ``unsafe`` or ``manual``
    mildest: ClassVar[str] = "safe"
    """The least daring of its proposals. One that never proposes anything safe is asked once, at the end, where
    unsafe fixes are not wanted: what it has to say changes nothing for the others."""
    local: ClassVar[bool] = False
    """Whether what it proposes for an instruction hangs on that instruction and on nothing that another local
    transform changes. What such transforms propose for different instructions is made in one edit, and they are not
    asked again at once: where a change of theirs calls for another of their own, the next round finds it."""
    form: ClassVar[bool] = False
    """Of one that is local: whether it changes how instructions other than RUN are written, each in its place and on as
    many lines, and not what they do."""
    scripts: ClassVar[bool] = False
    """Whether what it proposes changes RUN instructions, and hangs on what is run and in which state, not on how the
    other instructions are written. What those that change the form alone propose is then made together with it."""
    thorough: ClassVar[bool] = False
    """Whether one pass over a text leaves it nothing more to propose for what it made of it."""
    instructions: ClassVar[tuple[str, ...]] = ()
    """Instructions by name, in capitals (``ONBUILD`` for what stands behind it); in a file that has none of them the
    transform has nothing to say and is not even imported. Empty: it looks at every file."""
    managers: ClassVar[tuple[str, ...]] = ()
    """Package managers (:attr:`dockopt.facts.managers.Manager.name`); in a file that calls none of them in a script
    that can be edited the transform has nothing to say either."""
    mentions: ClassVar[tuple[str, ...]] = ()
    """Lower-case strings; in a file whose text holds none of them the transform has nothing to say either."""

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        """Yield every change worth making and every place left alone with its reason."""
        raise NotImplementedError

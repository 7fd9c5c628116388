"""Printed commands that go to the cluster the answer came from: with the flags that named it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from kubectl_oom.show.words import one_line, shell_words

if TYPE_CHECKING:
    from collections.abc import Sequence


def in_the_same_cluster(command: str, flags: Sequence[str]) -> str:
    """The command line with these flags (`--context`, `prod`), once for every kubectl in it.

    kubectl takes them before its own commands, where a `--` further on cannot swallow them; a plugin takes them only
    after its name.
    """
    if not flags:
        return command
    given = " ".join(shlex.quote(one_line(flag)) for flag in flags)
    words = shell_words(command)
    if [word.strip() for word in words[:2]] == ["kubectl", "oom"]:
        return f"{command} {given}"
    before = ["|", *(word.strip() for word in words)]
    return "".join(
        f"{word.rstrip()} {given} " if (previous, word.strip()) == ("|", "kubectl") else word
        for previous, word in zip(before, words, strict=False)
    )

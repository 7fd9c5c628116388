"""What can stand at the cursor: for each argument and option that has an answer, what completes it.

Loaded with every command, so it loads nothing itself; a cluster is asked only where a name of its is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click
    from click.shell_completion import CompletionItem

    from kubectl_oom.read.source import Kind

    Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(values: Iterable[str]) -> Completion:
    """The completion of an option that takes one of these."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(values, incomplete)

    return complete


def files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell, which knows the files."""
    return _items([incomplete], "", type="file")


def folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell, which knows the folders."""
    return _items([incomplete], "", type="dir")


def contexts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kubeconfig's contexts; after a comma the next one, for lists of them."""
    before, comma, begun = incomplete.rpartition(",") if param.name == "contexts" else ("", "", incomplete)
    return _items([before + comma + name for name in _in_kubeconfig(ctx, param, "contexts")], before + comma + begun)


def clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kubeconfig's clusters."""
    return _items(_in_kubeconfig(ctx, param, "clusters"), incomplete)


def users(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kubeconfig's users."""
    return _items(_in_kubeconfig(ctx, param, "users"), incomplete)


def namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The cluster's namespaces."""
    from kubectl_oom.cli.asking import namespaces_in

    return _items(namespaces_in(_given(ctx, param)), incomplete)


def containers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The containers of the first pod or workload that is named before."""
    from kubectl_oom.cli.asking import containers_in
    from kubectl_oom.read.kinds import known
    from kubectl_oom.read.source import PODS

    values = _given(ctx, param)
    words = values.get("words") or ()
    if not words:
        return []
    typed, slash, name = words[0].partition("/")
    kind = known(typed) if slash or len(words) > 1 else PODS
    name = name if slash else words[min(1, len(words) - 1)]
    return _items(containers_in(values, kind, name) if kind else [], incomplete)


def targets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a command can look at: `NAME`, `TYPE/NAME`, or the names of the TYPE before."""
    from kubectl_oom.read.kinds import known

    words = ctx.params.get("words") or ()
    is_selection = bool(ctx.params.get("all_namespaces") or ctx.params.get("selector"))  # names cannot be given then
    typed, slash, _begun = incomplete.partition("/")
    if slash:
        kind = known(typed)
        may_stand = kind and not is_selection and all("/" in word for word in words)
        return _names(ctx, kind, incomplete, f"{typed}/") if kind and may_stand else []
    if not words and not is_selection:
        from kubectl_oom.read.source import PODS

        return _names(ctx, PODS, incomplete, "") + _kinds(incomplete, "/")
    if not words or all("/" in word for word in words):
        return _kinds(incomplete, "" if is_selection else "/")
    kind = known(words[0])
    return _names(ctx, kind, incomplete, "") if kind and not is_selection else []


def _names(ctx: click.Context, kind: Kind, incomplete: str, before: str) -> list[CompletionItem]:
    """The names of that kind that are not on the line yet, those to look at first before the others."""
    from kubectl_oom.cli.asking import names_in

    taken = set(ctx.params.get("words") or ())
    found = {before + name: own for name, own in names_in(ctx.params, kind) if before + name not in taken}
    return [item for value, own in found.items() for item in _items([value], incomplete, help=own or None)]


def _kinds(begun: str, after: str) -> list[CompletionItem]:
    """One word for each kind: the usual one where nothing is typed yet, else one that goes on from there."""
    from kubectl_oom.read.kinds import NAMES

    fits = {kind: [word for word in words if word.startswith(begun.lower())] for kind, words in NAMES.items()}
    # What is typed stays as it is: shells put away a candidate that begins otherwise.
    offered = {begun + words[0][len(begun) :] + after: kind for kind, words in fits.items() if words}
    return [item for value, kind in offered.items() for item in _items([value], begun, help=kind.name)]


def _in_kubeconfig(ctx: click.Context, param: click.Parameter, section: str) -> list[str]:
    from kubectl_oom.cli.asking import entries_in

    return entries_in(_given(ctx, param), section)


def _given(ctx: click.Context, param: click.Parameter) -> dict[str, Any]:
    """What the line says beside the option at the cursor.

    The value of that option is missing, and click gives up the words of a line with such an end: so it gets one.
    """
    words = list(ctx.obj or ())
    if words and words[-1] in param.opts:
        words.append("")
    return ctx.command.make_context(ctx.info_name, words, parent=ctx.parent, resilient_parsing=True).params


def _items(values: Iterable[str], incomplete: str, **more: Any) -> list[CompletionItem]:  # noqa: ANN401 - click's own
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, **more) for value in values if value.startswith(incomplete)]

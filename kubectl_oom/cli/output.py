"""In which form a command answers: the flags, and what they mean on this terminal."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.help import decorated
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "name")
HISTORY_OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "svg")
RECOMMEND_OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "csv", "hpa")
REPORT_OUTPUTS = ("markdown", "html", "json")
FIX_OUTPUTS = ("text", "wide", "json", "yaml", "changes", "patch", "kustomize", "helm-values", "markdown")
DOCTOR_OUTPUTS = ("text", "json", "yaml")
NARROWEST, WIDEST = 40, 400


def format_option(formats: tuple[str, ...]) -> Callable[[F], F]:
    """`-o`: one of these, the first where none is named."""
    return click.option(
        "-o",
        "--output",
        default=formats[0],
        show_default=True,
        metavar="FORMAT",
        shell_complete=choices.one_of(formats),
        help="One of: " + ", ".join(formats),
    )


def width_option(otherwise: str = "the terminal's, else 80") -> Callable[[F], F]:
    """`--width`: columns of text, with what holds where none is given."""
    return click.option(
        "--width",
        type=click.IntRange(NARROWEST, WIDEST),
        metavar="COLUMNS",
        help=f"Width of text (default: {otherwise})",
    )


def output_options(function: F, formats: tuple[str, ...] = OUTPUTS) -> F:
    """Form of the answer."""
    return decorated(function, [format_option(formats), width_option()])


def history_output_options(function: F) -> F:
    """Form of a history: it has no names to print, and a picture."""
    return output_options(function, HISTORY_OUTPUTS)


def recommend_output_options(function: F) -> F:
    """Form of recommendations: they go into spreadsheets too."""
    return output_options(function, RECOMMEND_OUTPUTS)


def fix_output_options(function: F) -> F:
    """Form of a change: what belongs in git too."""
    return output_options(function, FIX_OUTPUTS)


def doctor_output_options(function: F) -> F:
    """Form of a checkup: a table, or data."""
    return output_options(function, DOCTOR_OUTPUTS)


def report_output_options(function: F) -> F:
    """Form of a post-mortem: a document, not a screen."""
    return decorated(function, [format_option(REPORT_OUTPUTS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How to print: format, width, colour; `ascii_only` where stdout's encoding takes no more."""

    format: str
    width: int
    colour: bool
    ascii_only: bool


def output_of(format_name: str, width: int | None, allowed_formats: tuple[str, ...] = OUTPUTS) -> Output:
    """The form asked for; OomError as kubectl words it for a format that does not exist."""
    if format_name not in allowed_formats:
        allowed = ",".join(sorted(allowed_formats))
        raise OomError(
            f'error: unable to match a printer suitable for the output format "{format_name}", '
            f"allowed formats are: {allowed}"
        )
    from kubectl_oom.show.colour import decide
    from kubectl_oom.show.signs import drawable

    return Output(
        format=format_name,
        width=width or _terminal_width(),
        colour=decide(sys.stdout.isatty(), dict(os.environ)),
        ascii_only=not drawable(sys.stdout.encoding),
    )


def _terminal_width() -> int:
    if not sys.stdout.isatty():
        return 80
    from shutil import get_terminal_size

    return max(NARROWEST, get_terminal_size((80, 24)).columns)

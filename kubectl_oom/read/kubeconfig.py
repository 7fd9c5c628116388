"""The kubeconfig files as they stand: found, read, merged and checked for form, as kubectl does it.

Who is meant by the flags is `target.py`'s business; nothing is contacted here.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import yaml

NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
NOT_OF_GO = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")  # what PyYAML makes more of than Go does
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}  # list → the key of one entry's content


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cluster, user or context: its fields, checked as they are read, and the file it stands in."""

    kind: str
    name: str
    fields: Mapping[str, Any] = field(repr=False)  # holds secrets
    file: Path

    def text(self, key: str) -> str:
        """The field, "" where it is absent."""
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.misfit(key, "a string")
        return value

    def flag(self, key: str) -> bool:
        """The field, False where it is absent."""
        value = self.fields.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.misfit(key, "true or false")
        return bool(value)

    def data(self, key: str) -> bytes:
        """The decoded field, empty where it is absent."""
        try:
            return base64.b64decode("".join(self.text(key).split()), validate=True)
        except (binascii.Error, UnicodeError) as error:
            raise self.misfit(key, "base64") from error

    def path(self, key: str) -> Path | None:
        """The file named, absolute: a relative path starts at the kubeconfig's own folder."""
        text = self.text(key)
        return self.folder / text if text else None

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of strings, empty where it is absent."""
        values = self.fields.get(key, [])
        values = [] if values is None else values
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.misfit(key, "a list of strings")
        return tuple(values)

    def entry(self, key: str) -> Entry | None:
        """The fields inside this one, None where it is absent."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.misfit(key, "a map")
        return Entry(kind=f"{self.kind}.{key}", name=self.name, fields=value, file=self.file)

    def entries(self, key: str) -> Iterator[Entry]:
        """The maps of the list inside this one."""
        values = self.fields.get(key, [])
        values = [] if values is None else values
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.misfit(key, "a list of maps")
        for value in values:
            yield Entry(kind=f"{self.kind}.{key}", name=self.name, fields=value, file=self.file)

    @property
    def folder(self) -> Path:
        """The folder of the kubeconfig, where relative paths start."""
        return Path(os.path.abspath(self.file)).parent  # noqa: PTH100 - resolve() would follow a symlinked kubeconfig

    def misfit(self, key: str, wanted: str) -> OomError:
        """The error for a field of another form; it does not show the field, which may be a secret."""
        return _unreadable(self.file, f"{self.kind} {self.name!r}: {key} must be {wanted}")


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All files as one: of two entries with the same name the first file's stands."""

    current_context: str
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    contexts: Mapping[str, Entry]
    files: tuple[Path, ...]  # the ones that were there
    looked_at: tuple[Path, ...]


def load(explicit: str | None, environ: Mapping[str, str]) -> Kubeconfig:
    """The configuration in `explicit`, or else in KUBECONFIG's files, or else in ~/.kube/config; may be empty."""
    if explicit and not os.path.lexists(explicit):
        raise OomError(f"error: stat {explicit}: no such file or directory", "Check the path given to --kubeconfig")
    looked_at = (Path(explicit),) if explicit else tuple(_usual_places(environ))
    merged: dict[str, dict[str, Entry]] = {section: {} for section in SECTIONS}
    current, files = "", []
    for file in looked_at:
        document = _read(file)
        if document is None:
            continue
        files.append(file)
        current = current or document.text("current-context")
        for section, content in SECTIONS.items():
            merged[section] = _named(document, section, content) | merged[section]
    return Kubeconfig(current, merged["clusters"], merged["users"], merged["contexts"], tuple(files), looked_at)


def contents_of(file: Path, what: str, whose: str) -> bytes:
    """The file's bytes; OomError in kubectl's words where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        why = f"open {file}: {(error.strerror or type(error).__name__).lower()}"
        raise OomError(f"error: unable to read {what} {file} for {whose} due to {why}") from error


def _usual_places(environ: Mapping[str, str]) -> Iterator[Path]:
    listed = environ.get("KUBECONFIG")
    home = environ.get("HOME") or environ.get("USERPROFILE")
    if listed:
        for name in dict.fromkeys(listed.split(os.pathsep)):
            if name:
                yield Path(name)
    elif home:
        yield Path(home, ".kube", "config")


def _read(file: Path) -> Entry | None:
    """The file's content, None where there is no such file."""
    import yaml  # noqa: PLC0415 - 25 ms; --help and TAB must stay instant

    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        verb = "read" if isinstance(error, IsADirectoryError) else "open"
        raise _unreadable(file, f"{verb} {file}: {(error.strerror or type(error).__name__).lower()}") from error
    try:
        # As Go's parser: of several documents the first.
        document = next(yaml.load_all(raw, yaml_loader()), None)
    except yaml.YAMLError as error:
        # The error's own text quotes the lines around the mistake, and those may hold a token.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise _unreadable(file, f"yaml: {where}{getattr(error, 'problem', None) or 'cannot be parsed'}") from error
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise _unreadable(file, "not a kubeconfig: a map is expected")
    content = Entry(kind="kubeconfig", name=file.name, fields=document, file=file)
    if content.text("kind") not in ("", "Config") or content.text("apiVersion") not in ("", "v1"):
        found = f'no kind "{content.text("kind")}" is registered for version "{content.text("apiVersion")}"'
        raise _unreadable(file, f"{found}: a kubeconfig is kind Config, apiVersion v1")
    return content


def yaml_loader() -> type[yaml.SafeLoader]:
    """A YAML parser for which `2024-01-01`, `12:30` and `=` are strings, as they are for kubectl."""
    import yaml  # noqa: PLC0415 - as above

    # The C parser reads a kubeconfig of a hundred clusters in 20 ms, the Python one in 400.
    usual = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [
            # Two of its forms of numbers have colons: minutes and seconds.
            (tag, re.compile(f"(?![^:]*:){pattern.pattern}", re.VERBOSE) if tag in NUMBERS else pattern)
            for tag, pattern in found
            if tag not in NOT_OF_GO
        ]
        for first, found in usual.yaml_implicit_resolvers.items()
    }
    loader: type[yaml.SafeLoader] = type("Loader", (usual,), {"yaml_implicit_resolvers": resolvers})
    return loader


def _named(document: Entry, section: str, content: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for item in document.entries(section):
        name = item.text("name")
        fields = item.fields.get(content)
        if fields is not None and not isinstance(fields, dict):
            raise _unreadable(document.file, f"{content} {name!r} must be a map")
        if name in found:
            raise _unreadable(document.file, f'duplicate name "{name}" in {section}')
        found[name] = Entry(kind=content, name=name, fields=fields or {}, file=document.file)
    return found


def _unreadable(file: Path, why: str) -> OomError:
    return OomError(f'error: error loading config file "{file}": {why}', "`kubectl config view` shows what is in it")

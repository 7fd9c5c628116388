"""Kubeconfigs as tests write them, and the errors they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_oom.errors import OomError
from kubectl_oom.read.target import settle

if TYPE_CHECKING:
    from kubectl_oom.read.target import ConnectOptions

HERE = {"server": "https://api.test:6443"}
PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "gate", "interactiveMode": "Never"}


def refused(options: ConnectOptions) -> OomError:
    with pytest.raises(OomError) as caught:
        settle(options)
    return caught.value


def document(**sections: Any) -> str:
    """A kubeconfig in which each entry is given as name → content."""
    singular = {"clusters": "cluster", "users": "user", "contexts": "context"}
    written: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    for section, entries in sections.items():
        key = section.replace("_", "-")
        written[key] = entries
        if section in singular:
            written[key] = [{"name": name, singular[section]: content} for name, content in entries.items()]
    return yaml.safe_dump(written)

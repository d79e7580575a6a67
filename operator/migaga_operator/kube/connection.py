"""Where the API server is and who we are: from a kubeconfig, or from the pod that this process runs in.

`control/app.py` opens one connection; kopf logs in with the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kubernetes import client, config

from migaga import __version__
from migaga.common.errors import ConfigError
from migaga.common.logs import protect

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
USER_AGENT = f"migaga-operator/{__version__}"
THREADS = 16
"""Requests that are under way at once."""


@dataclass(frozen=True, slots=True)
class Login:
    """What another client needs to reach the same API server as the same user."""

    server: str
    ca_path: str | None
    insecure: bool
    scheme: str | None
    token: str | None
    username: str | None
    password: str | None
    certificate_path: str | None
    private_key_path: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server, and who we are to it."""

    api: client.ApiClient
    namespace: str
    """The namespace that this process belongs to."""

    def login(self) -> Login:
        """Return the credentials as they are now: the token of a pod is renewed while it runs."""
        known = self.api.configuration
        header = known.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
        scheme, _, token = header.rpartition(" ")
        protect(token, known.password)
        return Login(
            server=known.host,
            ca_path=known.ssl_ca_cert,
            insecure=not known.verify_ssl,
            scheme=scheme or ("Bearer" if token else None),
            token=token or None,
            username=known.username or None,
            password=known.password or None,
            certificate_path=known.cert_file,
            private_key_path=known.key_file,
        )


def connect(kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """Find the API server: in the named kubeconfig, in the pod's own files, or in the usual kubeconfig.

    Nothing is asked yet. Raises ConfigError when none of them says where it is.
    """
    known = client.Configuration()
    in_pod = kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if in_pod:
            config.load_incluster_config(client_configuration=known)
            namespace = (_ACCOUNT / "namespace").read_text("utf-8").strip()
        else:
            path = None if kubeconfig is None else str(kubeconfig)
            config.load_kube_config(path, context, client_configuration=known, persist_config=False)
            namespace = _namespace_of(path, context)
    except (config.ConfigException, OSError) as error:
        where = "of this pod" if in_pod else f"of {kubeconfig or 'the usual kubeconfig'}"
        text = f"the credentials {where} cannot be used: {error}. Name a kubeconfig with --kubeconfig or KUBECONFIG"
        raise ConfigError(f"{text}, or run in a pod that mounts the token of its ServiceAccount.") from error
    # Whoever asks decides whether to ask again.
    known.retries = False
    known.connection_pool_maxsize = THREADS
    known.client_side_validation = False
    api = client.ApiClient(known)
    api.user_agent = USER_AGENT
    return Connection(api, namespace or "default")


def _namespace_of(path: str | None, context: str | None) -> str:
    contexts, active = config.list_kube_config_contexts(path)
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "")

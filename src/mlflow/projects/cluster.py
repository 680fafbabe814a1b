"""Talking to a Kubernetes cluster: the few calls that jobs need, over HTTP.

Where the cluster is and who asks is said by a kubeconfig, as for `kubectl`; inside a pod, by what
Kubernetes puts there. The official client would be a hundred times the size of this.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlflow.exceptions import ExecutionException
from mlflow.utils import safe_yaml

_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SECONDS = 30


class Cluster:
    """A cluster, and who we are there.

    Args:
        context: Which one of the kubeconfig; its current one by default.

    Raises:
        ExecutionException: None is configured, or not in a way that can be used.
    """

    def __init__(self, context: str | None = None):
        facts = _kubeconfig()
        if facts is None and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
            self._cluster, self._user, self.namespace = _of_this_pod()
        elif facts is None:
            raise ExecutionException(
                "No Kubernetes cluster is configured: there is no kubeconfig at "
                f"{_kubeconfig_path()}."
            )
        else:
            self._cluster, self._user, self.namespace = _of_context(facts, context)

    def create_job(self, namespace: str, job: dict[str, Any]) -> dict[str, Any]:
        """Make a job; what the cluster says of it."""
        return self._ask("POST", f"{_jobs(namespace)}", job)

    def read_job(self, namespace: str, name: str) -> dict[str, Any]:
        """What the cluster says of a job."""
        return self._ask("GET", f"{_jobs(namespace)}/{quote(name, safe='')}")

    def delete_job(self, namespace: str, name: str) -> None:
        """Delete a job and what runs for it."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        self._ask("DELETE", f"{_jobs(namespace)}/{quote(name, safe='')}", options)

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        import urllib3

        server = str(self._cluster.get("server") or "").rstrip("/")
        if not server.startswith(("http://", "https://")):
            raise ExecutionException(f"The kubeconfig has '{server}' as the address of a cluster.")
        with tempfile.TemporaryDirectory() as folder:
            headers = {"Accept": "application/json", "Content-Type": "application/json"}
            tls = self._tls(server, folder, headers)
            with urllib3.PoolManager(timeout=_SECONDS, retries=False, **tls) as pool:
                try:
                    answer = pool.request(
                        method,
                        server + path,
                        body=None if body is None else json.dumps(body).encode(),
                        headers=headers,
                        redirect=False,
                    )
                except urllib3.exceptions.HTTPError as error:
                    raise ExecutionException(f"Kubernetes does not answer: {error}") from error
        text = answer.data.decode("utf-8", "replace")
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if answer.status >= 300 or not isinstance(said, dict):
            why = said.get("message") if isinstance(said, dict) else None
            raise ExecutionException(f"Kubernetes answered {answer.status}: {why or text[:500]}")
        return said

    def _tls(self, server: str, folder: str, headers: dict[str, str]) -> dict[str, Any]:
        """Settings of the connection; adds to the headers who asks."""
        user = {**self._user, **_from_program(self._user.get("exec"))}
        token = user.get("token")
        if not token and user.get("tokenFile"):
            token = Path(user["tokenFile"]).read_text().strip()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif user.get("username"):
            pair = f"{user['username']}:{user.get('password', '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif user.get("auth-provider"):
            raise ExecutionException(
                "The kubeconfig logs in by 'auth-provider', which Kubernetes has removed; use "
                "'exec'."
            )
        if not server.startswith("https://"):
            return {}
        settings: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
        if self._cluster.get("insecure-skip-tls-verify"):
            settings = {"cert_reqs": "CERT_NONE"}
        places = (
            ("ca_certs", self._cluster, "certificate-authority"),
            ("cert_file", user, "client-certificate"),
            ("key_file", user, "client-key"),
        )
        for name, facts, key in places:
            if path := _file(facts, key, folder):
                settings[name] = path
        return settings


def _jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{quote(namespace, safe='')}/jobs"


def _file(facts: dict[str, Any], key: str, folder: str) -> str | None:
    """The path of what a key names, or has in itself."""
    if data := facts.get(f"{key}-data"):
        path = os.path.join(folder, key)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
        return path
    return facts.get(key)


def _kubeconfig_path() -> Path:
    # Several may be joined by ':'; the first one that is there counts.
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)
    paths = [Path(each).expanduser() for each in named if each]
    return next((p for p in paths if p.is_file()), paths[0] if paths else None) or (
        Path.home() / ".kube" / "config"
    )


def _kubeconfig() -> dict[str, Any] | None:
    path = _kubeconfig_path()
    if not path.is_file():
        return None
    facts = safe_yaml.load_file(path)
    if not isinstance(facts, dict):
        raise ExecutionException(f"'{path}' is no kubeconfig.")
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    for part in ("cluster", "user"):
        for each in facts.get(f"{part}s") or ():
            inner = each.get(part) or {}
            # Paths are relative to the file.
            inner.update({k: str(path.parent / inner[k]) for k in files if inner.get(k)})
    return facts


def _of_context(
    facts: dict[str, Any], context: str | None
) -> tuple[dict[str, Any], dict[str, Any], str]:
    def named(part: str, name: str | None) -> dict[str, Any]:
        for each in facts.get(part) or ():
            if each.get("name") == name:
                return each.get(part[:-1]) or {}
        known = sorted(str(each.get("name")) for each in facts.get(part) or ())
        raise ExecutionException(f"The kubeconfig has no '{name}' in its {part}; it has {known}.")

    chosen = named("contexts", context or facts.get("current-context"))
    user = named("users", chosen["user"]) if chosen.get("user") else {}
    return named("clusters", chosen.get("cluster")), user, chosen.get("namespace") or "default"


def _of_this_pod() -> tuple[dict[str, Any], dict[str, Any], str]:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT")
    host = f"[{host}]" if ":" in host else host
    cluster = {
        "server": f"https://{host}:{port or 443}",
        "certificate-authority": str(_POD / "ca.crt"),
    }
    namespace = _POD / "namespace"
    place = namespace.read_text().strip() if namespace.is_file() else "default"
    return cluster, {"tokenFile": str(_POD / "token")}, place


def _from_program(said: dict[str, Any] | None) -> dict[str, Any]:
    """What the program that a kubeconfig names says of who we are."""
    if not said:
        return {}
    argv = [str(said.get("command")), *map(str, said.get("args") or ())]
    variables = {each["name"]: each["value"] for each in said.get("env") or ()}
    asked = {"apiVersion": said.get("apiVersion"), "kind": "ExecCredential", "spec": {}}
    variables["KUBERNETES_EXEC_INFO"] = json.dumps(asked)
    try:
        done = subprocess.run(
            argv, env={**os.environ, **variables}, capture_output=True, timeout=_SECONDS, check=True
        )
        status = json.loads(done.stdout)["status"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise ExecutionException(
            f"'{argv[0]}', by which the kubeconfig logs in, did not: {error}"
        ) from error
    keys = {"clientCertificateData": "client-certificate-data", "clientKeyData": "client-key-data"}
    found = {
        to: base64.b64encode(status[key].encode()).decode()
        for key, to in keys.items()
        if status.get(key)
    }
    return {**found, **({"token": status["token"]} if status.get("token") else {})}

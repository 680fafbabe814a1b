import sys
import types

import pytest

from mlflow.exceptions import MlflowException
from mlflow.tracking.request_auth import kubernetes_request_auth_provider as kubernetes_auth
from mlflow.tracking.request_auth import registry as module
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from mlflow.tracking.request_auth.kubernetes_request_auth_provider import KubernetesAuth
from mlflow.tracking.request_auth.registry import RequestAuthProviderRegistry, fetch_auth


class Plug(RequestAuthProvider):
    def get_name(self):
        return "plug"

    def get_auth(self):
        return ("ann", "secret")


def test_provider_is_chosen_by_its_name(monkeypatch):
    registry = RequestAuthProviderRegistry()
    registry.register(Plug)
    monkeypatch.setattr(module, "_request_auth_provider_registry", registry)
    assert fetch_auth("plug") == ("ann", "secret")


def test_unknown_provider_is_told():
    with pytest.warns(UserWarning, match="No request auth provider is called 'Plug'"):
        assert fetch_auth("Plug") is None


@pytest.fixture
def pod(tmp_path, monkeypatch):
    monkeypatch.setattr(kubernetes_auth, "_SERVICE_ACCOUNT", str(tmp_path))
    (tmp_path / "token").write_text("t1\n")
    (tmp_path / "namespace").write_text("team-a")
    return tmp_path


def headers(auth, **given):
    request = types.SimpleNamespace(headers=dict(given), url="http://127.0.0.1/x")
    assert auth(request) is request
    return request.headers


def test_token_of_the_service_account(pod):
    auth = fetch_auth("kubernetes")
    assert headers(auth) == {"Authorization": "Bearer t1"}
    (pod / "token").write_text("t2")
    assert headers(auth) == {"Authorization": "Bearer t2"}


def test_namespace_becomes_the_workspace(pod):
    assert headers(fetch_auth("kubernetes-namespaced")) == {
        "Authorization": "Bearer t1",
        "X-MLFLOW-WORKSPACE": "team-a",
    }


def test_headers_that_are_there_stay(pod):
    given = {"Authorization": "Basic x", "X-MLFLOW-WORKSPACE": "w"}
    assert headers(KubernetesAuth(enable_workspaces=True), **given) == given


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    """The library's surface, with a kubeconfig that can be changed."""
    monkeypatch.setattr(kubernetes_auth, "_SERVICE_ACCOUNT", str(tmp_path / "nowhere"))
    found = types.SimpleNamespace(token="Bearer k1", namespace="team-k", loads=0)
    library = types.ModuleType("kubernetes")

    class ConfigException(Exception):
        pass

    def load():
        found.loads += 1
        if found.token is None:
            raise ConfigException("no kubeconfig")

    configuration = types.SimpleNamespace(get_api_key_with_prefix=lambda name: found.token)
    library.config = types.SimpleNamespace(
        ConfigException=ConfigException,
        load_kube_config=load,
        list_kube_config_contexts=lambda: ([], {"context": {"namespace": found.namespace}}),
    )
    library.client = types.SimpleNamespace(
        ApiClient=lambda: types.SimpleNamespace(configuration=configuration, default_headers={})
    )
    monkeypatch.setitem(sys.modules, "kubernetes", library)
    return found


def test_kubeconfig_outside_of_a_pod_is_read_once_a_minute(kubeconfig, monkeypatch):
    auth = KubernetesAuth(enable_workspaces=True)
    for _ in range(3):
        assert headers(auth) == {
            "Authorization": "Bearer k1",
            "X-MLFLOW-WORKSPACE": "team-k",
        }
    assert kubeconfig.loads == 1
    monkeypatch.setattr(kubernetes_auth, "_KUBECONFIG_SECONDS", -1)
    kubeconfig.token = "Bearer k2"
    assert headers(auth)["Authorization"] == "Bearer k2"


def test_neither_pod_nor_kubeconfig(kubeconfig):
    kubeconfig.token = None
    with pytest.raises(MlflowException, match="Could not determine Kubernetes credentials"):
        headers(KubernetesAuth())
    with pytest.raises(MlflowException, match="Could not determine Kubernetes namespace"):
        headers(KubernetesAuth(enable_workspaces=True))


def test_absent_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(kubernetes_auth, "_SERVICE_ACCOUNT", str(tmp_path / "nowhere"))
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(MlflowException, match="pip install 'kubernetes'"):
        headers(KubernetesAuth())

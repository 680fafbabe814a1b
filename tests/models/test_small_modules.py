"""Resources, rights, retrievers and settings of models."""

from __future__ import annotations

import pytest
import yaml

from mlflow.exceptions import MlflowException
from mlflow.models import dependencies_schemas, model_config, rag_signatures, resources
from mlflow.models.auth_policy import AuthPolicy, SystemAuthPolicy, UserAuthPolicy
from mlflow.models.dependencies_schemas import (
    DependenciesSchemas,
    RetrieverSchema,
    _get_dependencies_schema_from_model,
    _get_dependencies_schemas,
    _get_retriever_schema,
    set_retriever_schema,
)
from mlflow.models.display_utils import maybe_render_agent_eval_recipe
from mlflow.models.model_config import ModelConfig
from mlflow.models.resources import (
    DatabricksServingEndpoint,
    DatabricksTable,
    DatabricksUCConnection,
    Resource,
    ResourceType,
    _get_resource_class_by_type,
    _ResourceBuilder,
)
from mlflow.types.schema import convert_dataclass_to_schema

RESOURCES = [
    DatabricksServingEndpoint("e"),
    DatabricksTable("t"),
    DatabricksUCConnection("c", on_behalf_of_user=True),
    DatabricksTable("u", on_behalf_of_user=False),
]
FORM = {
    "databricks": {
        "serving_endpoint": [{"name": "e"}],
        "table": [{"name": "t"}, {"name": "u", "on_behalf_of_user": False}],
        "uc_connection": [{"name": "c", "on_behalf_of_user": True}],
    },
    "api_version": "1",
}


def test_resources_are_grouped_by_target_and_kind(tmp_path):
    assert _ResourceBuilder.from_resources(RESOURCES) == FORM
    assert _ResourceBuilder.from_resources([], api_version="2") == {"api_version": "2"}
    assert _ResourceBuilder.from_dict(FORM) == FORM
    (tmp_path / "resources.yaml").write_text(yaml.safe_dump(FORM))
    assert _ResourceBuilder.from_yaml_file(str(tmp_path / "resources.yaml")) == FORM


@pytest.mark.parametrize("kind", ResourceType)
def test_each_kind_has_a_class(kind):
    cls = _get_resource_class_by_type("databricks", kind.value)
    one = cls("n", True)
    assert (one.type, one.target_uri, one.name) == (kind, "databricks", "n")
    assert one.to_dict() == {kind.value: [{"name": "n", "on_behalf_of_user": True}]}
    assert cls.from_dict(one.to_dict()[kind.value][0]) == one
    assert one != cls("n")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"databricks": {}}, KeyError),
        ({"api_version": "1", "databricks": {"zzz": []}}, ValueError),
        ({"api_version": "1", "elsewhere": {"table": []}}, ValueError),
        ({"api_version": "1", "databricks": {"table": [{"table_name": "t"}]}}, KeyError),
    ],
)
def test_unknown_resources_are_refused(form, error):
    with pytest.raises(error):
        _ResourceBuilder.from_dict(form)


def test_resource_is_abstract():
    with pytest.raises(TypeError):
        Resource()
    assert resources.DEFAULT_API_VERSION == "1"


def test_rights():
    user, system = UserAuthPolicy(["read"]), SystemAuthPolicy(RESOURCES)
    assert AuthPolicy(user, system).to_dict() == {
        "system_auth_policy": {"resources": FORM},
        "user_auth_policy": {"api_scopes": ["read"]},
    }
    assert AuthPolicy(user_auth_policy=user).to_dict()["system_auth_policy"] == {}
    assert AuthPolicy().to_dict() == {"system_auth_policy": {}, "user_auth_policy": {}}


def test_dataclasses_of_rag_have_the_schemas_beside_them():
    request = convert_dataclass_to_schema(rag_signatures.ChatCompletionRequest)
    assert request == rag_signatures.CHAT_COMPLETION_REQUEST_SCHEMA
    answer = convert_dataclass_to_schema(rag_signatures.ChatCompletionResponse)
    expected = rag_signatures.CHAT_COMPLETION_RESPONSE_SCHEMA
    assert answer.input_dict()["choices"] == expected.input_dict()["choices"]
    signature = rag_signatures.SIGNATURE_FOR_LLM_INFERENCE_TASK["llm/v1/chat"]
    assert signature.inputs == request
    assert rag_signatures.ChainCompletionChoice().message.role == "assistant"


@pytest.fixture
def no_retrievers():
    dependencies_schemas._clear_retriever_schema()
    yield
    dependencies_schemas._clear_retriever_schema()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_retrievers_are_collected_until_the_model_is_saved(no_retrievers):
    set_retriever_schema(primary_key="p", text_column="t")
    set_retriever_schema(primary_key="p", text_column="other")
    set_retriever_schema(primary_key="p", text_column="t", doc_uri="d", name="second")
    with _get_dependencies_schemas() as schemas:
        assert schemas.to_dict() == {
            "dependencies_schemas": {
                "retrievers": [
                    _retriever("retriever", "other", None),
                    _retriever("second", "t", "d"),
                ]
            }
        }
    assert _get_retriever_schema() == []
    assert DependenciesSchemas().to_dict() is None


def _retriever(name, text, uri):
    return {
        "name": name,
        "primary_key": "p",
        "text_column": text,
        "doc_uri": uri,
        "other_columns": [],
    }


def test_setting_a_retriever_is_deprecated(no_retrievers):
    with pytest.warns(FutureWarning, match="set_retriever_schema"):
        set_retriever_schema(primary_key="p", text_column="t")
    with pytest.raises(TypeError):
        set_retriever_schema("p", "t")


def test_retriever_survives_being_written():
    form = {**_retriever("n", "t", "d"), "other_columns": ["o"]}
    assert RetrieverSchema.from_dict(form).to_dict() == {"retrievers": [form]}


def test_schemas_of_a_saved_model():
    class Saved:
        metadata = {"dependencies_schemas": {"retrievers": [{"name": "n"}]}}

    assert _get_dependencies_schema_from_model(Saved) == {
        "dependencies_schemas": {"retrievers": '[{"name": "n"}]'}
    }
    Saved.metadata = None
    assert _get_dependencies_schema_from_model(Saved) is None


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yml").write_text("a: 1\nb: {c: [1, 2]}\n")
    (tmp_path / "bad.yml").write_text("a: [1\n")
    yield tmp_path
    model_config._set_model_config(None)


def test_settings_of_a_dictionary_or_a_file(settings):
    assert ModelConfig(development_config={"a": 1}).get("a") == 1
    from_file = ModelConfig(development_config="c.yml")
    assert from_file.get("b") == {"c": [1, 2]}
    assert from_file.to_dict() == {"a": 1, "b": {"c": [1, 2]}}
    with pytest.raises(KeyError, match="'z' not found"):
        from_file.get("z")


def test_settings_given_when_logging_come_first(settings):
    model_config._set_model_config({"z": 1})
    assert ModelConfig(development_config={"a": 1}).to_dict() == {"z": 1}
    model_config._set_model_config("c.yml")
    assert ModelConfig().get("a") == 1
    model_config._set_model_config({})
    with pytest.raises(FileNotFoundError, match="not provided"):
        ModelConfig(development_config={"a": 1})


@pytest.mark.parametrize("given", [None, "", {}])
def test_no_settings_are_an_error(given):
    with pytest.raises(FileNotFoundError, match="not provided"):
        ModelConfig(development_config=given)


def test_settings_that_cannot_be_read(settings):
    with pytest.raises(FileNotFoundError, match=r"'nope\.yml' not found"):
        ModelConfig(development_config="nope.yml")
    with pytest.raises(MlflowException, match="Error parsing YAML file"):
        ModelConfig(development_config="bad.yml").get("a")


def test_nothing_is_shown_outside_of_databricks(capsys):
    assert maybe_render_agent_eval_recipe(None) is None
    assert capsys.readouterr() == ("", "")

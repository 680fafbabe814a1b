"""What looks like a secret, and what does not."""

from __future__ import annotations

import pytest

from mlflow.reproducibility import secrets


@pytest.mark.parametrize(
    "path",
    [".env", "a/.env.local", "prod.env", "id_rsa", "x/id_ed25519.pub", "server.key", "a.PEM",
     ".aws/config", "credentials.json", "my-secret.yaml", ".netrc",
     ".git-credentials", "service-account-7.json"],
)  # fmt: skip
def test_names_of_secrets(path):
    assert secrets.by_name(path)


@pytest.mark.parametrize(
    "path",
    ["train.py", "secrets.py", "tests/test_secret_things.py", "environment.yaml", "keys.csv"],
)
def test_names_of_others(path):
    assert not secrets.by_name(path)


# Put together here, so that nobody who looks for secrets finds some.
SECRETS = [
    "AWS_SECRET_ACCESS" + "_KEY=wJalrXUtnFEMIK7MDENG",
    "export DB_PASS" + "WORD=hunter2x",
    "token: " + "abcdef123",
    "-----BEGIN RSA PRIV" + "ATE KEY-----",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1" * 18,
    "postgresql://ann:" + "pw@h/db",
    "sk-" + "a1b2" * 8,
]


@pytest.mark.parametrize("text", SECRETS)
def test_texts_of_secrets(text):
    assert secrets.in_text(f"first\n{text}\nlast\n".encode(), "settings.txt")


def test_secrets_in_code():
    for text in ("api_key = '" + "abc12345'", "{'pass" + 'word\': "hunter22"}', *SECRETS[3:]):
        assert secrets.in_text(text.encode(), "train.py")


@pytest.mark.parametrize(
    "text",
    ["tokenizer = 'bert-base-uncased1'", "    max_tokens=max_length1,",
     "token = os.environ['TOKEN']", "pad_token = '<|endoftext1|>'", "password = getpass()",
     "api_key=api_key,", "https://h/x@1:2"],
)  # fmt: skip
def test_texts_of_code(text):
    assert not secrets.in_text(f"def f():\n{text}\n".encode(), "train.py")


def test_arguments():
    given = ["train.py", "--token", "abc", "--api-key=x1", "--tokenizer", "bert", "--lr", "0.1"]
    kept, gone = secrets.without(given)
    assert kept == ["train.py", "--token", "***", "--api-key=***", *given[4:]]
    assert gone == [2, 3]
    assert secrets.without(["https://ann:" + "pw@h/x"]) == (["***"], [0])

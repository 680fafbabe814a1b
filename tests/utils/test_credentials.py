import pytest

from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import login, read_mlflow_creds


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    path = tmp_path / ".mlflow" / "credentials"
    path.parent.mkdir()
    return path


def write(file, password="secret"):
    file.write_text(
        f"[mlflow]\nmlflow_tracking_username = ann\nMLFLOW_TRACKING_PASSWORD = {password}\n"
    )


def test_nothing_is_known(file):
    assert read_mlflow_creds() == (None, None)


def test_file_is_read(file):
    write(file)
    creds = read_mlflow_creds()
    assert (creds.username, creds.password) == ("ann", "secret")


@pytest.mark.parametrize(("written", "meant"), [("a%%b", "a%b"), ("a%b", "a%b")])
def test_percent_sign_may_be_doubled(file, written, meant):
    write(file, written)
    assert read_mlflow_creds().password == meant


def test_environment_wins_one_by_one(file, monkeypatch):
    write(file)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    assert read_mlflow_creds() == ("bob", "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "other")
    assert read_mlflow_creds() == ("bob", "other")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    assert read_mlflow_creds() == ("ann", "other")


def test_file_of_others_has_nothing_for_us(file):
    file.write_text("[other]\nmlflow_tracking_username = ann\n")
    assert read_mlflow_creds() == (None, None)


def test_damaged_file_is_named(file):
    file.write_text("ann:secret")
    with pytest.raises(MlflowException, match="credentials cannot be read") as error:
        read_mlflow_creds()
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert str(file) in error.value.message


def test_login_says_that_it_is_not_there():
    with pytest.raises(MlflowException) as error:
        login()
    assert error.value.error_code == "NOT_IMPLEMENTED"
    with pytest.raises(MlflowException, match="received `backend=x`"):
        login("x")

"""With whose rights a model uses its resources."""

from __future__ import annotations

from typing import Any

from mlflow.models.resources import Resource, _ResourceBuilder


class UserAuthPolicy:
    """What the model does with the rights of whoever asks it.

    Args:
        api_scopes: The rights that it needs for that.
    """

    def __init__(self, api_scopes: list[str]):
        self._api_scopes = api_scopes

    @property
    def api_scopes(self) -> list[str]:
        return self._api_scopes

    @api_scopes.setter
    def api_scopes(self, value: list[str]) -> None:
        self._api_scopes = value

    def to_dict(self) -> dict[str, Any]:
        """As `MLmodel` has it."""
        return {"api_scopes": self.api_scopes}


class SystemAuthPolicy:
    """What the model does with rights of its own.

    Args:
        resources: What it uses with them.
    """

    def __init__(self, resources: list[Resource]):
        self._resources = resources

    @property
    def resources(self) -> list[Resource]:
        return self._resources

    @resources.setter
    def resources(self, value: list[Resource]) -> None:
        self._resources = value

    def to_dict(self) -> dict[str, Any]:
        """As `MLmodel` has it."""
        return {"resources": _ResourceBuilder.from_resources(self.resources)}


class AuthPolicy:
    """Both of these; a part that is None demands no rights."""

    def __init__(
        self,
        user_auth_policy: UserAuthPolicy | None = None,
        system_auth_policy: SystemAuthPolicy | None = None,
    ):
        self.user_auth_policy = user_auth_policy
        self.system_auth_policy = system_auth_policy

    def to_dict(self) -> dict[str, Any]:
        """As `MLmodel` has it."""
        system, user = self.system_auth_policy, self.user_auth_policy
        return {
            "system_auth_policy": system.to_dict() if system else {},
            "user_auth_policy": user.to_dict() if user else {},
        }

"""How tests speak to the sandbox: its control paths, over the same HTTP as everything else."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlatformAccount:
    """A Page or an Instagram account that exists on the platform, with the token that opens it."""

    type: str
    id: str
    name: str
    token: str

    @property
    def public_id(self) -> str:
        return f"{self.type}_{self.id}"


FACEBOOK = PlatformAccount("FB_PAGE", "123456789012345", "Casa do Sol", "facebook-token-of-casa-do-sol")
INSTAGRAM = PlatformAccount("INSTAGRAM_ACCOUNT", "17841400000000001", "casadosol", "instagram-token-of-casa-do-sol")
OTHER_FACEBOOK = PlatformAccount("FB_PAGE", "999888777666555", "Rival", "facebook-token-of-rival")
ACCOUNTS = (FACEBOOK, INSTAGRAM, OTHER_FACEBOOK)


class SandboxControl:
    """The sandbox at `url`, seen from above."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a control request and return its JSON, None when the answer has no body."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def reset(self, accounts: tuple[PlatformAccount, ...] = ACCOUNTS) -> None:
        """Forget everything, then open the given accounts."""
        self.call("POST", "/__reset")
        for account in accounts:
            self.register(account)

    def register(self, account: PlatformAccount, **more: Any) -> None:
        """Open an account; `scopes` narrows what its token may do."""
        fields = {"type": account.type, "id": account.id, "name": account.name, "token": account.token}
        self.call("POST", "/__accounts", {**fields, **more})

    @property
    def posts(self) -> list[dict[str, Any]]:
        """Everything that became visible, in order, with no de-duplication."""
        return list(self.call("GET", "/__record")["posts"])

    def fault(self, route: str, fault: str, times: int | None = 1, **more: Any) -> None:
        """Order `fault` for the next `times` requests whose "METHOD path" matches the pattern `route`."""
        self.call("POST", "/__faults", {"route": route, "fault": fault, "times": times, **more})

    @property
    def faults(self) -> list[dict[str, Any]]:
        """What was ordered and has not been used up."""
        return list(self.call("GET", "/__faults")["faults"])

    def heal(self) -> None:
        """Take back every fault that was ordered."""
        self.call("DELETE", "/__faults")

    def settings(self, **values: Any) -> None:
        """Change container_seconds, latency_ms and the like, until the next reset."""
        self.call("POST", "/__settings", values)

    def media(self, name: str = "sunset.jpg", version: int | None = None) -> str:
        """Return the URL of a picture or a film that the sandbox serves; another version has other bytes."""
        return f"{self.url}/media/{name}" + (f"?v={version}" if version is not None else "")

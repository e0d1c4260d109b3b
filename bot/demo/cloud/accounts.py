"""Who may call the cloud: access keys, logins, and the tokens issued to them."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.cloud.signature import Incoming, SignatureRefusedError, check, claim_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key; a temporary one works only together with its security token."""

    access: str
    secret: str
    security_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user of a domain."""

    domain: str
    name: str
    password: str


class Accounts:
    """Checks signatures and tokens by the given clock, in seconds since the epoch."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        keys: tuple[AccessKey, ...] = (),
        logins: tuple[Login, ...] = (),
        token_lifetime: float = 24 * 3600.0,
    ) -> None:
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self.keys = {key.access: key for key in keys}
        self.logins = logins
        self.token_lifetime = token_lifetime
        self.issued = 0

    def issue(self, login: Login) -> tuple[str, float] | None:
        """A new token and when it expires; None where domain, name or password is wrong."""
        if login not in self.logins:
            return None
        self.issued += 1
        token = f"MIIdemo{self.issued:08d}"
        expires = self._clock() + self.token_lifetime
        self._tokens[token] = expires
        return token, expires

    def expire_tokens(self) -> None:
        """Let every token issued so far end now, as after a change of password."""
        self._tokens.clear()

    def admit(self, incoming: Incoming) -> str | None:
        """Why the request is refused, in the gateway's words; None where it may pass."""
        token = incoming.headers.get("x-auth-token")
        if token is not None:
            valid = self._tokens.get(token, 0.0) > self._clock()
            return None if valid else "decrypt token fail"
        if "authorization" not in incoming.headers:
            return "Unauthorized"
        try:
            self._check_signature(incoming)
        except SignatureRefusedError as refusal:
            return str(refusal)
        return None

    def _check_signature(self, incoming: Incoming) -> None:
        claim = claim_of(incoming)
        key = self.keys.get(claim.access)
        if key is None:
            raise SignatureRefusedError(f"Get secretKey failed,ak:{claim.access},err:ak not exist")
        check(incoming, claim, key.secret, now=self._clock())
        if incoming.headers.get("x-security-token") != key.security_token:
            raise SignatureRefusedError("securityToken is missing or wrong")

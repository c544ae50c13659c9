"""Logging in and out, and one's own account: password, PIN, tokens."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from holdfast.app.control import sessions, stepping_up, tokens
from holdfast.app.control.sessions import Me, NewSession
from holdfast.app.control.stepping_up import NewPin
from holdfast.app.control.tokens import LONGEST_DAYS, NewToken, TokenFacts
from holdfast.fleet.roles import Scope
from holdfast.server.callers import Address, Person, ThePlane, TheToken
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["account"])

Name = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[str, Field(max_length=2000, json_schema_extra={"format": "password"})]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    name: Name
    password: Password = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeChange:
    lang: Literal["en", "ko"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordProof:
    password: Password = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    old: Password = field(repr=False)
    new: Password = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWanted:
    name: Name
    scopes: list[Scope] = field(default_factory=lambda: [Scope.ALL])
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityShown:
    ca_pem: str
    fingerprint: str


@router.get("/ca")
def show_authority(plane: ThePlane) -> AuthorityShown:
    """Whom the server's certificate is from; compare the fingerprint before you trust it."""
    authority = plane.authority
    return AuthorityShown(ca_pem=authority.ca_pem, fingerprint=authority.fingerprint)


@router.post("/sessions", status_code=HTTPStatus.CREATED)
def log_in(plane: ThePlane, address: Address, login: Login) -> NewSession:
    """A token for twelve hours; five failures lock the account for a quarter of an hour."""
    return sessions.log_in(plane, login.name, login.password, address=address)


@router.delete("/sessions/current", status_code=HTTPStatus.NO_CONTENT)
def log_out(plane: ThePlane, person: Person, token: TheToken) -> None:
    sessions.log_out(plane, person, token)


@router.get("/me")
def who_am_i(plane: ThePlane, person: Person) -> Me:
    return sessions.who_am_i(plane, person)


@router.patch("/me")
def change_me(plane: ThePlane, person: Person, change: MeChange) -> Me:
    """The language in which the console speaks to this account."""
    return sessions.change_language(plane, person, change.lang)


@router.put("/me/password", status_code=HTTPStatus.NO_CONTENT)
def change_password(
    plane: ThePlane, person: Person, token: TheToken, change: PasswordChange
) -> None:
    """Ends every other session of the account."""
    sessions.change_password(plane, person, old=change.old, new=change.new, secret=token)


@router.post("/me/pin", status_code=HTTPStatus.CREATED)
def make_pin(plane: ThePlane, person: Person, proof: PasswordProof) -> NewPin:
    """A security PIN of six digits, good for five minutes; sent as the header Holdfast-Pin."""
    return stepping_up.make_pin(plane, person, password=proof.password)


@router.get("/me/tokens")
def list_tokens(plane: ThePlane, person: Person, window: Paging) -> Page[TokenFacts]:
    return tokens.list_tokens(plane, person, window)


@router.post("/me/tokens", status_code=HTTPStatus.CREATED)
def add_token(plane: ThePlane, person: Person, wanted: TokenWanted) -> NewToken:
    """The token is shown in this answer and never again."""
    return tokens.add_token(plane, person, name=wanted.name, scopes=wanted.scopes, days=wanted.days)


@router.delete("/me/tokens/{token_id}", status_code=HTTPStatus.NO_CONTENT)
def revoke_token(plane: ThePlane, person: Person, token_id: str) -> None:
    tokens.revoke_token(plane, person, token_id)

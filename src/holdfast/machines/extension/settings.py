"""What the owner of a guest says of its hooks: /etc/holdfast/hooks.json in the guest."""

from typing import Annotated, Final

import msgspec

LONGEST_SECONDS: Final = 1800
_Script = Annotated[str, msgspec.Meta(pattern=r"^(/[^\n]*)?$")]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[^\n\x00]*$")]
_Retries = Annotated[int, msgspec.Meta(ge=0, le=10)]


class HookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of the original's script settings; empty where nothing is said."""

    pluginName: str = ""  # noqa: N815  the keys of the original
    preScriptLocation: _Script = ""  # noqa: N815
    postScriptLocation: _Script = ""  # noqa: N815
    preScriptParams: tuple[_Word, ...] = ()  # noqa: N815
    postScriptParams: tuple[_Word, ...] = ()  # noqa: N815
    preScriptNoOfRetries: _Retries = 0  # noqa: N815
    postScriptNoOfRetries: _Retries = 0  # noqa: N815
    timeoutInSeconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SECONDS)] = 30  # noqa: N815
    continueBackupOnFailure: bool = True  # noqa: N815
    fsFreezeEnabled: bool = True  # noqa: N815
    pollSeconds: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1  # noqa: N815

    def plan(self) -> bytes:
        """As the extension reads it."""
        lines = [f"timeout {self.timeoutInSeconds}"]
        lines += [f"pre-retries {self.preScriptNoOfRetries}"]
        lines += [f"post-retries {self.postScriptNoOfRetries}"]
        lines += [f"pre-script {self.preScriptLocation}"] * bool(self.preScriptLocation)
        lines += [f"post-script {self.postScriptLocation}"] * bool(self.postScriptLocation)
        lines += [f"pre-param {word}" for word in self.preScriptParams]
        lines += [f"post-param {word}" for word in self.postScriptParams]
        return "".join(f"{line}\n" for line in lines).encode()


def read_settings(content: bytes) -> HookSettings:
    """A `msgspec.DecodeError` says what is wrong with them."""
    return msgspec.json.decode(content, type=HookSettings)

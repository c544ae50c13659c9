import sys

import pytest

from holdfast.hypervisor import binding
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.errors import LibvirtMissing


def test_install_without_libvirt_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding._Loaded, "module", None)
    monkeypatch.setitem(sys.modules, "libvirt", None)

    with pytest.raises(LibvirtMissing) as caught:
        Host.open("qemu:///system")

    assert "holdfast[machines]" in caught.value.advice

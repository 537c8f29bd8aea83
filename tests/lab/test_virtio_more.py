# SPDX-License-Identifier: BSD-2-Clause
"""Virtio devices other than block and network, on QEMU."""

import re

import pytest
from vm import Vm

MACHINES = {"q35": ("q35", "pci"), "pc": ("pc", "pci"),
            "microvm": ("microvm,acpi=off", "device")}
ALL = pytest.mark.parametrize("machine", list(MACHINES))


def vm(kernel, machine, devices, **kwargs):
    """A guest on a machine; %s in the devices is the bus's suffix."""
    model, bus = MACHINES[machine]
    args = []
    for word in devices:
        args.append(word.replace("%s", bus))
    return Vm(kernel, model, args, **kwargs)


# ---- rng

RNG = ["-object", "rng-random,filename=/dev/urandom,id=r",
       "-device", "virtio-rng-%s,rng=r"]


@ALL
def test_rng(kernel, machine):
    """Bytes arrive, other ones each time, and the generator is fed."""
    with vm(kernel, machine, RNG) as guest:
        seen = guest.sh_until("rng", r"vtrng0 gave (\d+) bytes")
        assert int(seen.group(1)) >= 1
        lines = guest.sh("rng 1000").split()
        data = bytes.fromhex("".join(lines))
        assert len(data) == 1000
        # 1000 random bytes without 200 different values: never.
        assert len(set(data)) > 200
        assert len(set(lines)) == len(lines)
        state = [d for d in guest.devices().values() if d[0] == "virtio_rng"]
        assert state == [("virtio_rng", "connected", 0)]


def test_rng_absent(kernel):
    """Without a device the command says so."""
    with vm(kernel, "q35", []) as guest:
        assert "no random device" in guest.sh("rng")
        assert re.search("reading: .*no such device", guest.sh("rng 4"))

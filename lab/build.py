# SPDX-License-Identifier: BSD-2-Clause
"""Build what the lab boots: Xen, a Linux dom0 and its tools, into out/lab.

The result is kept in a directory named after a hash of all that it is made
from, so that it is built once and again only when one of these changes.
"""

import fcntl
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import zlib

import release
from release import LabError, run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAB = os.path.join(ROOT, "lab")
OUT = os.path.join(ROOT, "out", "lab")
BIN = os.path.join(ROOT, "out", "deps", "bin")

MODULES = """virtio_pci virtio_console virtio_blk virtio_net xen-evtchn
xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback bridge loop
tun crc32c_generic ext4""".split()

XEN_TOOLS = """xl libxl-save-helper xenstored oxenstored xenconsoled
xenconsole xen-init-dom0 xenctx lsevtchn xen-diag""".split()
STORE_TOOLS = """xenstore-read xenstore-write xenstore-list xenstore-ls
xenstore-rm xenstore-watch xenstore-exists xenstore-chmod""".split()
ROMS = """kvmvapic.bin linuxboot.bin linuxboot_dma.bin multiboot.bin
multiboot_dma.bin pvh.bin keymaps/en-us""".split()
SEABIOS = "/usr/share/seabios/bios-256k.bin"
OXENSTORED = "/etc/xen/oxenstored.conf"
DM_WRAPPER = """#!/bin/sh
LD_LIBRARY_PATH=/tools/lib exec /tools/bin/xen-qemu -L /tools/share "$@"
"""


def say(text):
    """Tell the user what is going on."""
    print("lab: " + text, file=sys.stderr, flush=True)


def newest(paths):
    """The path with the highest version number in its name, or None."""
    return max(paths, key=release.version, default=None)


def package(meta, pattern):
    """The unpacked package that the package meta depends on and whose name
    matches; fetched when there is none yet."""
    if os.path.isdir(BIN):
        have = [d for d in os.listdir(BIN) if re.fullmatch(pattern, d) and
                os.path.exists(os.path.join(BIN, d, ".unpacked"))]
        if have:
            return os.path.join(BIN, newest(have))
    found = re.search(r"Depends: (%s)$" % pattern,
                      run("apt-cache", "depends", meta), re.M)
    if not found:
        raise LabError("apt does not know %s: run tools/setup update" % meta)
    fetch = os.path.join(ROOT, "tools", "fetch")
    return run(fetch, "binary", found.group(1)).strip()


def kernel_package(flavour=""):
    """The unpacked kernel package; flavour is '' (dom0) or 'cloud-'."""
    return package("linux-image-%samd64" % flavour,
                   r"linux-image-[\w.+]+(?:-\d+)?-%samd64" % flavour)


def vmlinux(bzimage):
    """The ELF kernel in a bzImage, so that emulated Xen need not unpack it."""
    with open(bzimage, "rb") as f:
        data = f.read()
    setup = (data[0x1f1] or 4) + 1
    start = setup * 512 + int.from_bytes(data[0x248:0x24c], "little")
    size = int.from_bytes(data[0x24c:0x250], "little")
    payload = data[start:start + size]
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(payload)
    for magic, tool in ((b"\x28\xb5\x2f\xfd", "zstd"),
                        (b"\x02\x21\x4c\x18", "lz4")):
        if payload[:4] == magic:
            done = subprocess.run([tool, "-dcq"], input=payload,
                                  stdout=subprocess.PIPE, check=False,
                                  stderr=subprocess.DEVNULL)
            return done.stdout    # what follows the frame makes it complain
    raise LabError("%s is packed in a way that the lab cannot read" % bzimage)


def copy(source, target):
    """Copy a file, making the directories that it needs."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def module_order(kernel, wanted):
    """Files of the modules wanted and of what they depend on, in the order
    to load them."""
    base = glob.glob(kernel + "/lib/modules/*") + \
        glob.glob(kernel + "/usr/lib/modules/*")
    tree = base[0]
    if not os.path.exists(tree + "/modules.dep"):
        run("/sbin/depmod", "-b", tree.split("/lib/modules/")[0],
            os.path.basename(tree))
    depends = {}
    with open(tree + "/modules.dep", encoding="ascii") as f:
        for line in f:
            path, needs = line.split(":")
            depends[path] = needs.split()
    with open(tree + "/modules.builtin", encoding="ascii") as f:
        builtin = {module_name(line.strip()) for line in f}
    by_name = {module_name(path): path for path in depends}
    order = []
    for name in (m.replace("-", "_") for m in wanted):
        if name in builtin:
            continue
        if name not in by_name:
            raise LabError("the kernel %s has no module %s" % (tree, name))
        for path in reversed([by_name[name]] + depends[by_name[name]]):
            if path not in order:
                order.append(path)
    return [os.path.join(tree, path) for path in order]


def module_name(path):
    """xen_blkback for kernel/drivers/.../xen-blkback.ko.xz."""
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def stage_modules(kernel, root, wanted):
    """Put the modules, unpacked, and their order into the root."""
    os.makedirs(root + "/modules")
    names = []
    for path in module_order(kernel, wanted):
        name = module_name(path) + ".ko"
        if path.endswith(".xz"):
            with lzma.open(path) as src, \
                    open(root + "/modules/" + name, "wb") as dst:
                shutil.copyfileobj(src, dst)
        else:
            copy(path, root + "/modules/" + name)
        names.append(name)
    with open(root + "/modules/order", "w", encoding="ascii") as f:
        f.write("".join(n + "\n" for n in names))


def stage_tools(xen, root):
    """Xen's tools, the libraries they need, and what starts the device
    model."""
    tools = [xen.xen + "/bin/" + t for t in XEN_TOOLS]
    tools += ["/usr/bin/" + t for t in STORE_TOOLS]
    for tool in tools:
        copy(xen.path(tool), root + tool)
    for here, there in xen.libraries(*tools):
        copy(here, root + there)
    copy(xen.path(xen.xen + "/boot/hvmloader"),
         root + xen.xen + "/boot/hvmloader")
    copy(xen.path(SEABIOS), root + SEABIOS)
    copy(xen.path(OXENSTORED), root + OXENSTORED)
    plugins = xen.path(xen.xen + "/ocaml")      # oxenstored's, from 4.20 on
    if os.path.exists(plugins):
        shutil.copytree(plugins, root + xen.xen + "/ocaml")
    os.symlink(os.path.basename(xen.xen), root + "/usr/lib/xen")
    starter = root + xen.xen + "/bin/qemu-system-i386"
    with open(starter, "w", encoding="ascii") as f:
        f.write(DM_WRAPPER)
    os.chmod(starter, 0o755)
    for name in release.DEVICE_MODELS:
        os.makedirs(root + os.path.dirname(name), exist_ok=True)
        os.symlink(xen.xen + "/bin/qemu-system-i386", root + name)


def stage_root(kernel, xen, work):
    """Fill the directory of dom0's root file system."""
    root = work + "/root"
    for d in "proc sys dev run tmp var/log etc/xen bin sbin".split():
        os.makedirs("%s/%s" % (root, d))
    copy("/bin/busybox", root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    stage_tools(xen, root)
    with open(root + "/etc/xen/xl.conf", "w", encoding="ascii") as f:
        f.write('autoballoon="off"\nvif.default.bridge="xenbr0"\n')
    copy(LAB + "/dom0/init", root + "/init")
    copy(LAB + "/dom0/lab-disk", root + "/bin/lab-disk")
    for script in ("block", "vif-bridge"):
        copy(LAB + "/dom0/" + script, root + "/etc/xen/scripts/" + script)
    run("gcc", "-Os", "-static", "-Wall", "-Wextra", "-Werror", "-o",
        root + "/bin/agent", LAB + "/agent.c")
    stage_modules(kernel, root, MODULES)
    return root


def make_initrd(root, target):
    """Pack the root as a cpio archive; unpacked, since emulation is slow."""
    with open(target, "wb") as f:
        subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet", shell=True,
                       cwd=root, stdout=f, check=True)


def make_tools_disk(xen, work, target):
    """The disk with the device model of HVM guests, read only when needed."""
    root = work + "/tools"
    model = xen.device_model()
    copy(xen.path(model), root + "/bin/xen-qemu")
    for here, there in xen.libraries(model):
        copy(here, root + "/lib/" + os.path.basename(there))
    for rom in ROMS:
        path = xen.path("/usr/share/qemu/" + rom)
        if os.path.exists(path):    # older releases have fewer
            copy(path, root + "/share/" + rom)
    copy(xen.path(SEABIOS), root + "/share/bios-256k.bin")
    run("/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root,
        target, "96M")


def inputs(kernel, xen):
    """A hash of everything that the lab is made from."""
    digest = hashlib.sha256()
    sources = [__file__, release.__file__, LAB + "/agent.c"]
    sources += sorted(glob.glob(LAB + "/dom0/*"))
    for path in sources:
        with open(path, "rb") as f:
            digest.update(f.read())
    installed = [xen.path(xen.device_model()), xen.path(xen.xen + "/bin/xl"),
                 xen.path(xen.xen + "/boot/hvmloader"), "/bin/busybox",
                 "/lib/x86_64-linux-gnu/libc.so.6"]
    for path in installed:
        st = os.stat(path)
        digest.update(("%s %d %d\n" % (path, st.st_size,
                                       st.st_mtime)).encode())
    digest.update((kernel + xen.hypervisor(package)).encode())
    return digest.hexdigest()[:16]


def build(kernel, xen, work):
    """Make the four files of the lab in the directory work."""
    with open(work + "/xen", "wb") as f:
        subprocess.run(["zcat", xen.hypervisor(package)], stdout=f,
                       check=True)
    with open(work + "/vmlinux", "wb") as f:
        f.write(vmlinux(glob.glob(kernel + "/boot/vmlinuz-*")[0]))
    make_initrd(stage_root(kernel, xen, work), work + "/initrd")
    make_tools_disk(xen, work, work + "/tools.img")
    shutil.rmtree(work + "/root")
    shutil.rmtree(work + "/tools")


def ensure(name=None):
    """Build the lab with that release of Xen (None: the one installed) when
    it is not there; returns its directory."""
    os.makedirs(OUT, exist_ok=True)
    with open(OUT + "/.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        xen = release.get(name)
        kernel = kernel_package()
        stem = "%s/xen-%s-" % (OUT, xen.name)
        done = stem + inputs(kernel, xen)
        if os.path.isdir(done):
            return done
        say("building the dom0 of Xen %s (once) …" % xen.name)
        work = OUT + "/work"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        build(kernel, xen, work)
        for old in glob.glob(stem + "*"):
            shutil.rmtree(old)
        os.rename(work, done)
        return done


if __name__ == "__main__":
    try:
        print(ensure())
    except LabError as error:
        say(str(error))
        sys.exit(1)

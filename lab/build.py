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

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAB = os.path.join(ROOT, "lab")
OUT = os.path.join(ROOT, "out", "lab")
BIN = os.path.join(ROOT, "out", "deps", "bin")

MODULES = """virtio_pci virtio_console virtio_blk virtio_net xen-evtchn
xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback bridge loop
tun crc32c_generic ext4""".split()

XEN_TOOLS = """xl libxl-save-helper xenstored xenconsoled xenconsole
xen-init-dom0 xenctx lsevtchn xen-diag""".split()
STORE_TOOLS = """xenstore-read xenstore-write xenstore-list xenstore-ls
xenstore-rm xenstore-watch xenstore-exists xenstore-chmod""".split()
ROMS = """kvmvapic.bin linuxboot.bin linuxboot_dma.bin multiboot.bin
multiboot_dma.bin pvh.bin keymaps/en-us""".split()
DM = "/usr/libexec/xen-qemu-system-i386"
SEABIOS = "/usr/share/seabios/bios-256k.bin"
DM_WRAPPER = """#!/bin/sh
LD_LIBRARY_PATH=/tools/lib exec /tools/bin/xen-qemu -L /tools/share "$@"
"""


class LabError(Exception):
    """What went wrong and what to do, in one line for the user."""


def say(text):
    """Tell the user what is going on."""
    print("lab: " + text, file=sys.stderr, flush=True)


def run(*argv, **kwargs):
    """Run a command; its output is returned, its failure is an error."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, **kwargs)
    if done.returncode != 0:
        raise LabError("failed: " + " ".join(argv))
    return done.stdout


def newest(paths):
    """The path with the highest version number in its name, or None."""
    def version(path):
        return [int(n) for n in re.findall(r"\d+", os.path.basename(path))]
    return max(paths, key=version, default=None)


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


def xen_dir():
    """The directory of the installed Xen tools, /usr/lib/xen-VERSION."""
    tool = newest(os.path.dirname(os.path.dirname(xl))
                  for xl in glob.glob("/usr/lib/xen-4.*/bin/xl"))
    if not tool or not os.path.exists(DM):
        raise LabError("Xen's tools are not installed: run tools/setup")
    return tool


def xen_package():
    """The unpacked hypervisor package of the tools' version."""
    version = os.path.basename(xen_dir()).replace("xen-", "")
    return package("xen-system-amd64",
                   "xen-hypervisor-%s-amd64" % re.escape(version))


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
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        done = subprocess.run(["zstd", "-dcq"], input=payload,
                              stdout=subprocess.PIPE, check=False)
        return done.stdout    # what follows the frame makes zstd complain
    raise LabError("%s is packed in a way that the lab cannot read" % bzimage)


def libraries(*binaries):
    """The shared libraries that the binaries need, by ldd's word."""
    found = {"/lib/x86_64-linux-gnu/libgcc_s.so.1"}    # for pthread_cancel
    for binary in binaries:
        found.update(re.findall(r"(?:=> )?(/\S+) \(0x", run("ldd", binary)))
    return sorted(found)


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


def stage_root(kernel, work):
    """Fill the directory of dom0's root file system."""
    root = work + "/root"
    xen = xen_dir()
    for d in "proc sys dev run tmp var/log etc/xen bin sbin".split():
        os.makedirs("%s/%s" % (root, d))
    copy("/bin/busybox", root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    tools = [xen + "/bin/" + t for t in XEN_TOOLS]
    tools += ["/usr/bin/" + t for t in STORE_TOOLS]
    for tool in tools:
        copy(tool, root + tool)
    for lib in libraries(*tools):
        copy(lib, root + lib)
    copy(xen + "/boot/hvmloader", root + xen + "/boot/hvmloader")
    copy(SEABIOS, root + SEABIOS)
    os.symlink(os.path.basename(xen), root + "/usr/lib/xen")
    with open(root + xen + "/bin/qemu-system-i386", "w",
              encoding="ascii") as f:
        f.write(DM_WRAPPER)
    os.chmod(root + xen + "/bin/qemu-system-i386", 0o755)
    os.makedirs(root + "/usr/libexec")
    os.symlink(xen + "/bin/qemu-system-i386", root + DM)
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


def make_tools_disk(work, target):
    """The disk with the device model of HVM guests, read only when needed."""
    root = work + "/tools"
    copy(DM, root + "/bin/xen-qemu")
    for lib in libraries(DM):
        copy(lib, root + "/lib/" + os.path.basename(lib))
    for rom in ROMS:
        copy("/usr/share/qemu/" + rom, root + "/share/" + rom)
    copy(SEABIOS, root + "/share/bios-256k.bin")
    run("/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root,
        target, "96M")


def inputs(kernel, xen):
    """A hash of everything that the lab is made from."""
    digest = hashlib.sha256()
    sources = [__file__, LAB + "/agent.c"] + sorted(glob.glob(LAB + "/dom0/*"))
    for path in sources:
        with open(path, "rb") as f:
            digest.update(f.read())
    installed = [DM, xen_dir() + "/bin/xl", "/bin/busybox",
                 "/lib/x86_64-linux-gnu/libc.so.6",
                 xen_dir() + "/boot/hvmloader"]
    for path in installed:
        st = os.stat(path)
        digest.update(("%s %d %d\n" % (path, st.st_size,
                                       st.st_mtime)).encode())
    digest.update((kernel + xen).encode())
    return digest.hexdigest()[:16]


def build(kernel, xen, work):
    """Make the four files of the lab in the directory work."""
    hypervisor = glob.glob(xen + "/boot/xen-*-amd64.gz")[0]
    with open(work + "/xen", "wb") as f:
        subprocess.run(["zcat", hypervisor], stdout=f, check=True)
    with open(work + "/vmlinux", "wb") as f:
        f.write(vmlinux(glob.glob(kernel + "/boot/vmlinuz-*")[0]))
    make_initrd(stage_root(kernel, work), work + "/initrd")
    make_tools_disk(work, work + "/tools.img")
    shutil.rmtree(work + "/root")
    shutil.rmtree(work + "/tools")


def ensure():
    """Build the lab when it is not there; returns its directory."""
    os.makedirs(OUT, exist_ok=True)
    with open(OUT + "/.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        xen = xen_package()
        kernel = kernel_package()
        done = "%s/%s" % (OUT, inputs(kernel, xen))
        if os.path.isdir(done):
            return done
        say("building Xen's dom0 (once) …")
        work = OUT + "/work"
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        build(kernel, xen, work)
        for old in glob.glob(OUT + "/" + "[0-9a-f]" * 16):
            shutil.rmtree(old)
        os.rename(work, done)
        return done


if __name__ == "__main__":
    try:
        print(ensure())
    except LabError as error:
        say(str(error))
        sys.exit(1)

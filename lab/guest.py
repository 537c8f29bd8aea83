# SPDX-License-Identifier: BSD-2-Clause
"""A guest of the lab: its xl configuration, its console, its end.

	guest = Guest(lab, "web", kernel="out/domus-x86_64.elf", mode="pvh",
	    append="app=httpd", disks=["phy:/dev/vdb,xvda,r"])
	guest.create()
	url = guest.expect(rb"httpd: serving (\\S+)", 30).group(1)
	guest.shutdown()
"""

import os
import re

from build import LabError
from console import Console

MODES = ("pv", "pvh", "hvm")
# The reasons that Xen has for the end of a domain, as xl's log gives them.
REASONS = {0: "poweroff", 1: "reboot", 2: "suspend", 3: "crash",
           4: "watchdog", 5: "soft-reset"}
# Relays the console of every domain that comes to have the name; does not
# look for one while the domain is on its way, for that takes time from it.
CONSOLE = """while [ -e '%s' ]; do
	while [ -e '%s' ]; do sleep 1; done
	id=$(xl domid '%s' 2>/dev/null) &&
	xenconsole --interactive --type pv --num 0 "$id" 2>/dev/null
	usleep 100000
done"""
# The xl that looks after a domain goes away when that is suspended, cancelled
# or not.  This tells of the end from then on, in the words of xl's log.
END = """xenstore-watch @releaseDomain | while read _; do
	set -- $(xl list -v '%s' 2>/dev/null | tail -n 1)
	case $8 in
	'') echo has been destroyed; exit ;;
	-) ;;
	*) echo "has shut down, reason code $8"; exit ;;
	esac
done"""


def quoted(text):
    """A string of xl's configuration language."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def kernel_for(mode, kernel):
    """The kernel file to give to xl: in HVM guests the device model loads it,
    and wants the copy which the build makes for it, NAME-hvm.elf."""
    copy = os.path.splitext(kernel)[0] + "-hvm.elf"
    if mode != "hvm" or not os.path.exists(copy):
        return kernel
    if os.path.getmtime(copy) < os.path.getmtime(kernel):
        raise LabError("%s is older than the kernel: make %s"
                       % (copy, os.path.relpath(copy)))
    return copy


def config(name, kernel=None, mode="pv", memory=64, vcpus=1, append="",
           disks=(), vifs=(), ramdisk=None, extra=()):
    """The text of an xl configuration file; extra: more lines of it."""
    lines = ["name = " + quoted(name),
             "type = " + quoted(mode),
             "memory = %d" % memory,
             "vcpus = %d" % vcpus,
             'tsc_mode = "native"',
             'on_poweroff = "destroy"',
             'on_reboot = "restart"',
             'on_crash = "preserve"',
             "disk = [%s]" % ", ".join(quoted(d) for d in disks),
             "vif = [%s]" % ", ".join(quoted(v) for v in vifs)]
    if kernel:
        lines += ["kernel = " + quoted(kernel),
                  "cmdline = " + quoted(append)]
    if ramdisk:
        lines.append("ramdisk = " + quoted(ramdisk))
    if mode == "hvm":
        lines += ['vga = "none"', "vnc = 0", "usb = 0",
                  'serial = "file:/var/log/xen/serial-%s.log"' % name]
    return "\n".join(lines + list(extra)) + "\n"


class Guest(Console):
    """One domain of a lab."""

    def __init__(self, lab, name, mode="pv", kernel=None, ramdisk=None,
                 vifs=None, sink=None, **settings):
        """kernel and ramdisk are host files; vifs None: one interface.
        The other settings are those of config()."""
        super().__init__(sink)
        self.lab = lab
        self.name = name
        self.mode = mode
        self._kernel = kernel and kernel_for(mode, kernel)
        self._ramdisk = ramdisk
        self._vifs = vifs
        self._settings = settings
        self._log = b""
        self._console = self._watch = None
        self._moving = False            # its end is none

    # Starting

    def _config(self):
        kernel = self._kernel and self.lab.put_file(self._kernel)
        ramdisk = self._ramdisk and self.lab.put_file(self._ramdisk)
        vifs = self._vifs
        if vifs is None:
            vifs = ["mac=%s,bridge=xenbr0,type=vif" % self.lab.next_mac()]
        return config(self.name, kernel, self.mode, vifs=vifs,
                      ramdisk=ramdisk, **self._settings)

    def create(self, timeout=120):
        """Write the configuration and start the domain with xl."""
        path = "/lab/%s.cfg" % self.name
        log = "/var/log/xen/xl-%s.log" % self.name
        self.lab.check("rm -f %s /var/log/xen/console/guest-%s.log"
                       % (log, self.name))
        self.lab.put(self._config().encode(), path)
        self._console = self.lab.spawn(
            CONSOLE % (path, self._away(), self.name), self.feed)
        self.lab.check("xl create " + path, timeout=timeout)
        self._follow(log)

    def _follow(self, log):
        """Read the log of the xl that looks after the domain."""
        self._look_after("exec tail -n +1 -F %s 2>/dev/null" % log)

    def _look_after(self, command):
        """A command of dom0's tells of the domain's end."""
        if self._watch:
            self._watch.kill()
        self._log = b""
        self._watch = self.lab.spawn(command, self._log_bytes)

    def _log_bytes(self, data):
        if self._moving:
            return
        self._log += data
        for code in re.findall(rb"has shut down, reason code (\d+)",
                               self._log):
            reason = REASONS.get(int(code), "reason " + code.decode())
            if reason != "reboot":
                self.end(reason)
        if b"has been destroyed" in self._log:
            self.end("destroyed")

    # Saving and moving

    def _away(self):
        """The file that there is in dom0 while the domain is on its way."""
        return "/lab/%s.away" % self.name

    def save(self, path, timeout=300):
        """xl save: the domain is gone, and in the file of dom0's."""
        self._moving = True
        self.lab.check(": >{0}; xl save {1} {2} || {{ rm {0}; false; }}"
                       .format(self._away(), self.name, path),
                       timeout=timeout)

    def restore(self, path, timeout=300):
        """xl restore of what save() saved."""
        self.lab.check("xl restore %s && rm %s" % (path, self._away()),
                       timeout=timeout)
        self._moving = False
        self._follow("/var/log/xen/xl-%s.log" % self.name)

    def migrate(self, timeout=300):
        """xl migrate, live, to the same host."""
        self._moving = True
        self.lab.check(": >{0}; xl migrate -s env {1} FOO=1; s=$?; rm {0};"
                       " exit $s".format(self._away(), self.name),
                       timeout=timeout)
        self._moving = False
        self._follow("/var/log/xen/xl-%s--incoming.log" % self.name)

    def checkpoint(self, path, timeout=300):
        """xl save -c: the domain is stopped, and goes on."""
        self._moving = True
        self.lab.check("xl save -c %s %s" % (self.name, path),
                       timeout=timeout)
        self._moving = False
        self._look_after(END % self.name)

    # The console

    def alive(self):
        return not self.lab.agent.closed.is_set()

    def send(self, data):
        self._console.send(data)

    def detach(self):
        """Leave the console to somebody else."""
        self._console.kill()

    # The end

    def shutdown(self, timeout=60):
        """Shut down cleanly; returns the reason of the end."""
        self.lab.check("xl shutdown " + self.name)
        reason = self.wait_end(timeout)
        if reason is None:
            raise LabError("the guest did not shut down in %d s" % timeout)
        self.remove()
        return reason

    def registers(self):
        """What the CPUs of a crashed domain were doing."""
        return self.lab.exec("for c in 0 1; do xenctx -a $(xl domid %s) $c;"
                             " done" % self.name).stdout

    def running(self):
        """Whether Xen still knows the domain."""
        return self.lab.exec("xl domid " + self.name).status == 0

    def remove(self):
        """Destroy what is left of the domain; nothing when it is gone."""
        self.lab.exec("rm -f /lab/{0}.cfg /lab/{0}.away; i=0;"
                      " while [ $i -lt 20 ]; do"
                      " xl domid {0} || break; xl destroy {0};"
                      " usleep 200000; i=$((i+1)); done"
                      .format(self.name))
        for session in (self._console, self._watch):
            if session:
                session.kill()

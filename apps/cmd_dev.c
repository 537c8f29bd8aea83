/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_dev.c -- the shell's commands about paravirtual devices.
 */

#include "shell.h"

#include <arch.h>
#include <klog.h>
#include <mm.h>
#include <pv/pv.h>
#include <pv/xen.h>

static void
cmd_device(const struct pv_dev_info *di)
{
	kprintf("%-16s %-10s %-12s peer %u grants %u evtchns %u pages %u"
	    " watches %u maps %u budget %u vcpu %u events %llu spurious %llu"
	    " kicks %llu failures %llu\n", di->di_name, di->di_driver,
	    di->di_state, di->di_peer, di->di_ngref, di->di_nevport,
	    di->di_npage, di->di_nwatch, di->di_nmap, di->di_maxgref,
	    di->di_vcpu, (unsigned long long)di->di_nintr,
	    (unsigned long long)di->di_nspurious,
	    (unsigned long long)di->di_nkick,
	    (unsigned long long)di->di_nfail);
}

/*
 * The totals are what a test compares before and after attaching and
 * detaching devices: one line, pairs of key and value.
 */
static int
cmd_devices(int argc, char **argv)
{
	struct pv_dev_info di;
	struct pv_totals pt = { 0 };
	struct mm_stat ms;
	unsigned int n;

	for (n = 0; pv_dev_info(n, &di) == 0; n++) {
		cmd_device(&di);
		if (shell_pace())
			return 1;
	}
	pv_totals(&pt);
	mm_stat(&ms);
	kprintf("totals: devices %u grants %u evtchns %u watches %u pages %llu"
	    " parked %u\n", n, pt.pt_gref_used, pt.pt_evport_used,
	    pt.pt_watch_used, (unsigned long long)pt.pt_npage,
	    pt.pt_gref_parked);
	kprintf("limits: grants %u requests %u upcalls %llu spurious %llu"
	    " free %llu\n", pt.pt_gref_max, pt.pt_xs_inflight,
	    (unsigned long long)pt.pt_nupcall,
	    (unsigned long long)pt.pt_nspurious,
	    (unsigned long long)ms.ms_free);
	return 0;
}

static int
cmd_evtchn(int argc, char **argv)
{
	struct pv_xen_cpu_info ci;
	struct pv_totals pt = { 0 };
	unsigned int i;

	pv_totals(&pt);
	if (pt.pt_evtchn == NULL) {
		kprintf("no event channels: not under Xen\n");
		return 1;
	}
	kprintf("%s, ports %u, vcpus %u, spurious %llu, stray %llu,"
	    " resyncs %u\n",
	    pt.pt_evtchn, pt.pt_evport_used, pt.pt_nvcpu,
	    (unsigned long long)pt.pt_nspurious,
	    (unsigned long long)pt.pt_nstray, pt.pt_nresync);
	for (i = 0; i < PV_XEN_NVCPU; i++) {
		if (pv_xen_cpu_info(i, &ci) != 0)
			continue;
		kprintf("vcpu %u %s upcalls %llu events %llu stray %llu\n", i,
		    ci.ci_up ? "up" : "down",
		    (unsigned long long)ci.ci_nupcall,
		    (unsigned long long)ci.ci_nevent,
		    (unsigned long long)ci.ci_nstray);
		if (shell_pace())
			return 1;
	}
	return 0;
}

/* What the processors take; then the events of devices, with their vCPU. */
static int
cmd_interrupts(int argc, char **argv)
{
	struct arch_irq_info ai;
	struct pv_dev_info di;
	unsigned int n;

	for (n = 0; arch_irq_info(n, &ai) == 0; n++)
		kprintf("%-20s %3u %12llu\n", ai.ai_name, ai.ai_num,
		    (unsigned long long)ai.ai_count);
	for (n = 0; pv_dev_info(n, &di) == 0; n++) {
		if (di.di_nevport > 0)
			kprintf("%-20s %3u %12llu\n", di.di_name, di.di_vcpu,
			    (unsigned long long)di.di_nintr);
	}
	return 0;
}

const struct cmd cmd_dev[] = {
	{ "devices", "", "paravirtual devices, what they hold and did",
	    cmd_devices },
	{ "interrupts", "", "how often each interrupt and event came",
	    cmd_interrupts },
	{ "evtchn", "", "Xen event channels, and their events on each vCPU",
	    cmd_evtchn },
	{ NULL, NULL, NULL, NULL }
};

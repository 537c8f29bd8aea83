/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen.c -- without options XEN and XENHVM: what the kernel asks of Xen, and
 * what it asks of the library when that has no Xen in it.
 */

#include <app.h>
#include <arch.h>
#include <suspend.h>
#include <pv/xen.h>

#include "../../arch/x86/mode.h"
#include "../../arch/x86/xen_abi.h"
#include "xen_call.h"

/* ---- arch/x86/xen.c ---------------------------------------------------- */

unsigned char xen_call_insn = XEN_CALL_NONE;
struct shared_info *xen_shared;

void
xen_upcall(void)
{
}

void
xen_shutdown(enum mode_shutdown how)
{
	(void)how;
}

/* arch_timer_set -- see arch.h */
void
arch_timer_set(uint64_t deadline)
{
	lapic_timer_set(deadline);
}

/* arch_intr_init -- see arch.h: the LAPIC's timer is there already */
void
arch_intr_init(void)
{
}

/* ---- arch/x86/xencpu.c ------------------------------------------------- */

/* arch_vcpu_runs -- see arch.h: nobody says */
bool
arch_vcpu_runs(unsigned int cpu)
{
	(void)cpu;
	return true;
}

bool
arch_steal(unsigned int cpu, struct arch_steal *as)
{
	(void)cpu;
	(void)as;
	return false;
}

unsigned int
xencpu_count(void)
{
	return 1;
}

int
xencpu_attach(unsigned int cpu)
{
	(void)cpu;
	return -PV_ENOSYS;
}

int
xencpu_up(unsigned int cpu)
{
	(void)cpu;
	return -PV_ENOSYS;
}

void
xencpu_stop(void)
{
}

bool
xencpu_reap(unsigned int cpu)
{
	(void)cpu;
	return true;
}

void
xencpu_ipi(unsigned int cpu)
{
	(void)cpu;
}

/* ---- kernel/suspend.c -------------------------------------------------- */

/* suspend_run -- nobody asks for it */
int
suspend_run(void)
{
	return -PV_ENOSYS;
}

unsigned int
suspend_count(void)
{
	return 0;
}

/* ---- arch/x86/poll.c --------------------------------------------------- */

/* arch_poll_begin -- who waits for a spin lock can only spin */
bool
arch_poll_begin(void)
{
	return false;
}

void
arch_poll(void)
{
}

void
arch_kick(unsigned int cpu)
{
	(void)cpu;
}

/* ---- xen/pv.c ---------------------------------------------------------- */

/* pv_attach -- there is no Xen to attach to */
int
pv_attach(const struct pv_client *client, const struct pv_xen_boot *boot)
{
	(void)client;
	(void)boot;
	return -PV_ENODEV;
}

/* pv_control_shutdown -- the machine's own way is taken */
int
pv_control_shutdown(enum pv_control_op op)
{
	(void)op;
	return -PV_ENODEV;
}

/* pv_watchdog -- nobody would look after us */
int
pv_watchdog(unsigned int seconds)
{
	(void)seconds;
	return -PV_ENODEV;
}

/* pv_totals -- only devices have something to tell about */
void
pv_totals(struct pv_totals *pt)
{
	struct pv_dev_info di;
	unsigned int n;

	*pt = (struct pv_totals){ 0 };
	for (n = 0; pv_dev_info(n, &di) == 0; n++)
		pt->pt_npage += di.di_npage;
}

/* pv_store_read, pv_store_watch -- there is no store */
int
pv_store_read(const char *path, char *buf, size_t size, size_t *lenp)
{
	(void)path;
	(void)buf;
	(void)size;
	*lenp = 0;
	return -PV_ENODEV;
}

int
pv_store_watch(const char *path, void (*fn)(void *, const char *path),
    void *arg, struct pv_store_watch **swp)
{
	(void)path;
	(void)fn;
	(void)arg;
	*swp = NULL;
	return -PV_ENODEV;
}

/* pv_xen_balance -- no device has event channels */
void
pv_xen_balance(bool (*runs)(unsigned int vcpu))
{
	(void)runs;
}

/* pv_xen_cpu_info -- no vCPU is attached */
int
pv_xen_cpu_info(unsigned int vcpu, struct pv_xen_cpu_info *ci)
{
	(void)vcpu;
	(void)ci;
	return -PV_ENOENT;
}

/* ---- apps/cmd_xs.c ----------------------------------------------------- */

const struct cmd cmd_xs[] = {
	{ .cm_name = NULL }
};

/* ---- apps/cmd_evstress.c ----------------------------------------------- */

const struct cmd cmd_evstress[] = {
	{ .cm_name = NULL }
};

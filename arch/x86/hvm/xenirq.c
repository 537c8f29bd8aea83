/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/xenirq.c -- how Xen interrupts a hardware-virtualized guest when there
 * are events for it.  There are three ways, which came one after another:
 *
 *	upcall	a vector of each vCPU's own, through its LAPIC, which is
 *		told when it was taken (HVMOP_set_evtchn_upcall_vector)
 *	vector	one vector for all vCPUs, past the LAPIC
 *	intx	the wired interrupt of the platform device, 5853:0001, for as
 *		long as vCPU 0 has an upcall pending; other vCPUs get none
 *
 * The best that Xen has is taken; xenpci.callback= on the command line asks for
 * another.  A guest's HVM_PARAM_CALLBACK_IRQ is never 0, which the toolstack
 * takes for a guest without PV drivers; with the first way it must not be a
 * vector either, or Xen would use both.
 */

#include <string.h>

#include <arch.h>
#include <arch_port.h>
#include <cmdline.h>
#include <klog.h>

#include "../trap.h"
#include "../xen_abi.h"
#include "hvm.h"
#include "xen_call.h"

#include "shm.h"
#include "xencpuid.h"

#define XENIRQ_PLATFORM	0x00015853u	/* device << 16 | vendor */
#define XENIRQ_PCI_ID	0x00
#define XENIRQ_PCI_LINE	0x3c
#define XENIRQ_PCI_PIN	0x3d
#define XENIRQ_VIA_GSI1	1u		/* something that never comes */

struct xenirq_way {
	const char	*xw_name;	/* of the setting */
	const char	*xw_what;
	/* For the domain; 0 or -PV_E*. */
	int		(*xw_set)(void);
	/* For a vCPU, that of the domain being done. */
	int		(*xw_set_vcpu)(unsigned int vcpu);
	/* Xen says that it has it. */
	bool		(*xw_offered)(void);
};

static const struct xenirq_way *xenirq_way;
static struct pv_os_irq xenirq_line;

static int
xenirq_via(uint64_t via)
{
	return (int)xenhvm_param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ,
	    &via);
}

/*
 * xenirq_init -- no interrupts yet, but the shared info page's layout
 *
 * Setting the parameter makes Xen see that we are in 64-bit mode.  It must not
 * be a vector: in a PVH guest nothing takes that back.
 * Context: entry.
 */
void
xenirq_init(void)
{
	(void)xenirq_via(XENIRQ_VIA_GSI1);
}

/* ---- upcall ------------------------------------------------------------ */

static bool
xenirq_upcall_offered(void)
{
	return (xenhvm_cpuid.xc_flags & XENCPUID_UPCALL_VECTOR) != 0;
}

static int
xenirq_upcall_vcpu(unsigned int vcpu)
{
	struct xen_hvm_evtchn_upcall_vector uv = {
		.vcpu = vcpu, .vector = VEC_UPCALL_LAPIC
	};

	return (int)xen_call2(NULL, __HYPERVISOR_hvm_op,
	    HVMOP_set_evtchn_upcall_vector, (unsigned long)&uv);
}

static int
xenirq_upcall_set(void)
{
	if (!lapic_present())
		return -PV_ENODEV;
	return xenirq_via(XENIRQ_VIA_GSI1);
}

/* ---- vector ------------------------------------------------------------ */

static bool
xenirq_vector_offered(void)
{
	return (xen_features() & 1u << XENFEAT_hvm_callback_vector) != 0;
}

static int
xenirq_vector_set(void)
{
	if (!xenirq_vector_offered())
		return -PV_ENOSYS;
	return xenirq_via((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 |
	    VEC_UPCALL);
}

/* Xen has done it for all of them. */
static int
xenirq_vector_vcpu(unsigned int vcpu)
{
	(void)vcpu;
	return 0;
}

/* ---- intx -------------------------------------------------------------- */

/* The line is shared; it is lowered by Xen when nothing is pending. */
static void
xenirq_line_intr(void *arg)
{
	(void)arg;
	if (shm_read8(&xen_shared->vcpu_info[0].evtchn_upcall_pending) != 0)
		xen_upcall();
}

static bool
xenirq_find(pv_pci_t *pci)
{
	unsigned int slot;

	for (slot = 0; slot < 32; slot++) {
		*pci = slot << 3;
		if (pv_os_pci_read(*pci, XENIRQ_PCI_ID, 4) == XENIRQ_PLATFORM)
			return true;
	}
	return false;
}

static bool
xenirq_intx_offered(void)
{
	pv_pci_t pci;

	return (mode_boot.bi_xenboot.xb_flags & PV_XEN_DOM0) == 0 &&
	    xenirq_find(&pci);
}

static int
xenirq_intx_set(void)
{
	struct pv_irqsrc src = { .is_kind = PV_IRQ_LINE };
	unsigned int pin;
	int rv = 0;

	if (!xenirq_intx_offered() || !xenirq_find(&src.is_pci))
		return -PV_ENODEV;
	src.is_num = pv_os_pci_read(src.is_pci, XENIRQ_PCI_LINE, 1);
	pin = pv_os_pci_read(src.is_pci, XENIRQ_PCI_PIN, 1);
	if (pin < 1 || pin > 4)
		return -PV_ENODEV;
	if (xenirq_line.oi_fn == NULL) {
		xenirq_line.oi_fn = xenirq_line_intr;
		rv = arch_irq_attach(&xenirq_line, &src);
	}
	if (rv != 0) {
		xenirq_line.oi_fn = NULL;
		return rv;
	}
	return xenirq_via((uint64_t)HVM_PARAM_CALLBACK_TYPE_PCI_INTX << 56 |
	    src.is_pci << 8 | (pin - 1));
}

static int
xenirq_intx_vcpu(unsigned int vcpu)
{
	if (vcpu == 0)
		return 0;
	klog(PV_LOG_WARN, "xenpci: vCPU %u stays off: only vCPU 0 gets the "
	    "platform device's interrupt", vcpu);
	return -PV_ENOSYS;
}

/* ---- the choice -------------------------------------------------------- */

static const struct xenirq_way xenirq_ways[] = {
	{ "upcall", "a vector of each vCPU", xenirq_upcall_set,
	    xenirq_upcall_vcpu, xenirq_upcall_offered },
	{ "vector", "a vector", xenirq_vector_set, xenirq_vector_vcpu,
	    xenirq_vector_offered },
	{ "intx", "the platform device's line", xenirq_intx_set,
	    xenirq_intx_vcpu, xenirq_intx_offered }
};

static int
xenirq_try(const struct xenirq_way *xw)
{
	int rv = xw->xw_set();

	if (rv == 0)
		rv = xw->xw_set_vcpu(0);
	if (rv == 0)
		xenirq_way = xw;
	return rv;
}

/* What the operator asks for; true when it works. */
static bool
xenirq_asked(const char *name)
{
	unsigned int i;
	int rv;

	for (i = 0; i < PV_NELEM(xenirq_ways); i++) {
		if (strcmp(name, xenirq_ways[i].xw_name) != 0)
			continue;
		rv = xenirq_try(&xenirq_ways[i]);
		if (rv != 0)
			klog(PV_LOG_WARN, "xenpci.callback=%s: not to be had "
			    "here (error %d); taking the best there is", name,
			    -rv);
		return rv == 0;
	}
	klog(PV_LOG_WARN, "xenpci.callback=%s: no such way; there are upcall, "
	    "vector and intx", name);
	return false;
}

static int
xenirq_choose(void)
{
	const char *name = cmdline_get("xenpci.callback");
	unsigned int i;
	int rv = -PV_ENOSYS;

	if (name != NULL && xenirq_asked(name))
		return 0;
	for (i = 0; i < PV_NELEM(xenirq_ways); i++) {
		if (!xenirq_ways[i].xw_offered())
			continue;
		rv = xenirq_try(&xenirq_ways[i]);
		if (rv == 0)
			break;
		klog(PV_LOG_WARN, "xenpci: Xen refused %s (error %d)",
		    xenirq_ways[i].xw_what, -rv);
	}
	return rv;
}

/*
 * xenirq_attach -- have Xen interrupt a vCPU; vCPU 0 first
 *
 * Again after a resume, for each of them.  0 or -PV_E*.
 * Context: boot, thread.
 */
int
xenirq_attach(unsigned int vcpu)
{
	int rv;

	if (vcpu != 0)
		return xenirq_way == NULL ? -PV_ENOSYS :
		    xenirq_way->xw_set_vcpu(vcpu);
	if (xenirq_way != NULL)
		return xenirq_try(xenirq_way);
	rv = xenirq_choose();
	if (rv == 0)
		klog(PV_LOG_INFO, "xenpci: events interrupt by %s (%s)",
		    xenirq_way->xw_what, xenirq_way->xw_name);
	/* Not -PV_ENOSYS: nobody here would look for events. */
	return rv == -PV_ENOSYS ? -PV_ENODEV : rv;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c -- who handles which interrupt: a slot for the Xen upcall of each
 * vCPU, one for each input of the I/O APIC, one for each vector given to
 * messages.
 *
 * Only a wired interrupt has more than one handler: functions of a PCI bus
 * share its four lines.  Each of them looks at its own device.
 *
 * A handler is published last and taken out under the lock; who took it out
 * then waits until no CPU runs the slot.  A handler that is taken out keeps
 * its way to the next one, for those that stand on it.
 */

#include <arch.h>
#include <sched.h>
#include <sync.h>

#include "mode.h"
#include "trap.h"

struct irq_slot {
	struct pv_os_irq *is_first;
	unsigned int	 is_running;	/* CPUs in irq_run() of it */
};

static struct irq_slot irq_xen[CPU_MAX], irq_line[VEC_NLINE],
    irq_msi[VEC_NMSI];
static struct spinlock irq_lock;

static struct irq_slot *
irq_find(enum pv_irqkind kind, unsigned int num)
{
	if (kind == PV_IRQ_XEN && num < CPU_MAX)
		return &irq_xen[num];
	if (kind == PV_IRQ_LINE && num < VEC_NLINE)
		return &irq_line[num];
	if (kind == PV_IRQ_MSI && num < VEC_NMSI)
		return &irq_msi[num];
	return NULL;
}

/*
 * irq_set -- the handler in irq gets the interrupt from now on
 *
 * Returns 0, -PV_EBUSY, -PV_ENOSYS.  Context: thread.
 */
int
irq_set(enum pv_irqkind kind, unsigned int num, struct pv_os_irq *irq)
{
	struct irq_slot *is = irq_find(kind, num);
	unsigned long s;
	int rv = 0;

	if (is == NULL || (kind == PV_IRQ_XEN && !mode_boot.bi_xen))
		return -PV_ENOSYS;
	irq->oi_kind = kind;
	irq->oi_num = num;
	s = spin_lock(&irq_lock);
	if (is->is_first != NULL && kind != PV_IRQ_LINE) {
		rv = -PV_EBUSY;
	} else {
		irq->oi_next = is->is_first;
		__atomic_store_n(&is->is_first, irq, __ATOMIC_RELEASE);
	}
	spin_unlock(&irq_lock, s);
	return rv;
}

/*
 * irq_clear -- irq gets no more interrupts and its handler is not running
 *
 * Returns whether its slot has no handler any more.  Context: thread.
 */
bool
irq_clear(struct pv_os_irq *irq)
{
	struct irq_slot *is = irq_find((enum pv_irqkind)irq->oi_kind,
	    irq->oi_num);
	struct pv_os_irq **ip;
	unsigned long s;
	bool last;

	s = spin_lock(&irq_lock);
	for (ip = &is->is_first; *ip != NULL; ip = &(*ip)->oi_next) {
		if (*ip == irq) {
			__atomic_store_n(ip, irq->oi_next, __ATOMIC_SEQ_CST);
			break;
		}
	}
	last = is->is_first == NULL;
	spin_unlock(&irq_lock, s);
	while (__atomic_load_n(&is->is_running, __ATOMIC_SEQ_CST) != 0)
		arch_pause();
	return last;
}

/*
 * irq_run -- call the handlers; false when there is none
 *
 * Context: interrupt.
 */
bool
irq_run(enum pv_irqkind kind, unsigned int num)
{
	struct irq_slot *is = irq_find(kind, num);
	struct pv_os_irq *irq;
	bool found = false;

	if (is == NULL)
		return false;
	__atomic_fetch_add(&is->is_running, 1, __ATOMIC_SEQ_CST);
	irq = __atomic_load_n(&is->is_first, __ATOMIC_SEQ_CST);
	for (; irq != NULL; irq = __atomic_load_n(&irq->oi_next,
	    __ATOMIC_ACQUIRE)) {
		irq->oi_fn(irq->oi_arg);
		found = true;
	}
	__atomic_fetch_sub(&is->is_running, 1, __ATOMIC_SEQ_CST);
	return found;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c -- who handles which interrupt: one handler for the Xen upcall, one
 * for each input of the I/O APIC, one for each vector given to messages.
 *
 * A handler is published by its function pointer, last; it is taken away with
 * interrupts masked, so on one CPU it does not run any more afterwards.
 */

#include <arch.h>

#include "mode.h"
#include "trap.h"

struct irq_handler {
	void		(*ih_fn)(void *);
	void		*ih_arg;
};

static struct irq_handler irq_xen, irq_line[VEC_NLINE], irq_msi[VEC_NMSI];

static struct irq_handler *
irq_find(enum pv_irqkind kind, unsigned int num)
{
	if (kind == PV_IRQ_XEN)
		return &irq_xen;
	if (kind == PV_IRQ_LINE && num < VEC_NLINE)
		return &irq_line[num];
	if (kind == PV_IRQ_MSI && num < VEC_NMSI)
		return &irq_msi[num];
	return NULL;
}

/*
 * irq_set -- fn(arg) handles the interrupt from now on
 *
 * Returns 0, -PV_EBUSY, -PV_ENOSYS.  Context: thread.
 */
int
irq_set(enum pv_irqkind kind, unsigned int num, void (*fn)(void *), void *arg)
{
	struct irq_handler *ih = irq_find(kind, num);

	if (ih == NULL || (kind == PV_IRQ_XEN) != mode_boot.bi_xen)
		return -PV_ENOSYS;
	if (ih->ih_fn != NULL)
		return -PV_EBUSY;
	ih->ih_arg = arg;
	__atomic_store_n(&ih->ih_fn, fn, __ATOMIC_RELEASE);
	return 0;
}

/*
 * irq_clear -- nobody handles it any more
 *
 * Context: thread.
 */
void
irq_clear(enum pv_irqkind kind, unsigned int num)
{
	struct irq_handler *ih = irq_find(kind, num);
	unsigned long s;

	if (ih == NULL)
		return;
	s = arch_irq_save();
	ih->ih_fn = NULL;
	arch_irq_restore(s);
}

/*
 * irq_run -- call the handler; false when there is none
 *
 * Context: interrupt.
 */
bool
irq_run(enum pv_irqkind kind, unsigned int num)
{
	struct irq_handler *ih = irq_find(kind, num);
	void (*fn)(void *);

	if (ih == NULL)
		return false;
	fn = __atomic_load_n(&ih->ih_fn, __ATOMIC_ACQUIRE);
	if (fn == NULL)
		return false;
	fn(ih->ih_arg);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.c -- the port of libdomus to a Linux process: everything is simulated.
 *
 * Beside doing what pv/os.h says, it checks that the library keeps its side:
 * contexts, locks, lengths.  Each function that can fail is a failure point.
 */

#include <stdio.h>
#include <stdlib.h>

#include <pv/os.h>

#include "sim_int.h"
#include "sim_pci.h"

/* Something that may sleep, or may not be called with a lock held. */
static void
pv_os_check(const char *what, enum sim_ctx most)
{
	if (sim_world->s_nlock > 0)
		sim_bug("%s with a lock held", what);
	if (sim_world->s_ctx > most)
		sim_bug("%s in the wrong context", what);
}

void *
pv_os_alloc(size_t len)
{
	if (sim_world->s_ctx == SIM_IRQ)
		sim_bug("pv_os_alloc in an interrupt");
	if (len == 0)
		sim_bug("pv_os_alloc of nothing");
	if (sim_fail_now("alloc"))
		return NULL;
	return sim_mem_alloc(len, __builtin_return_address(0));
}

void
pv_os_free(void *p, size_t len)
{
	if (sim_world->s_ctx == SIM_IRQ)
		sim_bug("pv_os_free in an interrupt");
	sim_mem_free(p, len);
}

void *
pv_os_pages_alloc(unsigned int npg)
{
	if (sim_world->s_ctx == SIM_IRQ)
		sim_bug("pv_os_pages_alloc in an interrupt");
	if (sim_fail_now("pages_alloc"))
		return NULL;
	return sim_mem_pages_alloc(npg, __builtin_return_address(0));
}

void
pv_os_pages_free(void *va, unsigned int npg)
{
	if (sim_world->s_ctx == SIM_IRQ)
		sim_bug("pv_os_pages_free in an interrupt");
	sim_mem_pages_free(va, npg);
}

gfn_t
pv_os_gfn(const void *va)
{
	return GFN(sim_mem_gfn(va));
}

void *
pv_os_map(pv_pa_t pa, size_t len, enum pv_memtype type)
{
	pv_os_check("pv_os_map", SIM_THREAD);
	if (sim_fail_now("map"))
		return NULL;
	return sim_mem_map(pa, len, type == PV_MEM_DEVICE);
}

void
pv_os_unmap(void *va, size_t len)
{
	pv_os_check("pv_os_unmap", SIM_THREAD);
	sim_mem_unmap(va, len);
}

int
pv_os_rebind(void *va, gfn_t gfn)
{
	struct sim_page *pg = sim_mem_page(va);

	pv_os_check("pv_os_rebind", SIM_THREAD);
	if (pg == NULL || pg->pg_state != SIM_PG_GUEST)
		return -PV_EINVAL;
	if (sim_fail_now("rebind"))
		return -PV_ENOMEM;
	pg->pg_hole = gfn_eq(gfn, GFN_NONE);
	return 0;
}

int
pv_os_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src,
    void (*fn)(void *), void *arg)
{
	struct sim_dom *d = sim_world->s_curdom;
	struct sim_vcpu *v;

	pv_os_check("pv_os_irq_attach", SIM_THREAD);
	if (src->is_kind != PV_IRQ_XEN) {
		irq->oi_fn = fn;
		irq->oi_arg = arg;
		return sim_irq_attach(irq, src);
	}
	if (src->is_num >= d->d_nvcpu)
		return -PV_EINVAL;
	v = &d->d_vcpu[src->is_num];
	if (v->v_irq != NULL)
		return -PV_EBUSY;
	if (sim_fail_now("irq_attach"))
		return -PV_EINVAL;	/* -PV_ENOSYS would mean: poll */
	irq->oi_fn = fn;
	irq->oi_arg = arg;
	irq->oi_vcpu = v;
	v->v_irq = irq;
	return 0;
}

void
pv_os_irq_detach(struct pv_os_irq *irq)
{
	struct sim_vcpu *v = irq->oi_vcpu;

	pv_os_check("pv_os_irq_detach", SIM_THREAD);
	if (sim_irq_detach(irq))
		return;
	if (v == NULL || v->v_irq != irq)
		sim_die("irq_detach of what is not attached");
	v->v_irq = NULL;
	irq->oi_vcpu = NULL;
}

pv_os_ipl_t
pv_os_lock(struct pv_os_lock *lk)
{
	if (lk->ol_held)
		sim_die("a lock is taken twice");
	sim_sched_chance();
	lk->ol_held = true;
	return sim_world->s_nlock++;
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
	if (!lk->ol_held || sim_world->s_nlock == 0)
		sim_die("a lock is released that is not held");
	lk->ol_held = false;
	sim_world->s_nlock--;
	if (sim_world->s_nlock != ipl)
		sim_bug("locks are not released in the order taken");
	sim_sched_chance();
}

/* Time passes for who only looks at the clock, too. */
uint64_t
pv_os_now(void)
{
	sim_regs_flush();
	return sim_world->s_now += 50;
}

int
pv_os_wait(struct pv_os_event *ev, uint64_t deadline)
{
	int rv;

	pv_os_check("pv_os_wait", SIM_THREAD);
	if (ev->oe_waited)
		sim_die("two wait for one event");
	ev->oe_waited = true;
	rv = sim_sched_wait(ev, NULL, NULL, deadline);
	ev->oe_waited = false;
	return rv;
}

void
pv_os_wake(struct pv_os_event *ev)
{
	ev->oe_woken = true;
}

void
pv_os_defer(struct pv_os_work *work, uint64_t delay_ns)
{
	sim_sched_defer(work, delay_ns);
}

void
pv_os_cancel(struct pv_os_work *work)
{
	pv_os_check("pv_os_cancel", SIM_THREAD);
	sim_sched_cancel(work);
}

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	sim_regs_flush();
	return sim_pci_read(pci, reg, width);
}

void
pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
    uint32_t val)
{
	sim_regs_flush();
	sim_pci_write(pci, reg, width, val);
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	uint32_t v;

	sim_regs_flush();
	sim_inside();
	v = sim_pci_in(port, width);
	sim_outside();
	return v;
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val)
{
	sim_regs_flush();
	sim_inside();
	sim_pci_out(port, width, val);
	sim_outside();
}

/* Kept quiet unless asked for; errors of the library are what tests expect. */
void
pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
{
	static const char word[] = "EWID";

	if (sim_world->s_nlock > 0)
		sim_bug("a log line with a lock held: %s", fmt);
	sim_world->s_nlog[level]++;
	if (getenv("SIM_VERBOSE") == NULL)
		return;
	fprintf(stderr, "%c %9llu us: ", word[level],
	    (unsigned long long)sim_world->s_now / 1000);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
}

void
pv_os_panic(const char *msg)
{
	sim_die("panic: %s", msg);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.c -- the stub port: every function of pv/os.h, each of which says that
 * it is missing and fails.  To bring libdomus to a kernel copy this file and
 * os_types.h and replace the bodies, group by group:
 *
 *	tier 0	alloc free pages_alloc pages_free gfn map unmap lock unlock
 *		now log panic: polled drivers work
 *	tier 1	irq_attach irq_detach wait wake defer cancel: interrupts
 *	tier 2	rebind: back ends that map, balloon
 *	tier 3	pci_read pci_write pio_read pio_write: devices on PCI
 *
 * The contracts are in pv/os.h.  Begin with pv_os_log() and pv_os_panic():
 * all the others then tell when they are called for.
 */

#include <pv/os.h>

static void
os_missing(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pv_os_log(PV_LOG_ERR, fmt, ap);
	va_end(ap);
}

/* ---- memory ------------------------------------------------------------ */

void *
pv_os_alloc(size_t len)
{
	os_missing("pv_os_alloc(%zu): not implemented", len);
	return NULL;
}

void
pv_os_free(void *p, size_t len)
{
	if (p != NULL)
		os_missing("pv_os_free(%p, %zu): not implemented", p, len);
}

void *
pv_os_pages_alloc(unsigned int npg)
{
	os_missing("pv_os_pages_alloc(%u): not implemented", npg);
	return NULL;
}

void
pv_os_pages_free(void *va, unsigned int npg)
{
	os_missing("pv_os_pages_free(%p, %u): not implemented", va, npg);
}

gfn_t
pv_os_gfn(const void *va)
{
	/* There is no failure to return here: see the contract. */
	os_missing("pv_os_gfn(%p): not implemented", va);
	pv_os_panic("pv_os_gfn");
}

void *
pv_os_map(pv_pa_t pa, size_t len, enum pv_memtype type)
{
	os_missing("pv_os_map(0x%llx, %zu): not implemented",
	    (unsigned long long)pa, len);
	return NULL;
}

void
pv_os_unmap(void *va, size_t len)
{
	os_missing("pv_os_unmap(%p, %zu): not implemented", va, len);
}

int
pv_os_rebind(void *va, gfn_t gfn)
{
	os_missing("pv_os_rebind(%p): not implemented", va);
	return -PV_EINVAL;
}

/* ---- interrupts and locks ---------------------------------------------- */

/* A port that only polls may leave it so: the library then waits for
   pv_poll(). */
int
pv_os_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src,
    void (*fn)(void *), void *arg)
{
	return -PV_ENOSYS;
}

void
pv_os_irq_detach(struct pv_os_irq *irq)
{
}

pv_os_ipl_t
pv_os_lock(struct pv_os_lock *lk)
{
	/* Enough for one CPU that is never interrupted. */
	if (lk->lk_word++ != 0)
		pv_os_panic("pv_os_lock: taken twice");
	return 0;
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
	if (--lk->lk_word != 0)
		pv_os_panic("pv_os_unlock: not taken");
}

/* ---- time, waiting, deferred work -------------------------------------- */

uint64_t
pv_os_now(void)
{
	os_missing("pv_os_now(): not implemented");
	return 0;
}

int
pv_os_wait(struct pv_os_event *ev, uint64_t deadline)
{
	os_missing("pv_os_wait(): not implemented");
	return -PV_ETIMEDOUT;
}

void
pv_os_wake(struct pv_os_event *ev)
{
	ev->ev_woken = true;
}

void
pv_os_defer(struct pv_os_work *work, uint64_t delay_ns)
{
	os_missing("pv_os_defer(): not implemented");
}

void
pv_os_cancel(struct pv_os_work *work)
{
}

/* ---- bus access -------------------------------------------------------- */

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	os_missing("pv_os_pci_read(0x%x, 0x%x): not implemented", pci, reg);
	return UINT32_MAX;		/* nothing there */
}

void
pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
    uint32_t val)
{
	os_missing("pv_os_pci_write(0x%x, 0x%x): not implemented", pci, reg);
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	os_missing("pv_os_pio_read(0x%x): not implemented", (unsigned int)port);
	return UINT32_MAX;
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val)
{
	os_missing("pv_os_pio_write(0x%x): not implemented",
	    (unsigned int)port);
}

/* ---- saying things ----------------------------------------------------- */

void
pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
{
	/* vprintf(fmt, ap), and a newline */
}

_Noreturn void
pv_os_panic(const char *msg)
{
	/* print msg first */
	for (;;)
		continue;
}

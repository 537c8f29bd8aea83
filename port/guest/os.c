/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.c -- the port of libdomus to the Domus guest: pv/os.h over the kernel.
 *
 * Deferred works.  There is a queue for each CPU with works that never sleep
 * (event handlers), and one with those that may (connecting a device), which
 * thus can not hold up the former.  Each is in order of time and has a thread,
 * those of the CPUs at home there.  A group of works has one queue, for good.
 * A worker sleeps until its first work is due, so a delay costs no timer.
 *
 *	       pv_os_defer()                worker
 *	idle ----------------> pending --------------------> running --> idle
 *	           ^                                            |
 *	           +----- deferred again while it runs ---------+
 */

#include <arch.h>
#include <arch_port.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <sched.h>
#include <sync.h>

#include "os.h"

#define OS_PCI_ADDR	0xcf8
#define OS_PCI_DATA	0xcfc
#define OS_PCI_ENABLE	0x80000000u
#define OS_CANCEL_POLL	(200 * NSEC_PER_USEC)

_Static_assert(sizeof(struct pv_os_lock) == sizeof(struct spinlock),
    "struct pv_os_lock stands for a struct spinlock");

struct os_queue {
	struct pv_os_lock oq_lock;
	struct pv_os_work *oq_first;	/* earliest first */
	struct pv_os_work *oq_running;
	struct thread	*oq_thread;
	volatile int	 oq_kick;	/* oq_first has changed */
	bool		 oq_frozen;	/* no work runs */
};

static struct os_queue os_fast[CPU_MAX];
static struct os_queue os_slow;
static struct spinlock os_pci_lock;

/* ---- memory ------------------------------------------------------------ */

void *
pv_os_alloc(size_t len)
{
	return kmalloc(len);
}

void
pv_os_free(void *p, size_t len)
{
	(void)len;
	kfree(p);
}

void *
pv_os_pages_alloc(unsigned int npg)
{
	return page_alloc(npg);
}

void
pv_os_pages_free(void *va, unsigned int npg)
{
	page_free(va, npg);
}

gfn_t
pv_os_gfn(const void *va)
{
	return arch_gfn(va);
}

void *
pv_os_map(pv_pa_t pa, size_t len, enum pv_memtype type)
{
	return arch_map(pa, len, type);
}

void
pv_os_unmap(void *va, size_t len)
{
	arch_unmap(va, len);
}

int
pv_os_rebind(void *va, gfn_t gfn)
{
	return arch_rebind(va, gfn);
}

/* ---- interrupts and locks ---------------------------------------------- */

int
pv_os_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src,
    void (*fn)(void *), void *arg)
{
	int rv;

	irq->oi_fn = fn;
	irq->oi_arg = arg;
	rv = arch_irq_attach(irq, src);
	if (rv != 0)
		irq->oi_fn = NULL;
	return rv;
}

void
pv_os_irq_detach(struct pv_os_irq *irq)
{
	if (irq->oi_fn == NULL)
		return;
	arch_irq_detach(irq);
	irq->oi_fn = NULL;
}

static struct spinlock *
os_spinlock(struct pv_os_lock *lk)
{
	return (struct spinlock *)(void *)lk;
}

pv_os_ipl_t
pv_os_lock(struct pv_os_lock *lk)
{
	return spin_lock(os_spinlock(lk));
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
	spin_unlock(os_spinlock(lk), ipl);
}

/* ---- time and waiting -------------------------------------------------- */

uint64_t
pv_os_now(void)
{
	return arch_now();
}

/*
 * The waiter names itself before it looks at ev_set for the last time (in
 * thread_block()), and the waker sets it before it looks for a waiter: one of
 * them sees the other.
 */
int
pv_os_wait(struct pv_os_event *ev, uint64_t deadline)
{
	pv_os_ipl_t s;
	int rv = 0;

	s = pv_os_lock(&ev->ev_lock);
	while (ev->ev_set == 0 && rv == 0) {
		ev->ev_thread = thread_self();
		pv_os_unlock(&ev->ev_lock, s);
		rv = thread_block(&ev->ev_set, deadline);
		s = pv_os_lock(&ev->ev_lock);
		ev->ev_thread = NULL;
	}
	if (ev->ev_set != 0)
		rv = 0;
	ev->ev_set = 0;
	pv_os_unlock(&ev->ev_lock, s);
	return rv;
}

void
pv_os_wake(struct pv_os_event *ev)
{
	pv_os_ipl_t s = pv_os_lock(&ev->ev_lock);

	ev->ev_set = 1;
	if (ev->ev_thread != NULL)
		thread_wake(ev->ev_thread);
	pv_os_unlock(&ev->ev_lock, s);
}

/* ---- deferred work ----------------------------------------------------- */

static struct os_queue *
os_queue_of(const struct pv_os_work *work)
{
	if ((work->pw_flags & PV_WORK_SLEEPS) != 0)
		return &os_slow;
	return &os_fast[PV_WORK_GROUP_OF(work->pw_flags) % arch_ncpu()];
}

/* Lock: oq_lock held. */
static void
os_work_remove(struct os_queue *oq, struct pv_os_work *work)
{
	struct pv_os_work **wp;

	if (!work->pw_pending)
		return;
	for (wp = &oq->oq_first; *wp != work; wp = &(*wp)->pw_next)
		continue;
	*wp = work->pw_next;
	work->pw_pending = false;
}

/* Lock: oq_lock held. */
static void
os_work_insert(struct os_queue *oq, struct pv_os_work *work, uint64_t when)
{
	struct pv_os_work **wp;

	for (wp = &oq->oq_first; *wp != NULL; wp = &(*wp)->pw_next) {
		if ((*wp)->pw_when > when)
			break;
	}
	work->pw_when = when;
	work->pw_pending = true;
	work->pw_next = *wp;
	*wp = work;
}

void
pv_os_defer(struct pv_os_work *work, uint64_t delay_ns)
{
	struct os_queue *oq = os_queue_of(work);
	uint64_t when = arch_now() + delay_ns;
	pv_os_ipl_t s = pv_os_lock(&oq->oq_lock);

	if (!work->pw_pending || when < work->pw_when) {
		os_work_remove(oq, work);
		os_work_insert(oq, work, when);
		if (oq->oq_first == work) {
			oq->oq_kick = 1;
			if (oq->oq_thread != NULL)
				thread_wake(oq->oq_thread);
		}
	}
	pv_os_unlock(&oq->oq_lock, s);
}

/*
 * Called from a thread while the work runs on its worker: waits for the end
 * by looking again and again; that is rare and short.
 */
void
pv_os_cancel(struct pv_os_work *work)
{
	struct os_queue *oq = os_queue_of(work);
	pv_os_ipl_t s;
	bool busy;

	for (;;) {
		s = pv_os_lock(&oq->oq_lock);
		os_work_remove(oq, work);
		busy = oq->oq_running == work &&
		    oq->oq_thread != thread_self();
		pv_os_unlock(&oq->oq_lock, s);
		if (!busy)
			return;
		thread_sleep(OS_CANCEL_POLL);
	}
}

/*
 * Run the first work if it is due.  Returns when to look again.
 */
static uint64_t
os_queue_run(struct os_queue *oq)
{
	struct pv_os_work *work;
	uint64_t next = UINT64_MAX;
	pv_os_ipl_t s = pv_os_lock(&oq->oq_lock);

	oq->oq_kick = 0;
	work = oq->oq_frozen ? NULL : oq->oq_first;
	if (work != NULL && work->pw_when > arch_now()) {
		next = work->pw_when;
		work = NULL;
	}
	if (work != NULL) {
		os_work_remove(oq, work);
		oq->oq_running = work;
		pv_os_unlock(&oq->oq_lock, s);
		work->pw_fn(work->pw_arg);
		s = pv_os_lock(&oq->oq_lock);
		oq->oq_running = NULL;
		next = 0;
	}
	pv_os_unlock(&oq->oq_lock, s);
	return next;
}

static void
os_worker(void *arg)
{
	struct os_queue *oq = arg;
	uint64_t next;

	for (;;) {
		next = os_queue_run(oq);
		if (next != 0)
			(void)thread_block(&oq->oq_kick, next);
	}
}

static bool
os_queue_freeze(struct os_queue *oq, uint64_t deadline)
{
	pv_os_ipl_t s;
	bool busy;

	for (;;) {
		s = pv_os_lock(&oq->oq_lock);
		oq->oq_frozen = true;
		busy = oq->oq_running != NULL;
		pv_os_unlock(&oq->oq_lock, s);
		if (!busy || arch_now() >= deadline)
			return !busy;
		thread_sleep(OS_CANCEL_POLL);
	}
}

/*
 * os_freeze -- from now on no work of a kind runs; false: one does not end
 *
 * Works that may sleep come first, for they may wait for the others.
 * Context: thread.
 */
bool
os_freeze(bool sleeps, uint64_t deadline)
{
	bool still = true;
	unsigned int i;

	if (sleeps)
		return os_queue_freeze(&os_slow, deadline);
	for (i = 0; i < arch_ncpu(); i++)
		still &= os_queue_freeze(&os_fast[i], deadline);
	return still;
}

static void
os_queue_thaw(struct os_queue *oq)
{
	pv_os_ipl_t s = pv_os_lock(&oq->oq_lock);

	oq->oq_frozen = false;
	oq->oq_kick = 1;
	thread_wake(oq->oq_thread);
	pv_os_unlock(&oq->oq_lock, s);
}

/*
 * os_thaw -- works of both kinds run again
 *
 * Context: thread.
 */
void
os_thaw(void)
{
	unsigned int i;

	for (i = 0; i < arch_ncpu(); i++)
		os_queue_thaw(&os_fast[i]);
	os_queue_thaw(&os_slow);
}

/*
 * os_init -- start the workers; works deferred before wait for them
 *
 * Returns 0 or -PV_ENOMEM.  Context: thread.
 */
int
os_init(void)
{
	unsigned int i;

	os_slow.oq_thread = thread_create("pv-work", os_worker, &os_slow, 0);
	if (os_slow.oq_thread == NULL)
		return -PV_ENOMEM;
	for (i = 0; i < arch_ncpu(); i++) {
		os_fast[i].oq_thread = thread_create_on(i, "pv-event",
		    os_worker, &os_fast[i]);
		if (os_fast[i].oq_thread == NULL)
			return -PV_ENOMEM;
	}
	return 0;
}

/* ---- bus access -------------------------------------------------------- */

/* Select a register; false when ports can not name it. */
static bool
os_pci_select(pv_pci_t pci, unsigned int reg)
{
	if (pci >> 16 != 0 || reg > 0xff)
		return false;
	arch_pio_write(OS_PCI_ADDR, 4, OS_PCI_ENABLE | pci << 8 | (reg & 0xfc));
	return true;
}

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	unsigned long s = spin_lock(&os_pci_lock);
	uint32_t v = ~0u >> (32 - 8 * width);

	if (os_pci_select(pci, reg))
		v = arch_pio_read((uint16_t)(OS_PCI_DATA + (reg & 3)), width);
	spin_unlock(&os_pci_lock, s);
	return v;
}

void
pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
    uint32_t val)
{
	unsigned long s = spin_lock(&os_pci_lock);

	if (os_pci_select(pci, reg))
		arch_pio_write((uint16_t)(OS_PCI_DATA + (reg & 3)), width,
		    val);
	spin_unlock(&os_pci_lock, s);
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	return arch_pio_read(port, width);
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val)
{
	arch_pio_write(port, width, val);
}

/* ---- saying things ----------------------------------------------------- */

void
pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
{
	vklog(level, fmt, ap);
}

_Noreturn void
pv_os_panic(const char *msg)
{
	panic("%s", msg);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.c -- the port of libdomus to a Linux process, for devices over
 * vhost-user; see os.h.  Tiers 0 and 1, without interrupts: files take their
 * place.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <pv/os.h>

#include "os.h"

#define OS_NFILE	256		/* watched at most */
#define NSEC_PER_SEC	1000000000ull
#define NSEC_PER_MSEC	1000000ull

static struct os_memory os_mem = { .om_fd = -1 };
static uint8_t *os_used;		/* of each page */
static size_t os_npg, os_hint;		/* where to look first */
static struct pv_os_work *os_works;
static struct os_watch *os_watches;
static bool os_sleeps;			/* a work that may is at it */

/* ---- memory ------------------------------------------------------------ */

int
os_init(size_t npg)
{
	void *p;

	os_used = calloc(npg, 1);
	os_mem.om_fd = memfd_create("libdomus", MFD_CLOEXEC);
	if (os_used == NULL || os_mem.om_fd < 0)
		return -1;
	os_mem.om_len = npg << PV_PAGE_SHIFT;
	if (ftruncate(os_mem.om_fd, (off_t)os_mem.om_len) != 0)
		return -1;
	p = mmap(NULL, os_mem.om_len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, os_mem.om_fd, 0);
	if (p == MAP_FAILED)
		return -1;
	os_mem.om_base = p;
	os_npg = npg;
	return 0;
}

const struct os_memory *
os_memory(void)
{
	return &os_mem;
}

void *
pv_os_alloc(size_t len)
{
	return calloc(1, len);
}

void
pv_os_free(void *p, size_t len)
{
	free(p);
}

/* The first page from at on behind which npg are free; os_npg: none. */
static size_t
os_find(size_t at, unsigned int npg)
{
	size_t n = 0;

	for (; at < os_npg && n < npg; at++)
		n = os_used[at] != 0 ? 0 : n + 1;
	return n == npg ? at - npg : os_npg;
}

void *
pv_os_pages_alloc(unsigned int npg)
{
	size_t at = os_find(os_hint, npg);
	void *va;

	if (at == os_npg)
		at = os_find(0, npg);
	if (at == os_npg)
		return NULL;
	memset(os_used + at, 1, npg);
	os_hint = at + npg;
	va = (char *)os_mem.om_base + (at << PV_PAGE_SHIFT);
	memset(va, 0, (size_t)npg << PV_PAGE_SHIFT);
	return va;
}

void
pv_os_pages_free(void *va, unsigned int npg)
{
	size_t at;

	if (va == NULL)
		return;
	at = (size_t)((char *)va - (char *)os_mem.om_base) >> PV_PAGE_SHIFT;
	memset(os_used + at, 0, npg);
	os_hint = at;
}

gfn_t
pv_os_gfn(const void *va)
{
	return GFN((uintptr_t)va >> PV_PAGE_SHIFT);
}

void *
pv_os_map(pv_pa_t pa, size_t len, enum pv_memtype type)
{
	return NULL;
}

void
pv_os_unmap(void *va, size_t len)
{
}

int
pv_os_rebind(void *va, gfn_t gfn)
{
	return -PV_EINVAL;
}

/* ---- interrupts and locks ---------------------------------------------- */

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
	if (lk->ol_held)
		pv_os_panic("a lock is taken twice");
	lk->ol_held = true;
	return 0;
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
	lk->ol_held = false;
}

/* ---- time, waiting, deferred work -------------------------------------- */

uint64_t
pv_os_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void
pv_os_cancel(struct pv_os_work *work)
{
	struct pv_os_work **p = &os_works;

	while (*p != NULL && *p != work)
		p = &(*p)->pw_next;
	if (*p != NULL)
		*p = work->pw_next;
	work->pw_pending = false;
}

/* Pending works are in the order in which they are due. */
void
pv_os_defer(struct pv_os_work *work, uint64_t delay_ns)
{
	uint64_t due = delay_ns == 0 ? 0 : pv_os_now() + delay_ns;
	struct pv_os_work **p = &os_works;

	if (work->pw_pending && work->pw_due <= due)
		return;
	pv_os_cancel(work);
	work->pw_due = due;
	work->pw_pending = true;
	while (*p != NULL && (*p)->pw_due <= due)
		p = &(*p)->pw_next;
	work->pw_next = *p;
	*p = work;
}

static bool
os_may_run(const struct pv_os_work *work)
{
	return !os_sleeps || (work->pw_flags & PV_WORK_SLEEPS) == 0;
}

/* Run one work that is due; false: there is none. */
static bool
os_work(void)
{
	struct pv_os_work *work;
	bool sleeps;

	for (work = os_works; work != NULL && !os_may_run(work);)
		work = work->pw_next;
	if (work == NULL || (work->pw_due != 0 && work->pw_due > pv_os_now()))
		return false;
	pv_os_cancel(work);
	sleeps = (work->pw_flags & PV_WORK_SLEEPS) != 0;
	if (sleeps)
		os_sleeps = true;
	work->pw_fn(work->pw_arg);
	if (sleeps)
		os_sleeps = false;
	return true;
}

/* Wait for a file until a moment; the works that are due then are left. */
static void
os_files(uint64_t until)
{
	struct os_watch *watched[OS_NFILE], *ow;
	struct pollfd pfd[OS_NFILE];
	uint64_t now = pv_os_now(), ms;
	nfds_t n = 0, i;

	for (ow = os_watches; ow != NULL; ow = ow->ow_next) {
		watched[n] = ow;
		pfd[n++] = (struct pollfd){ ow->ow_fd, POLLIN, 0 };
	}
	ms = until <= now ? 0 : (until - now) / NSEC_PER_MSEC + 1;
	if (poll(pfd, n, ms > 1000 ? 1000 : (int)ms) <= 0)
		return;
	for (i = 0; i < n; i++) {
		/* What one does may take another one away. */
		for (ow = os_watches; ow != NULL && ow != watched[i];)
			ow = ow->ow_next;
		if (ow != NULL && pfd[i].revents != 0)
			ow->ow_fn(ow->ow_arg);
	}
}

void
os_run(uint64_t until)
{
	uint64_t next;

	do {
		while (os_work())
			continue;
		next = until;
		if (os_works != NULL && os_may_run(os_works) &&
		    os_works->pw_due < next)
			next = os_works->pw_due;
		os_files(next);
	} while (os_work() || pv_os_now() < until);
}

int
pv_os_wait(struct pv_os_event *ev, uint64_t deadline)
{
	while (!ev->oe_woken) {
		if (pv_os_now() >= deadline)
			return -PV_ETIMEDOUT;
		if (!os_work())
			os_files(deadline < pv_os_now() + NSEC_PER_MSEC ?
			    deadline : pv_os_now() + NSEC_PER_MSEC);
	}
	ev->oe_woken = false;
	return 0;
}

void
pv_os_wake(struct pv_os_event *ev)
{
	ev->oe_woken = true;
}

void
os_watch(struct os_watch *ow)
{
	const struct os_watch *p;
	unsigned int n = 1;

	for (p = os_watches; p != NULL; p = p->ow_next)
		n++;
	if (n > OS_NFILE)
		pv_os_panic("too many files are watched");
	ow->ow_next = os_watches;
	os_watches = ow;
}

void
os_unwatch(struct os_watch *ow)
{
	struct os_watch **p = &os_watches;

	while (*p != NULL && *p != ow)
		p = &(*p)->ow_next;
	if (*p != NULL)
		*p = ow->ow_next;
}

/* ---- bus access: there is none ----------------------------------------- */

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	return UINT32_MAX;
}

void
pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
    uint32_t val)
{
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	return UINT32_MAX;
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val)
{
}

/* ---- saying things ------------------------------------------------------ */

void
pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
{
	if (level > PV_LOG_WARN)
		return;
	(void)vfprintf(stderr, fmt, ap);
	(void)fprintf(stderr, "\n");
}

_Noreturn void
pv_os_panic(const char *msg)
{
	(void)fprintf(stderr, "panic: %s\n", msg);
	abort();
}

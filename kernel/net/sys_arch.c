/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_arch.c -- the operating system as lwIP wants it: time, threads,
 * semaphores, mutexes, mailboxes, and a short lock.
 *
 * lwIP frees semaphores and mailboxes right after the wait on them ended,
 * maybe while the poster on another CPU is still on its way out.  So freeing
 * one first takes and leaves its lock, behind which the poster is gone.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <mm.h>
#include <sched.h>
#include <sync.h>

#include "lwip/opt.h"
#include "lwip/err.h"
#include "lwip/sys.h"

/* ---- time -------------------------------------------------------------- */

/*
 * lwIP's call at its start.
 * Context: thread, once.
 */
void
sys_init(void)
{
}

/*
 * Milliseconds since boot; wraps.
 * Context: any.
 */
u32_t
sys_now(void)
{
	return (u32_t)(arch_now() / NSEC_PER_MSEC);
}

/* The arch_now() deadline for lwIP's milliseconds, of which 0 is for ever. */
static uint64_t
sys_arch_deadline(u32_t ms)
{
	return ms == 0 ? UINT64_MAX : arch_now() + ms * NSEC_PER_MSEC;
}

/*
 * lwIP found its own state broken.
 * Context: any.
 */
void
sys_arch_assert(const char *what, const char *file, int line)
{
	panic("lwIP: %s (%s:%d)", what, file, line);
}

/*
 * lwIP's diagnostic output.
 * Context: any.
 */
void
sys_arch_diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(PV_LOG_DEBUG, fmt, ap);
	va_end(ap);
}

/* ---- the short lock ---------------------------------------------------- */

/*
 * lwIP nests it, and holds it for a few instructions.  The owner is a CPU,
 * since interrupts are masked while it is held.
 */
static struct spinlock sys_arch_plock;
static struct cpu *volatile sys_arch_powner;
static unsigned int sys_arch_pdepth;

/*
 * Enter; returns what sys_arch_unprotect() wants.
 * Context: any.
 */
sys_prot_t
sys_arch_protect(void)
{
	unsigned long s = arch_irq_save();

	if (sys_arch_powner != arch_cpu()) {
		(void)spin_lock(&sys_arch_plock);
		sys_arch_powner = arch_cpu();
	}
	sys_arch_pdepth++;
	return s;
}

/*
 * Leave.
 * Context: any.
 */
void
sys_arch_unprotect(sys_prot_t s)
{
	if (--sys_arch_pdepth > 0) {
		arch_irq_restore(s);
		return;
	}
	sys_arch_powner = NULL;
	spin_unlock(&sys_arch_plock, s);
}

/* Wait until nobody is inside a lock that is about to be freed. */
static void
sys_arch_settle(struct spinlock *sl)
{
	unsigned long s = spin_lock(sl);

	spin_unlock(sl, s);
}

/* ---- threads ----------------------------------------------------------- */

/*
 * Start a thread.
 * Context: thread.
 */
sys_thread_t
sys_thread_new(const char *name, lwip_thread_fn fn, void *arg, int stack,
    int prio)
{
	(void)prio;
	return thread_create(name, fn, arg, (size_t)stack);
}

/* ---- mutexes ----------------------------------------------------------- */

/* All contexts here: thread. */
err_t
sys_mutex_new(sys_mutex_t *m)
{
	memset(m, 0, sizeof(*m));
	m->sm_valid = true;
	return ERR_OK;
}

void
sys_mutex_free(sys_mutex_t *m)
{
	sys_arch_settle(&m->sm_mutex.mx_lock.lk_wq.wq_lock);
	m->sm_valid = false;
}

void
sys_mutex_lock(sys_mutex_t *m)
{
	mutex_lock(&m->sm_mutex);
}

void
sys_mutex_unlock(sys_mutex_t *m)
{
	mutex_unlock(&m->sm_mutex);
}

/* ---- semaphores -------------------------------------------------------- */

/* All contexts here: thread; sys_sem_signal: any. */
err_t
sys_sem_new(sys_sem_t *s, u8_t count)
{
	memset(s, 0, sizeof(*s));
	s->ss_sem.sm_count = count;
	s->ss_valid = true;
	return ERR_OK;
}

void
sys_sem_free(sys_sem_t *s)
{
	sys_arch_settle(&s->ss_sem.sm_wq.wq_lock);
	s->ss_valid = false;
}

void
sys_sem_signal(sys_sem_t *s)
{
	sem_post(&s->ss_sem);
}

u32_t
sys_arch_sem_wait(sys_sem_t *s, u32_t ms)
{
	u32_t start = sys_now();

	if (sem_wait(&s->ss_sem, sys_arch_deadline(ms)) != 0)
		return SYS_ARCH_TIMEOUT;
	return sys_now() - start;
}

int
sys_sem_valid(sys_sem_t *s)
{
	return s->ss_valid;
}

void
sys_sem_set_invalid(sys_sem_t *s)
{
	s->ss_valid = false;
}

/* ---- mailboxes --------------------------------------------------------- */

/*
 * A mailbox for size messages.
 * Context: thread.
 */
err_t
sys_mbox_new(sys_mbox_t *mb, int size)
{
	memset(mb, 0, sizeof(*mb));
	mb->mb_size = size > 0 ? (unsigned int)size : 32;
	mb->mb_ring = kmalloc(mb->mb_size * sizeof(*mb->mb_ring));
	return mb->mb_ring == NULL ? ERR_MEM : ERR_OK;
}

void
sys_mbox_free(sys_mbox_t *mb)
{
	sys_arch_settle(&mb->mb_lock);
	sys_arch_settle(&mb->mb_used.sm_wq.wq_lock);
	kfree(mb->mb_ring);
	mb->mb_ring = NULL;
}

/*
 * Post without waiting.
 * Context: any.
 */
err_t
sys_mbox_trypost(sys_mbox_t *mb, void *msg)
{
	unsigned long s = spin_lock(&mb->mb_lock);
	bool ok = mb->mb_count < mb->mb_size;

	if (ok) {
		mb->mb_ring[(mb->mb_head + mb->mb_count) % mb->mb_size] = msg;
		mb->mb_count++;
	}
	spin_unlock(&mb->mb_lock, s);
	if (!ok)
		return ERR_MEM;
	sem_post(&mb->mb_used);
	return ERR_OK;
}

err_t
sys_mbox_trypost_fromisr(sys_mbox_t *mb, void *msg)
{
	return sys_mbox_trypost(mb, msg);
}

/* Announce that a poster waits, unless there is room by now. */
static bool
sys_mbox_full(sys_mbox_t *mb)
{
	unsigned long s = spin_lock(&mb->mb_lock);
	bool full = mb->mb_count == mb->mb_size;

	if (full)
		mb->mb_nwaiting++;
	spin_unlock(&mb->mb_lock, s);
	return full;
}

/*
 * Post, waiting for room.
 * Context: thread.
 */
void
sys_mbox_post(sys_mbox_t *mb, void *msg)
{
	while (sys_mbox_trypost(mb, msg) != ERR_OK)
		if (sys_mbox_full(mb))
			(void)sem_wait(&mb->mb_room, UINT64_MAX);
}

/* Take the oldest message, which mb_used says is there. */
static void *
sys_mbox_get(sys_mbox_t *mb)
{
	unsigned long s = spin_lock(&mb->mb_lock);
	void *msg = mb->mb_ring[mb->mb_head];
	bool wake = mb->mb_nwaiting > 0;

	mb->mb_head = (mb->mb_head + 1) % mb->mb_size;
	mb->mb_count--;
	if (wake)
		mb->mb_nwaiting--;
	spin_unlock(&mb->mb_lock, s);
	if (wake)
		sem_post(&mb->mb_room);
	return msg;
}

/*
 * Wait for a message; out may be NULL.
 * Context: thread.
 */
u32_t
sys_arch_mbox_fetch(sys_mbox_t *mb, void **out, u32_t ms)
{
	u32_t start = sys_now();
	void *msg;

	if (sem_wait(&mb->mb_used, sys_arch_deadline(ms)) != 0)
		return SYS_ARCH_TIMEOUT;
	msg = sys_mbox_get(mb);
	if (out != NULL)
		*out = msg;
	return sys_now() - start;
}

u32_t
sys_arch_mbox_tryfetch(sys_mbox_t *mb, void **out)
{
	void *msg;

	if (!sem_trywait(&mb->mb_used))
		return SYS_MBOX_EMPTY;
	msg = sys_mbox_get(mb);
	if (out != NULL)
		*out = msg;
	return 0;
}

int
sys_mbox_valid(sys_mbox_t *mb)
{
	return mb->mb_ring != NULL;
}

void
sys_mbox_set_invalid(sys_mbox_t *mb)
{
	mb->mb_ring = NULL;
}

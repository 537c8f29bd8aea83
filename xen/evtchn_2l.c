/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_2l.c -- the two-level event channel ABI.
 *
 * The shared info page has a bit per port in evtchn_pending and another in
 * evtchn_mask; a bit of a vCPU's evtchn_pending_sel stands for each word of
 * them.  Xen sets pending, selector and upcall_pending in this order when a
 * port is not masked; we take them back in the other order.
 *
 * The selector is that of the vCPU which the port is bound to, but the words
 * are everybody's: a scan also finds ports of the same word that are bound to
 * other vCPUs.  The width of the words is that of our unsigned long: 4096
 * ports with 64 bits, 1024 with 32.
 */

#include "hypercall.h"

#include "evtchn.h"
#include "shm.h"

#define EVTCHN_2L_BITS	(sizeof(xen_ulong_t) * 8)

_Static_assert(sizeof(xen_ulong_t) == sizeof(unsigned long),
    "words of the event channel bitmaps");

static unsigned long
evtchn_2l_bit(evport_t port)
{
	return 1ul << (evport_x(port) % EVTCHN_2L_BITS);
}

static volatile unsigned long *
evtchn_2l_pending(struct xen *x, evport_t port)
{
	return &x->x_shared->evtchn_pending[evport_x(port) / EVTCHN_2L_BITS];
}

static volatile unsigned long *
evtchn_2l_masked(struct xen *x, evport_t port)
{
	return &x->x_shared->evtchn_mask[evport_x(port) / EVTCHN_2L_BITS];
}

static uint32_t
evtchn_2l_max(struct xen *x)
{
	return EVTCHN_2L_NR_CHANNELS;
}

static void
evtchn_2l_mask(struct xen *x, evport_t port)
{
	(void)shm_orl(evtchn_2l_masked(x, port), evtchn_2l_bit(port));
}

static void
evtchn_2l_clear(struct xen *x, evport_t port)
{
	(void)shm_andl(evtchn_2l_pending(x, port), ~evtchn_2l_bit(port));
}

/*
 * Xen makes no upcall for an event that came while the port was masked.  It
 * does so when asked to unmask, but only if the bit is still set then; so we
 * clear the bit ourselves and put it back when we find that an event came.
 */
static void
evtchn_2l_unmask(struct xen *x, evport_t port)
{
	unsigned long bit = evtchn_2l_bit(port);

	(void)shm_andl(evtchn_2l_masked(x, port), ~bit);
	if ((shm_readl(evtchn_2l_pending(x, port)) & bit) == 0)
		return;
	(void)shm_orl(evtchn_2l_masked(x, port), bit);
	(void)hypercall_evtchn_unmask(x, port);
}

/*
 * Two vCPUs may look at the same word at once, the other one for a neighbour
 * of this port.  Who sets the mask has the port; unless the event was taken
 * and the port unmasked since we looked.
 */
static bool
evtchn_2l_take(struct xen *x, evport_t port)
{
	unsigned long bit = evtchn_2l_bit(port);

	if ((shm_orl(evtchn_2l_masked(x, port), bit) & bit) != 0)
		return false;
	if ((shm_andl(evtchn_2l_pending(x, port), ~bit) & bit) != 0)
		return true;
	evtchn_2l_unmask(x, port);
	return false;
}

static void
evtchn_2l_word(struct xen *x, uint32_t word, void (*fn)(void *, evport_t),
    void *arg)
{
	uint32_t first = word * (uint32_t)EVTCHN_2L_BITS;
	unsigned long bits;

	bits = shm_readl(evtchn_2l_pending(x, EVPORT(first))) &
	    ~shm_readl(evtchn_2l_masked(x, EVPORT(first)));
	while (bits != 0) {
		fn(arg, EVPORT(first + (uint32_t)__builtin_ctzl(bits)));
		bits &= bits - 1;
	}
}

/*
 * Each word is looked at once.  What becomes pending behind us sets
 * upcall_pending again and comes with the next upcall.
 */
static void
evtchn_2l_scan(struct xen *x, unsigned int vcpu, void (*fn)(void *, evport_t),
    void *arg)
{
	struct vcpu_info *vi = xen_vcpu_info(x, vcpu);
	unsigned long sel;

	sel = shm_xchgl(&vi->evtchn_pending_sel, 0);
	while (sel != 0) {
		evtchn_2l_word(x, (uint32_t)__builtin_ctzl(sel), fn, arg);
		sel &= sel - 1;
	}
}

static int
evtchn_2l_cpu(struct xen *x, unsigned int vcpu)
{
	return 0;
}

/* Its words came with the shared info page. */
static int
evtchn_2l_resume(struct xen *x)
{
	return 0;
}

static int
evtchn_2l_grow(struct xen *x, evport_t port, struct pv_lock *lock)
{
	return 0;
}

/* Its own vCPU's selector has it too. */
static void
evtchn_2l_requeue(struct xen *x, evport_t port)
{
}

/* Ports are found in the order of their numbers. */
static int
evtchn_2l_priority(struct xen *x, evport_t port, unsigned int priority)
{
	return -PV_ENOSYS;
}

const struct evtchn_ops evtchn_2l_ops = {
	.eo_name = "two-level",
	.eo_cpu = evtchn_2l_cpu,
	.eo_resume = evtchn_2l_resume,
	.eo_grow = evtchn_2l_grow,
	.eo_max = evtchn_2l_max,
	.eo_mask = evtchn_2l_mask,
	.eo_unmask = evtchn_2l_unmask,
	.eo_clear = evtchn_2l_clear,
	.eo_take = evtchn_2l_take,
	.eo_requeue = evtchn_2l_requeue,
	.eo_priority = evtchn_2l_priority,
	.eo_scan = evtchn_2l_scan
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_fifo.c -- the FIFO event channel ABI.
 *
 * Each port has a word in an array of pages that we give to Xen one by one:
 *
 *	PENDING  MASKED  LINKED  BUSY  ..  link, 17 bits: the next port
 *
 * and each vCPU a control block with 16 queues, one for each priority, of
 * which 0 is looked at first.  Xen appends a port that becomes pending and is
 * not masked to a queue of the vCPU which it is bound to: it sets LINKED, and
 * the link of the port at the tail; or, when the tail was taken off already
 * (its LINKED is clear), the queue's head and its bit in ready.  We take ports
 * off: the head is read from the control block when ready says so, from then
 * on each word tells the next, and clearing LINKED and the link in one step
 * gives the port back to Xen.  A masked port is not queued, so a port that we
 * mask when it comes can not keep us here.
 *
 * A scan leaves no queue half read, so nothing is kept from one to the next.
 *
 * The words are Xen's, but the link is an index that we follow.  One that
 * leads nowhere has us look at all words once instead, and free them of their
 * queues, after which Xen starts new ones.
 *
 * The pages can not be taken back from Xen, nor can the domain go back to the
 * two-level ABI, without losing all ports.
 * Source: xen/include/public/event_channel.h; EVTCHNOP_init_control,
 * EVTCHNOP_expand_array, EVTCHNOP_set_priority.
 */

#include "hypercall.h"

#include "dev.h"
#include "evtchn.h"
#include "shm.h"

#define EVTCHN_FIFO_BIT(n)	(1u << EVTCHN_FIFO_##n)
#define EVTCHN_FIFO_TRIES	64	/* against a word in motion */
#define EVTCHN_FIFO_STRIDE	(PV_PAGE_SIZE / XEN_FIFO_PERPAGE)

PV_WIRE_ASSERT(struct evtchn_fifo_control_block, 72);
PV_WIRE_OFFSET(struct evtchn_fifo_control_block, head, 8);
_Static_assert(sizeof(struct evtchn_fifo_control_block) <= EVTCHN_FIFO_STRIDE,
    "no control block may cross a page");
_Static_assert(XEN_FIFO_NARRAY * XEN_FIFO_NWORD == EVTCHN_FIFO_NR_CHANNELS,
    "pages for all ports");

/* The word of a port; NULL when its page is not there. */
static volatile uint32_t *
evtchn_fifo_word(struct xen *x, uint32_t port)
{
	struct xen_kept *xk = &x->x_kept;
	uint32_t n = __atomic_load_n(&xk->xk_narray, __ATOMIC_ACQUIRE);
	uint32_t *page;

	if (port / XEN_FIFO_NWORD >= n)
		return NULL;
	page = xk->xk_array[port / XEN_FIFO_NWORD];
	return &page[port % XEN_FIFO_NWORD];
}

static struct evtchn_fifo_control_block *
evtchn_fifo_control(struct xen *x, unsigned int vcpu)
{
	char *page = x->x_kept.xk_control[vcpu / XEN_FIFO_PERPAGE];

	return (struct evtchn_fifo_control_block *)(void *)(page +
	    vcpu % XEN_FIFO_PERPAGE * EVTCHN_FIFO_STRIDE);
}

/* ---- one port ---------------------------------------------------------- */

static uint32_t
evtchn_fifo_max(struct xen *x)
{
	return EVTCHN_FIFO_NR_CHANNELS;
}

static void
evtchn_fifo_mask(struct xen *x, evport_t port)
{
	volatile uint32_t *word = evtchn_fifo_word(x, evport_x(port));

	if (word != NULL)
		(void)shm_or32(word, EVTCHN_FIFO_BIT(MASKED));
}

static void
evtchn_fifo_clear(struct xen *x, evport_t port)
{
	volatile uint32_t *word = evtchn_fifo_word(x, evport_x(port));

	if (word != NULL)
		(void)shm_and32(word, ~EVTCHN_FIFO_BIT(PENDING));
}

/* It was in the queue of one vCPU only. */
static bool
evtchn_fifo_take(struct xen *x, evport_t port)
{
	evtchn_fifo_mask(x, port);
	evtchn_fifo_clear(x, port);
	return true;
}

/*
 * A pending port must be queued, which only Xen can do.  While a word is BUSY
 * its mask is not ours to clear; that lasts as long as Xen writes one link.
 */
static void
evtchn_fifo_unmask(struct xen *x, evport_t port)
{
	volatile uint32_t *word = evtchn_fifo_word(x, evport_x(port));
	unsigned int n;
	uint32_t w;

	for (n = 0; word != NULL && n < EVTCHN_FIFO_TRIES; n++) {
		w = shm_read32(word);
		if ((w & EVTCHN_FIFO_BIT(MASKED)) == 0)
			return;
		if ((w & EVTCHN_FIFO_BIT(PENDING)) != 0)
			break;
		if ((w & EVTCHN_FIFO_BIT(BUSY)) == 0 &&
		    shm_cas32(word, w, w & ~EVTCHN_FIFO_BIT(MASKED)))
			return;
	}
	(void)hypercall_evtchn_unmask(x, port);
}

/*
 * A port came off the queue of a vCPU which it is not bound to: it was closed
 * and made anew while it was queued there.  It is pending still, so Xen queues
 * it where it belongs.
 */
static void
evtchn_fifo_requeue(struct xen *x, evport_t port)
{
	evtchn_fifo_mask(x, port);
	(void)hypercall_evtchn_unmask(x, port);
}

static int
evtchn_fifo_priority(struct xen *x, evport_t port, unsigned int priority)
{
	return hypercall_evtchn_priority(x, port, priority);
}

/* ---- queues ------------------------------------------------------------ */

/* Give a word back to Xen.  False: it is in no queue.  *was: as it was. */
static bool
evtchn_fifo_unlink(volatile uint32_t *word, uint32_t *was)
{
	uint32_t w;

	do {
		w = shm_read32(word);
		if ((w & EVTCHN_FIFO_BIT(LINKED)) == 0)
			return false;
	} while (!shm_cas32(word, w, w & ~(EVTCHN_FIFO_BIT(LINKED) |
	    (uint32_t)EVTCHN_FIFO_LINK_MASK)));
	*was = w;
	return true;
}

static bool
evtchn_fifo_ready(uint32_t w)
{
	return (w & EVTCHN_FIFO_BIT(PENDING)) != 0 &&
	    (w & EVTCHN_FIFO_BIT(MASKED)) == 0;
}

/* The queues make no sense: all words instead. */
static void
evtchn_fifo_resync(struct xen *x, void (*fn)(void *, evport_t), void *arg)
{
	uint32_t port, n, w;

	if (x->x_kept.xk_nresync++ == 0)
		pv_log(NULL, PV_LOG_ERR, "evtchn: a queue of events leads "
		    "nowhere; looking at all ports");
	n = x->x_kept.xk_narray * XEN_FIFO_NWORD;
	for (port = 1; port < n; port++) {
		volatile uint32_t *word = evtchn_fifo_word(x, port);

		if (!evtchn_fifo_unlink(word, &w))
			w = shm_read32(word);
		if (evtchn_fifo_ready(w))
			fn(arg, EVPORT(port));
	}
}

/*
 * Take one port off a queue.  *head is the next, or 0 for that of the control
 * block, and again 0 when it was the last.  False: the queue makes no sense.
 */
static bool
evtchn_fifo_next(struct xen *x, const volatile uint32_t *first, uint32_t *head,
    uint32_t *word)
{
	volatile uint32_t *p;

	if (*head == 0)
		*head = shm_read32(first);
	/* peer: an index, of any value. */
	p = *head == 0 ? NULL : evtchn_fifo_word(x, *head);
	return p != NULL && evtchn_fifo_unlink(p, word);
}

/*
 * The highest priority first, also when it becomes ready while we are here.
 */
static void
evtchn_fifo_scan(struct xen *x, unsigned int vcpu,
    void (*fn)(void *, evport_t), void *arg)
{
	struct evtchn_fifo_control_block *cb = evtchn_fifo_control(x, vcpu);
	uint32_t head[EVTCHN_FIFO_MAX_QUEUES] = { 0 };
	uint32_t ready = shm_xchg32(&cb->ready, 0), n, q, port, w;

	for (n = 0; ready != 0; n++) {
		q = (uint32_t)__builtin_ctz(ready);
		/* peer: more ready bits than queues, more ports than are. */
		if (q >= EVTCHN_FIFO_MAX_QUEUES ||
		    n >= EVTCHN_FIFO_NR_CHANNELS ||
		    !evtchn_fifo_next(x, &cb->head[q], &head[q], &w)) {
			evtchn_fifo_resync(x, fn, arg);
			return;
		}
		port = head[q];
		head[q] = w & (uint32_t)EVTCHN_FIFO_LINK_MASK;
		if (head[q] == 0)
			ready &= ~(1u << q);
		if (evtchn_fifo_ready(w))
			fn(arg, EVPORT(port));
		ready |= shm_xchg32(&cb->ready, 0);
	}
}

/* ---- set-up ------------------------------------------------------------ */

/* One more page of words, all masked.  Another thread may be doing it too. */
static int
evtchn_fifo_expand(struct xen *x, struct pv_lock *lock)
{
	struct xen_kept *xk = &x->x_kept;
	uint32_t *page = pv_os_pages_alloc(1), i, n;
	int rv;

	if (page == NULL)
		return -PV_ENOMEM;
	for (i = 0; i < XEN_FIFO_NWORD; i++)
		shm_write32(&page[i], EVTCHN_FIFO_BIT(MASKED));
	pv_lock(lock);
	n = xk->xk_narray;
	rv = n == XEN_FIFO_NARRAY ? -PV_ENOSPC :
	    hypercall_evtchn_expand(x, pv_os_gfn(page));
	if (rv == 0) {
		xk->xk_array[n] = page;
		__atomic_store_n(&xk->xk_narray, n + 1, __ATOMIC_RELEASE);
	}
	pv_unlock(lock);
	if (rv != 0)
		pv_os_pages_free(page, 1);
	return rv;
}

/* Words for all ports up to this one. */
static int
evtchn_fifo_grow(struct xen *x, evport_t port, struct pv_lock *lock)
{
	int rv = 0;

	while (rv == 0 && evtchn_fifo_word(x, evport_x(port)) == NULL)
		rv = evtchn_fifo_expand(x, lock);
	if (rv != 0)
		pv_log(NULL, PV_LOG_ERR, "evtchn: no words for port %u (error "
		    "%d)", evport_x(port), -rv);
	return rv;
}

/*
 * The control block of a vCPU, which Xen can be told once.  With that of the
 * first vCPU the domain changes over to this ABI.
 */
static int
evtchn_fifo_cpu(struct xen *x, unsigned int vcpu)
{
	struct xen_kept *xk = &x->x_kept;
	void **page = &xk->xk_control[vcpu / XEN_FIFO_PERPAGE];
	bool fresh = *page == NULL;
	int rv;

	if (xk->xk_fifo[vcpu])
		return 0;
	if (fresh)
		*page = pv_os_pages_alloc(1);
	if (*page == NULL)
		return -PV_ENOMEM;
	rv = hypercall_evtchn_control(x, vcpu, pv_os_gfn(*page),
	    vcpu % XEN_FIFO_PERPAGE * EVTCHN_FIFO_STRIDE);
	xk->xk_fifo[vcpu] = rv == 0;
	if (rv < 0 && fresh) {
		pv_os_pages_free(*page, 1);
		*page = NULL;
	}
	return rv;
}

/*
 * Xen knows of no page any more.  It gets the same ones again, with nothing
 * in them; a vCPU that comes up later finds its control block empty.
 */
static int
evtchn_fifo_resume(struct xen *x)
{
	struct xen_kept *xk = &x->x_kept;
	uint32_t n = xk->xk_narray, i, j, *page;
	int rv;

	for (i = 0; i < PV_XEN_NVCPU; i++) {
		xk->xk_fifo[i] = false;
		if (xk->xk_control[i / XEN_FIFO_PERPAGE] != NULL)
			shm_zero(evtchn_fifo_control(x, i),
			    EVTCHN_FIFO_STRIDE);
	}
	rv = evtchn_fifo_cpu(x, 0);
	for (i = 0; rv == 0 && i < n; i++) {
		page = xk->xk_array[i];
		for (j = 0; j < XEN_FIFO_NWORD; j++)
			shm_write32(&page[j], EVTCHN_FIFO_BIT(MASKED));
		rv = hypercall_evtchn_expand(x, pv_os_gfn(page));
	}
	return rv;
}

const struct evtchn_ops evtchn_fifo_ops = {
	.eo_name = "fifo",
	.eo_cpu = evtchn_fifo_cpu,
	.eo_resume = evtchn_fifo_resume,
	.eo_grow = evtchn_fifo_grow,
	.eo_max = evtchn_fifo_max,
	.eo_mask = evtchn_fifo_mask,
	.eo_unmask = evtchn_fifo_unmask,
	.eo_clear = evtchn_fifo_clear,
	.eo_take = evtchn_fifo_take,
	.eo_requeue = evtchn_fifo_requeue,
	.eo_priority = evtchn_fifo_priority,
	.eo_scan = evtchn_fifo_scan
};

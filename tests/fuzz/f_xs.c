/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_xs.c -- the store's side of the ring is whatever the fuzzer says.
 *
 * The input is a script: what a byte of it means is its value modulo 6.  One
 * request and one watch are always there to be hit.
 */

#include <stdlib.h>
#include <string.h>

#include "xs_wire.h"
#include "shm.h"

void
shm_trace(const void *p, size_t len)
{
}

/* ---- what xs_ring.c and xs_watch.c need ---------------------------------- */

pv_os_ipl_t
pv_os_lock(struct pv_os_lock *lk)
{
	return 0;
}

void
pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl)
{
}

void
pv_os_wake(struct pv_os_event *ev)
{
}

int
pv_os_wait(struct pv_os_event *ev, uint64_t deadline)
{
	return -PV_ETIMEDOUT;
}

void
pv_os_defer(struct pv_os_work *w, uint64_t delay_ns)
{
}

void
pv_os_panic(const char *msg)
{
	abort();
}

void
xs_req_init(struct xs_req *rq, uint32_t type, const struct xs_trans *t)
{
	memset(rq, 0, sizeof(*rq));
	rq->rq_hdr.type = type;
	rq->rq_slot = -1;
	rq->rq_npiece = 1;
	rq->rq_piece[0].pc_base = &rq->rq_hdr;
	rq->rq_piece[0].pc_len = sizeof(rq->rq_hdr);
}

void
xs_req_path(struct xs_req *rq, const char *path)
{
	rq->rq_piece[rq->rq_npiece].pc_base = path;
	rq->rq_piece[rq->rq_npiece].pc_len = strlen(path) + 1;
	rq->rq_npiece++;
}

int
xs_talk(struct xen *x, struct xs_req *rq)
{
	return 0;
}

int
xs_read(struct xen *x, const struct xs_trans *t, const char *path, char *buf,
    size_t size, size_t *lenp)
{
	return -PV_ENOENT;
}

int
xs_write(struct xen *x, const struct xs_trans *t, const char *path,
    const void *val, size_t len)
{
	return 0;
}

/* ---- the script -------------------------------------------------------- */

static struct xs xs;
static struct xen xen;
static struct xenstore_domain_interface page;
static struct xs_req rq;
static struct xs_watch watch;
static char reply[512];

static void
f_xs_changed(void *arg, const char *path)
{
	if (strlen(path) >= XS_PATHMAX)
		abort();
}

static void
f_xs_request(void)
{
	if (xs.xs_why != NULL || (rq.rq_npiece > 0 && !rq.rq_done))
		return;
	xs_req_init(&rq, XS_READ, XS_NOTRANS);
	xs_req_path(&rq, "data");
	rq.rq_hdr.len = 5;
	rq.rq_buf = reply;
	rq.rq_size = sizeof(reply);
	list_append(&xs.xs_sendq, &rq.rq_link);
	(void)xs_ring_send(&xs);
}

static void
f_xs_put(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint32_t prod = page.rsp_prod;

	while (len-- > 0)
		page.rsp[prod++ & (XENSTORE_RING_SIZE - 1)] = (char)*b++;
	page.rsp_prod = prod;
}

/* A message whose header is nearly right. */
static size_t
f_xs_message(const uint8_t *data, size_t size, uint32_t type)
{
	struct xsd_sockmsg h = { .type = type, .req_id = rq.rq_hdr.req_id };
	size_t len = size > 0 ? data[0] : 0;

	if (len > size)
		len = size;
	h.len = (uint32_t)len;
	f_xs_put(&h, sizeof(h));
	f_xs_put(data, len);
	return len;
}

static size_t
f_xs_step(uint8_t what, const uint8_t *data, size_t size)
{
	size_t n = 0;

	switch (what % 6) {
	case 0:
		f_xs_request();
		break;
	case 1:
		n = f_xs_message(data, size, XS_READ);
		break;
	case 2:
		n = f_xs_message(data, size, XS_WATCH_EVENT);
		break;
	case 3:
		n = f_xs_message(data, size, XS_ERROR);
		break;
	case 4:
		n = size < 40 ? size : 40;
		f_xs_put(data, n);
		break;
	case 5:
		n = size < 4 ? size : 4;
		memcpy(&page.rsp_prod, data, n);
		break;
	}
	(void)xs_ring_receive(&xs);
	page.req_cons = page.req_prod;
	(void)xs_ring_send(&xs);
	xs_watch_run(&xs);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	memset(&xs, 0, sizeof(xs));
	memset(&rq, 0, sizeof(rq));
	memset(&page, 0, sizeof(page));
	memset(&watch, 0, sizeof(watch));
	page.req_prod = page.req_cons = page.rsp_cons = page.rsp_prod =
	    UINT32_MAX - 100;
	xen.x_xs = &xs;
	xs.xs_xen = &xen;
	xs.xs_page = &page;
	list_init(&xs.xs_sendq);
	list_init(&xs.xs_watches);
	list_init(&xs.xs_ready);
	list_init(&xs.xs_evfree);
	for (i = 0; i < XS_NEVENT; i++)
		list_append(&xs.xs_evfree, &xs.xs_event[i].ev_link);
	idmap_init(&xs.xs_ids, xs.xs_slot, XS_INFLIGHT);
	(void)xs_watch(&xen, &watch, "data", f_xs_changed, NULL);
	f_xs_request();
	while (size > 0) {
		size_t n = f_xs_step(data[0], data + 1, size - 1) + 1;

		data += n;
		size -= n;
	}
	return 0;
}

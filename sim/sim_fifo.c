/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_fifo.c -- the FIFO ABI of event channels, Xen's half.
 *
 * A pending port that is not masked is appended to a queue of its vCPU's:
 * LINKED is set in its word, and the link in the word of the port at the tail
 * if that is LINKED still; else the head, and the queue's bit in ready, which
 * makes an upcall.  A port whose LINKED is set is in a queue already, perhaps
 * of another vCPU, and left there.
 */

#include <pv/types.h>

#include <xen/event_channel.h>

#include "sim_int.h"

#define SIM_FIFO_BIT(n)	(1u << EVTCHN_FIFO_##n)

static volatile uint32_t *
sim_fifo_word(const struct sim_dom *d, uint32_t port)
{
	if (port / SIM_FIFO_NWORD >= d->d_nfifo)
		return NULL;
	return d->d_fifo[port / SIM_FIFO_NWORD] + port % SIM_FIFO_NWORD;
}

/* What is written for a port in a link or head; the lies are told here. */
static uint32_t
sim_fifo_index(uint32_t port)
{
	if (sim_evil_now(SIM_EVIL_FIFO_LINK_RANGE))
		return EVTCHN_FIFO_LINK_MASK - sim_rand(1000);
	if (sim_evil_now(SIM_EVIL_FIFO_LINK_WRONG))
		return sim_rand(SIM_FIFO_NWORD);
	return port;
}

/* Append to the port at the tail; false when that was taken off. */
static bool
sim_fifo_append(struct sim_dom *d, uint32_t tail, uint32_t port)
{
	volatile uint32_t *word = sim_fifo_word(d, tail);
	uint32_t w;

	if (tail == 0 || word == NULL)
		return false;
	w = shm_read32(word);
	if (!(w & SIM_FIFO_BIT(LINKED)))
		return false;
	if ((w & EVTCHN_FIFO_LINK_MASK) != 0)
		sim_bug("port %u is at the tail, with a link", tail);
	return shm_cas32(word, w, w | sim_fifo_index(port));
}

static void
sim_fifo_queue(struct sim_dom *d, uint32_t port)
{
	struct sim_port *po = &d->d_port[port];
	struct sim_vcpu *v = &d->d_vcpu[po->po_vcpu];
	uint32_t *tail = &v->v_tail[po->po_priority];
	uint32_t bit = 1u << po->po_priority;
	bool linked;

	if (v->v_control == NULL)
		sim_die("an event for vCPU %u, which has no control block",
		    po->po_vcpu);
	if (shm_or32(sim_fifo_word(d, port), SIM_FIFO_BIT(LINKED)) &
	    SIM_FIFO_BIT(LINKED))
		return;
	/* It was in no queue: where it was the tail, there is none. */
	if (d->d_tail[port] != NULL && *d->d_tail[port] == port)
		*d->d_tail[port] = 0;
	d->d_tail[port] = tail;
	linked = sim_fifo_append(d, *tail, port);
	*tail = port;
	if (linked)
		return;
	shm_write32(&v->v_control->head[po->po_priority],
	    sim_fifo_index(port));
	if (!(shm_or32(&v->v_control->ready, bit) & bit))
		sim_evtchn_mark(v);
}

/* An event on a port. */
void
sim_fifo_raise(struct sim_dom *d, uint32_t port)
{
	volatile uint32_t *word = sim_fifo_word(d, port);
	uint32_t was;

	/* It comes when the guest has made room. */
	if (word == NULL) {
		d->d_port[port].po_pending = true;
		return;
	}
	was = shm_or32(word, SIM_FIFO_BIT(PENDING));
	if (!(was & SIM_FIFO_BIT(MASKED)))
		sim_fifo_queue(d, port);
}

void
sim_fifo_unmask(struct sim_dom *d, uint32_t port)
{
	volatile uint32_t *word = sim_fifo_word(d, port);

	if (word == NULL)
		return;
	if (shm_and32(word, ~SIM_FIFO_BIT(MASKED)) & SIM_FIFO_BIT(PENDING))
		sim_fifo_queue(d, port);
}

bool
sim_fifo_pending(const struct sim_dom *d, uint32_t port)
{
	volatile uint32_t *word = sim_fifo_word(d, port);

	return word != NULL && (shm_read32(word) & SIM_FIFO_BIT(PENDING));
}

/* A port is closed: it stays in the queue that it is in. */
void
sim_fifo_close(struct sim_dom *d, uint32_t port)
{
	volatile uint32_t *word = sim_fifo_word(d, port);

	if (word != NULL)
		(void)shm_and32(word, ~SIM_FIFO_BIT(PENDING));
}

/* A queue that is ready, with nothing in it. */
void
sim_fifo_nothing(struct sim_dom *d)
{
	struct sim_vcpu *v = &d->d_vcpu[0];

	sim_inside();
	if (v->v_control != NULL) {
		(void)shm_or32(&v->v_control->ready, 1u << sim_rand(32));
		sim_evtchn_mark(v);
	}
	sim_outside();
}

/* ---- the hypercalls ---------------------------------------------------- */

/* What is pending by the two-level ABI comes along. */
static void
sim_fifo_change(struct sim_dom *d)
{
	uint32_t port;

	d->d_is_fifo = true;
	for (port = 1; port < SIM_NPORT; port++) {
		d->d_port[port].po_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		d->d_port[port].po_pending = port < EVTCHN_2L_NR_CHANNELS &&
		    sim_evtchn_bit(d->d_shared->evtchn_pending, port);
	}
}

long
sim_fifo_control(struct sim_dom *d, struct evtchn_init_control *op)
{
	struct sim_vcpu *v;
	char *page = sim_mem_gfn_va(op->control_gfn);

	if (d->d_sim->s_flags & SIM_2L)
		return -PV_ENOSYS;
	if (op->vcpu >= d->d_nvcpu)
		return -PV_ENOENT;
	v = &d->d_vcpu[op->vcpu];
	if (v->v_control != NULL || page == NULL || op->offset % 8 != 0 ||
	    op->offset > PV_PAGE_SIZE - sizeof(*v->v_control))
		return -PV_EINVAL;
	if (sim_fail_now("init_control"))
		return -PV_ENOMEM;
	sim_mem_keep(page);
	v->v_control = (struct evtchn_fifo_control_block *)(void *)(page +
	    op->offset);
	if (!d->d_is_fifo)
		sim_fifo_change(d);
	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	return 0;
}

long
sim_fifo_expand(struct sim_dom *d, const struct evtchn_expand_array *op)
{
	void *page = sim_mem_gfn_va(op->array_gfn);
	uint32_t port;

	if (!d->d_is_fifo || page == NULL)
		return -PV_EINVAL;
	if (d->d_nfifo == SIM_NFIFO)
		return -PV_ENOSPC;
	if (sim_fail_now("expand_array"))
		return -PV_ENOMEM;
	sim_mem_keep(page);
	d->d_fifo[d->d_nfifo++] = page;
	for (port = 1; port < d->d_nfifo * SIM_FIFO_NWORD; port++) {
		if (!d->d_port[port].po_pending)
			continue;
		d->d_port[port].po_pending = false;
		sim_fifo_raise(d, port);
	}
	return 0;
}

long
sim_fifo_priority(struct sim_dom *d, const struct evtchn_set_priority *op)
{
	if (!d->d_is_fifo)
		return -PV_ENOSYS;
	if (op->port >= SIM_NPORT || op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -PV_EINVAL;
	d->d_port[op->port].po_priority = op->priority;
	return 0;
}

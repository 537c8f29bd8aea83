/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_evtchn.c -- event channels of many vCPUs, by both ABIs.
 */

#include <stdlib.h>

#include "evtchn.h"
#include "loop.h"

#define T_NVCPU	64
#define T_NPORT	2000

/* ---- ports of a vCPU's own --------------------------------------------- */

struct t_fast {
	struct evtchn_handler tf_ipi, tf_timer;
	unsigned int	 tf_vcpu, tf_nipi, tf_ntimer, tf_nwrong;
};

static struct t_fast fast[T_NVCPU];

static enum evtchn_result
t_ipi(void *arg)
{
	struct t_fast *tf = arg;

	tf->tf_nipi++;
	tf->tf_nwrong += sim_dom_vcpu() != (int)tf->tf_vcpu;
	return EVTCHN_DONE;
}

static enum evtchn_result
t_timer(void *arg)
{
	struct t_fast *tf = arg;

	tf->tf_ntimer++;
	tf->tf_nwrong += sim_dom_vcpu() != (int)tf->tf_vcpu;
	return EVTCHN_DONE;
}

static void
t_vcpu_up(struct loop *l, unsigned int i)
{
	struct t_fast *tf = &fast[i];

	memset(tf, 0, sizeof(*tf));
	tf->tf_vcpu = i;
	if (i > 0)
		assert_int_equal(evtchn_cpu_attach(&l->l_xen, i), 0);
	assert_int_equal(evtchn_cpu_attach(&l->l_xen, i), -PV_EBUSY);
	assert_int_equal(evtchn_bind_ipi(&l->l_xen, i, &tf->tf_ipi, t_ipi,
	    tf), 0);
	assert_int_equal(evtchn_bind_virq(&l->l_xen, i, VIRQ_TIMER,
	    &tf->tf_timer, t_timer, tf), 0);
}

static void
t_vcpu_down(struct loop *l, unsigned int i)
{
	evtchn_close(&fast[i].tf_ipi);
	evtchn_close(&fast[i].tf_timer);
	evtchn_cpu_detach(&l->l_xen, i);
}

/* With vCPUs, which a domain has from its beginning. */
static void
t_open(struct loop *l, uint64_t seed, unsigned int nvcpu)
{
	unsigned int i;

	loop_open(l, seed, loop_flags(seed));
	sim_dom_vcpus(l->l_dom, nvcpu);
	sim_dom_limit_ports(l->l_dom, 4096);
	assert_int_equal(loop_attach(l), 0);
	for (i = 0; i < nvcpu; i++)
		t_vcpu_up(l, i);
}

static void
t_close(struct loop *l, unsigned int nvcpu)
{
	while (nvcpu-- > 0)
		t_vcpu_down(l, nvcpu);
	loop_close(l);
}

static bool
t_fifo(struct loop *l)
{
	return strcmp(loop_totals(l).pt_evtchn, "fifo") == 0;
}

static void
evtchn_64_vcpus(void **state)
{
	static struct loop l;
	struct pv_xen_cpu_info ci;
	unsigned int i, k, n;
	uint64_t seed;

	for (seed = 1; seed <= 8; seed++) {
		t_open(&l, seed, T_NVCPU);
		assert_int_equal(loop_totals(&l).pt_nvcpu, T_NVCPU);
		assert_int_equal(evtchn_cpu_attach(&l.l_xen, PV_XEN_NVCPU),
		    -PV_ERANGE);
		for (k = 0; k < 20; k++) {
			for (i = 0; i < T_NVCPU; i++) {
				evtchn_notify(&fast[i].tf_ipi);
				sim_dom_virq(l.l_dom, i, VIRQ_TIMER);
			}
			sim_run(l.l_sim, SIM_MS);
		}
		for (i = 0; i < T_NVCPU; i++) {
			assert_int_equal(fast[i].tf_nipi, 20);
			assert_int_equal(fast[i].tf_ntimer, 20);
			assert_int_equal(fast[i].tf_nwrong, 0);
			assert_int_equal(evtchn_cpu_info(&l.l_xen, i, &ci), 0);
			assert_true(ci.ci_up && ci.ci_nevent >= 40);
		}
		n = T_NVCPU;
		t_close(&l, n);
	}
}

/* The place of a vcpu_info and a control block is found again. */
static void
evtchn_attach_again(void **state)
{
	static struct loop l;
	unsigned int i, k;
	uint64_t seed;

	for (seed = 1; seed <= 8; seed++) {
		t_open(&l, seed, 40);
		for (k = 0; k < 3; k++) {
			for (i = 0; i < 40; i++)
				t_vcpu_down(&l, i);
			loop_detach(&l);
			assert_int_equal(loop_attach(&l), 0);
			for (i = 0; i < 40; i++)
				t_vcpu_up(&l, i);
			evtchn_notify(&fast[39].tf_ipi);
			sim_run(l.l_sim, SIM_MS);
			assert_int_equal(fast[39].tf_nipi, 1);
		}
		t_close(&l, 40);
	}
}

/* A vCPU above 31 can not do without a place for its vcpu_info. */
static void
evtchn_cpu_points(void **state)
{
	static struct loop l;
	unsigned int n;
	bool failed = true;
	int rv;

	for (n = 1; failed; n++) {
		loop_open(&l, n, loop_flags(n));
		sim_dom_vcpus(l.l_dom, 40);
		assert_int_equal(loop_attach(&l), 0);
		sim_fail_at(l.l_sim, n);
		rv = evtchn_cpu_attach(&l.l_xen, 1);
		if (rv == 0)
			rv = evtchn_cpu_attach(&l.l_xen, 33);
		failed = sim_failed(l.l_sim);
		if (rv == 0)
			evtchn_cpu_detach(&l.l_xen, 33);
		evtchn_cpu_detach(&l.l_xen, 1);
		loop_close(&l);
	}
	assert_true(n > 4);
}

/* ---- ports that move --------------------------------------------------- */

struct t_port {
	struct evtchn_handler tp_eh;
	unsigned int	 tp_sent, tp_seen, tp_nrun;
	bool		 tp_closed;
	unsigned int	 tp_nlate;	/* runs after it was closed */
};

static struct t_port ports[T_NPORT];

static enum evtchn_result
t_run(void *arg)
{
	struct t_port *tp = arg;

	tp->tp_seen = tp->tp_sent;
	tp->tp_nrun++;
	tp->tp_nlate += tp->tp_closed;
	return EVTCHN_DONE;
}

static void
t_ports(struct loop *l, unsigned int n)
{
	unsigned int i;

	memset(ports, 0, sizeof(ports));
	for (i = 0; i < n; i++)
		assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0,
		    &ports[i].tp_eh, t_run, &ports[i]), 0);
}

static void
t_send(struct loop *l, struct t_port *tp)
{
	tp->tp_sent++;
	sim_dom_event(l->l_dom, evport_x(tp->tp_eh.eh_port));
}

/* All of them have seen the last event, and all are closed. */
static void
t_ports_end(struct loop *l, unsigned int n)
{
	unsigned int i;

	sim_run(l->l_sim, SIM_S);
	for (i = 0; i < n; i++) {
		assert_int_equal(ports[i].tp_seen, ports[i].tp_sent);
		evtchn_close(&ports[i].tp_eh);
	}
}

static void
evtchn_moves(void **state)
{
	static struct loop l;
	unsigned int i, k, cpu;
	uint64_t seed;

	for (seed = 1; seed <= 8; seed++) {
		t_open(&l, seed, 8);
		t_ports(&l, 100);
		for (k = 0; k < 3000; k++) {
			i = sim_rand(100);
			cpu = sim_rand(8);
			t_send(&l, &ports[i]);
			if (sim_rand(2) == 0)
				assert_int_equal(evtchn_move(&ports[i].tp_eh,
				    cpu), 0);
			if (sim_rand(20) == 0)
				sim_run(l.l_sim, sim_rand(20) * 1000);
			if (sim_rand(100) == 0 && cpu != 0) {
				t_vcpu_down(&l, cpu);
				assert_int_equal(evtchn_move(&ports[i].tp_eh,
				    cpu), -PV_EINVAL);
				sim_run(l.l_sim, sim_rand(20) * 1000);
				t_vcpu_up(&l, cpu);
			}
		}
		assert_int_equal(evtchn_move(&fast[1].tf_ipi, 0), -PV_EINVAL);
		t_ports_end(&l, 100);
		t_close(&l, 8);
	}
}

/*
 * Neighbours in one word of bits, each with a vCPU of its own: however the
 * upcalls and handlers of these mix, a handler runs once for an event.
 */
static void
evtchn_once(void **state)
{
	static struct loop l;
	unsigned int i, k;
	uint64_t seed;

	for (seed = 1; seed <= 12; seed++) {
		t_open(&l, seed, 8);
		t_ports(&l, 40);
		for (i = 0; i < 40; i++)
			assert_int_equal(evtchn_move(&ports[i].tp_eh, i % 8),
			    0);
		for (k = 0; k < 200; k++) {
			for (i = 0; i < 40; i++)
				t_send(&l, &ports[i]);
			sim_run(l.l_sim, SIM_MS);
			for (i = 0; i < 40; i++)
				assert_int_equal(ports[i].tp_nrun, k + 1);
		}
		t_ports_end(&l, 40);
		t_close(&l, 8);
	}
}

/* The ports of a vCPU that goes are delivered to vCPU 0. */
static void
evtchn_vcpu_goes(void **state)
{
	static struct loop l;
	unsigned int i;
	uint64_t seed;

	for (seed = 1; seed <= 8; seed++) {
		t_open(&l, seed, 4);
		t_ports(&l, 50);
		for (i = 0; i < 50; i++)
			assert_int_equal(evtchn_move(&ports[i].tp_eh, 3), 0);
		for (i = 0; i < 25; i++)
			t_send(&l, &ports[i]);
		t_vcpu_down(&l, 3);
		for (i = 20; i < 50; i++)
			t_send(&l, &ports[i]);
		t_ports_end(&l, 50);
		for (i = 0; i < 50; i++)
			assert_true(ports[i].tp_nrun > 0);
		t_close(&l, 3);
	}
}

/* ---- many ports -------------------------------------------------------- */

static void
evtchn_2000_ports(void **state)
{
	static struct loop l;
	unsigned int i, k;
	uint64_t seed;

	for (seed = 1; seed <= 4; seed++) {
		t_open(&l, seed, 2);
		/* Two levels in 32 bits have 1024 in all. */
		if (!t_fifo(&l) && sizeof(long) == 4) {
			t_close(&l, 2);
			continue;
		}
		t_ports(&l, T_NPORT);
		for (k = 0; k < 3; k++) {
			for (i = 0; i < T_NPORT; i++)
				t_send(&l, &ports[i]);
			sim_run(l.l_sim, SIM_S);
			for (i = 0; i < T_NPORT; i++)
				assert_int_equal(ports[i].tp_nrun, k + 1);
		}
		t_ports_end(&l, T_NPORT);
		t_close(&l, 2);
	}
}

/* ---- priorities -------------------------------------------------------- */

static unsigned int order[4], norder;

static enum evtchn_result
t_order(void *arg)
{
	order[norder++ % 4] = (unsigned int)(uintptr_t)arg;
	return EVTCHN_DONE;
}

static void
evtchn_by_priority(void **state)
{
	static const unsigned int prio[] = { 9, 0, 15, 3 };
	static const uint32_t virq[] = { VIRQ_TIMER, VIRQ_DEBUG,
	    VIRQ_XENOPROF, VIRQ_XENPMU };
	static struct evtchn_handler eh[4];
	static struct loop l;
	unsigned int i;

	loop_open(&l, 8, SIM_CALM);
	assert_int_equal(loop_attach(&l), 0);
	assert_true(t_fifo(&l));
	for (i = 0; i < 4; i++) {
		assert_int_equal(evtchn_bind_virq(&l.l_xen, 0, virq[i],
		    &eh[i], t_order, (void *)(uintptr_t)prio[i]), 0);
		assert_int_equal(evtchn_priority(&eh[i], prio[i]), 0);
		assert_int_equal(evtchn_priority(&eh[i], 16), -PV_EINVAL);
	}
	sim_run(l.l_sim, SIM_S);
	norder = 0;
	for (i = 0; i < 4; i++)
		sim_dom_virq(l.l_dom, 0, virq[i]);
	sim_run(l.l_sim, SIM_MS);
	assert_int_equal(norder, 4);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 3);
	assert_int_equal(order[2], 9);
	assert_int_equal(order[3], 15);
	for (i = 0; i < 4; i++)
		evtchn_close(&eh[i]);
	loop_close(&l);
	loop_open(&l, 8, SIM_CALM | SIM_2L);
	assert_int_equal(loop_attach(&l), 0);
	t_ports(&l, 1);
	assert_int_equal(evtchn_priority(&ports[0].tp_eh, 3), -PV_ENOSYS);
	t_ports_end(&l, 1);
	loop_close(&l);
}

/* The kernel asked for the old ABI. */
static void
evtchn_no_fifo(void **state)
{
	static struct loop l;
	struct pv_xen_boot boot;

	loop_open(&l, 1, 0);
	boot = sim_dom_boot(l.l_dom);
	boot.xb_flags |= PV_XEN_NO_FIFO;
	sim_enter(l.l_dom);
	assert_int_equal(xen_core_attach(&l.l_xen, &boot), 0);
	t_ports(&l, 1);
	t_send(&l, &ports[0]);
	sim_run(l.l_sim, SIM_MS);
	assert_int_equal(ports[0].tp_nrun, 1);
	evtchn_close(&ports[0].tp_eh);
	xen_core_detach(&l.l_xen);
	loop_close(&l);
}

/* ---- closed ports ------------------------------------------------------ */

/* Events that come while a port is being closed, and to its number after. */
LOOP_TEST(evtchn_closed)
{
	unsigned int i, k;
	evport_t port;

	t_ports(l, 64);
	for (k = 0; k < 40; k++) {
		for (i = 0; i < 64; i++) {
			t_send(l, &ports[i]);
			if (sim_rand(4) != 0)
				continue;
			port = ports[i].tp_eh.eh_port;
			evtchn_close(&ports[i].tp_eh);
			ports[i].tp_closed = true;
			sim_dom_event(l->l_dom, evport_x(port));
			sim_run(l->l_sim, sim_rand(5) * 1000);
			ports[i].tp_closed = false;
			assert_int_equal(evtchn_alloc(&l->l_xen, NULL, 0,
			    &ports[i].tp_eh, t_run, &ports[i]), 0);
			t_send(l, &ports[i]);
		}
		sim_run(l->l_sim, SIM_MS);
	}
	for (i = 0; i < 64; i++)
		assert_int_equal(ports[i].tp_nlate, 0);
	t_ports_end(l, 64);
}

/* ---- between two guests ------------------------------------------------ */

/*
 * On each channel one event goes back and forth.  The number of runs at both
 * ends shows each that was lost or came twice.
 */
#define T_NCHAN	64

struct t_end {
	struct evtchn_handler te_eh;
	uint64_t	 te_nrun;
	unsigned int	 te_nlate;
	bool		 te_closed;
};

static struct t_end ends[2][T_NCHAN];
static uint64_t t_left;

static enum evtchn_result
t_pong(void *arg)
{
	struct t_end *te = arg;

	te->te_nrun++;
	te->te_nlate += te->te_closed;
	if (t_left > 0) {
		t_left--;
		evtchn_notify(&te->te_eh);
	}
	return EVTCHN_DONE;
}

static bool
t_over(void *arg)
{
	return t_left == 0;
}

static void
evtchn_stress(void **state)
{
	const char *count = getenv("SIM_COUNT");
	uint64_t want = count == NULL ? 100000 : strtoull(count, NULL, 10);
	uint64_t seed, sum[2];
	static struct loop l, m;
	unsigned int i;

	for (seed = 2; seed <= 3; seed++) {
		memset(ends, 0, sizeof(ends));
		t_open(&l, seed, 8);
		loop_second(&m, &l);
		assert_int_equal(loop_attach(&m), 0);
		t_left = want;
		for (i = 0; i < T_NCHAN; i++) {
			sim_enter(l.l_dom);
			assert_int_equal(evtchn_alloc(&l.l_xen, NULL, 2,
			    &ends[0][i].te_eh, t_pong, &ends[0][i]), 0);
			assert_int_equal(evtchn_move(&ends[0][i].te_eh,
			    i % 8), 0);
			sim_enter(m.l_dom);
			/* Binding makes the first event, for both ends. */
			assert_int_equal(evtchn_bind_peer(&m.l_xen, NULL, 1,
			    ends[0][i].te_eh.eh_port, &ends[1][i].te_eh,
			    t_pong, &ends[1][i]), 0);
		}
		assert_true(sim_until(l.l_sim, t_over, NULL, 3600 * SIM_S));
		sim_run(l.l_sim, SIM_S);
		for (sum[0] = sum[1] = 0, i = 0; i < T_NCHAN; i++) {
			sum[0] += ends[0][i].te_nrun;
			sum[1] += ends[1][i].te_nrun;
			assert_true(ends[1][i].te_nrun -
			    ends[0][i].te_nrun <= 1);
		}
		assert_int_equal(sum[0] + sum[1], want + T_NCHAN);
		for (i = 0; i < T_NCHAN; i++) {
			sim_enter(l.l_dom);
			evtchn_close(&ends[0][i].te_eh);
			ends[0][i].te_closed = true;
			sim_enter(m.l_dom);
			evtchn_notify(&ends[1][i].te_eh);
			evtchn_close(&ends[1][i].te_eh);
		}
		loop_detach(&m);
		sim_enter(l.l_dom);
		for (i = 0; i < T_NCHAN; i++)
			assert_int_equal(ends[0][i].te_nlate, 0);
		t_close(&l, 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evtchn_64_vcpus),
		cmocka_unit_test(evtchn_attach_again),
		cmocka_unit_test(evtchn_cpu_points),
		cmocka_unit_test(evtchn_moves),
		cmocka_unit_test(evtchn_once),
		cmocka_unit_test(evtchn_vcpu_goes),
		cmocka_unit_test(evtchn_2000_ports),
		cmocka_unit_test(evtchn_by_priority),
		cmocka_unit_test(evtchn_no_fifo),
		cmocka_unit_test(evtchn_closed),
		cmocka_unit_test(evtchn_stress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_netorphan.c -- kernel/net/netorphan.c: how long a connection stays that
 * nobody has any more.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"

#include <net/netorphan.h>

#define NPCB	4

struct tcp_pcb *tcp_active_pcbs;
static struct tcp_pcb pcbs[NPCB];
static unsigned int nreset;
static struct tcp_pcb *last;		/* that was reset */

u8_t
tcp_ext_arg_alloc_id(void)
{
	static u8_t id;

	assert_true(id < LWIP_TCP_PCB_NUM_EXT_ARGS);
	return id++;
}

void
tcp_ext_arg_set(struct tcp_pcb *pcb, uint8_t id, void *arg)
{
	pcb->ext_args[id].data = arg;
}

void *
tcp_ext_arg_get(const struct tcp_pcb *pcb, uint8_t id)
{
	return pcb->ext_args[id].data;
}

void
tcp_abort(struct tcp_pcb *pcb)
{
	struct tcp_pcb **p = &tcp_active_pcbs;

	while (*p != pcb)
		p = &(*p)->next;
	*p = pcb->next;
	memset(pcb, 0xff, sizeof(*pcb));
	nreset++;
	last = pcb;
}

static void
told(void *arg, err_t err)
{
}

/* Some connections, all of them somebody's. */
static void
open_all(void)
{
	unsigned int i;

	memset(pcbs, 0, sizeof(pcbs));
	tcp_active_pcbs = NULL;
	nreset = 0;
	for (i = 0; i < NPCB; i++) {
		pcbs[i].state = ESTABLISHED;
		pcbs[i].callback_arg = &pcbs[i];
		pcbs[i].errf = told;
		pcbs[i].lastack = 0xffffff00u;
		pcbs[i].next = tcp_active_pcbs;
		tcp_active_pcbs = &pcbs[i];
	}
}

static void
leave(struct tcp_pcb *pcb)
{
	pcb->state = FIN_WAIT_1;
	pcb->callback_arg = NULL;
	pcb->errf = NULL;
}

static void
tick(unsigned int n)
{
	while (n-- > 0)
		netorphan_tick();
}

/* A window that never opens: the end after a minute, of that one alone. */
static void
t_silent(void **st)
{
	open_all();
	tick(1000);
	leave(&pcbs[1]);
	tick(60);
	assert_int_equal(nreset, 0);
	tick(1);
	assert_int_equal(nreset, 1);
	assert_ptr_equal(last, &pcbs[1]);
	leave(&pcbs[0]);
	leave(&pcbs[2]);
	leave(&pcbs[3]);
	tick(61);
	assert_int_equal(nreset, NPCB);
	assert_null(tcp_active_pcbs);
}

/* Who takes what there is may take longer, but not a byte at a time. */
static void
t_slow(void **st)
{
	unsigned int i;

	open_all();
	leave(&pcbs[0]);
	leave(&pcbs[1]);
	for (i = 0; i < 300; i++) {
		pcbs[0].lastack += 500;
		if (nreset == 0)
			pcbs[1].lastack += 1;
		tick(1);
	}
	assert_int_equal(nreset, 1);
	assert_int_equal(pcbs[0].state, FIN_WAIT_1);
	tick(61);
	assert_int_equal(nreset, 2);
}

static int
setup(void **st)
{
	netorphan_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_silent),
		cmocka_unit_test(t_slow),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

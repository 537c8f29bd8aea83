/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach_sim.c -- what it costs a guest that a disk is attached, by how many it
 * has: the library as it is shipped, over the simulated Xen.
 *
 *	attach_sim N	N disks, one after the other
 *
 * Nothing is printed; callgrind counts.  What the last one cost is what a run
 * takes more than a run with one less: chance is seeded, time virtual.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/os.h>
#include <pv/pv.h>

#include "sim.h"
#include "xen.h"

#define ATTACH_NSECT	64
#define ATTACH_WAIT	(60 * SIM_S)
#define ATTACH_XVDA	51712u		/* 16 numbers each, up to xvdp */
#define ATTACH_XVDQ	(1u << 28)	/* 256 each from there on */

static struct sim *attach_sim;
static struct sim_dom *attach_dom;
static unsigned int attach_nup;

static void
attach_blk_up(struct pv_blk *bk)
{
	attach_nup++;
}

/* The simulated Xen has not so many grants as 64 of them would like. */
static const char *
attach_setting(const char *name)
{
	return strcmp(name, "gnttab.budget") == 0 ? "32" : NULL;
}

static bool
attach_is_up(void *arg)
{
	return attach_nup >= *(const unsigned int *)arg;
}

/* The simulator tells the sanitizer of its stacks; there is none here. */
void	 __sanitizer_start_switch_fiber(void **, const void *, size_t);
void	 __sanitizer_finish_switch_fiber(void *, const void **, size_t *);
void	 __sanitizer_symbolize_pc(void *, const char *, char *, size_t);

void
__sanitizer_start_switch_fiber(void **save, const void *stack, size_t len)
{
}

void
__sanitizer_finish_switch_fiber(void *save, const void **stack, size_t *len)
{
}

void
__sanitizer_symbolize_pc(void *pc, const char *fmt, char *buf, size_t len)
{
	buf[0] = '\0';
}

/* Disk number i appears; wait until it works. */
static void
attach_one(unsigned int i)
{
	struct sim_blk_cfg blk = { .bc_nsect = ATTACH_NSECT,
	    .bc_flags = SIM_BLK_PLAIN | SIM_BLK_NOLAST };
	unsigned int want = i + 1;

	blk.bc_vdev = i < 16 ? ATTACH_XVDA + i * 16 : ATTACH_XVDQ | i << 8;
	(void)sim_blk_create(attach_dom, &blk);
	if (!sim_until(attach_sim, attach_is_up, &want, ATTACH_WAIT)) {
		fprintf(stderr, "attach_sim: disk %u does not come up\n", i);
		exit(1);
	}
	/* What it has still to do does not count for the next one. */
	sim_run(attach_sim, SIM_S);
}

int
main(int argc, char **argv)
{
	static const struct pv_client client = {
		.pc_blk_up = attach_blk_up, .pc_setting = attach_setting
	};
	static struct xen xen;
	struct pv_xen_boot boot;
	unsigned int i, n;

	if (argc != 2) {
		fprintf(stderr, "usage: attach_sim N\n");
		return 2;
	}
	n = (unsigned int)atoi(argv[1]);
	attach_sim = sim_open(1, SIM_CALM);
	attach_dom = sim_dom_create(attach_sim, 1);
	xen.x_seam = attach_dom;
	boot = sim_dom_boot(attach_dom);
	sim_enter(attach_dom);
	if (xen_attach(&xen, &boot, &client) != 0)
		return 1;
	sim_run(attach_sim, SIM_S);
	for (i = 0; i < n; i++)
		attach_one(i);
	return 0;
}

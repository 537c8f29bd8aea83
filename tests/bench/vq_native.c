/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vq_native.c -- our virtio drivers in a process, against a back end behind
 * vhost-user.
 *
 *	net SOCKET SECONDS		"rate PACKETS/S"
 *	blk SOCKET SECONDS DEPTH	"rate READS/S", 4 KiB each
 *	net|blk SOCKET count [DEPTH]	"operations N", slowly: what
 *					vq_native_turn() did for them
 *	check SOCKET			a disk is written and read back
 *
 * Before them -o FEATURES: to leave out, as in hw.virtio.features_off; with
 * "packed" rings are split, even where the back end has packed ones.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pv/os.h>

#include "os.h"
#include "vhost_user.h"

#define NATIVE_PAGES	4096
#define NATIVE_NPKT	120u		/* one is sent before it is known that
					   another has been */
#define NATIVE_AROUND	64u		/* packets on their way around, .. */
#define NATIVE_PKT	64u		/* bytes */
#define NATIVE_NREQ	64u
#define NATIVE_IO	4096u
#define NATIVE_COUNT	5000u		/* operations that are counted */
#define NATIVE_BURST	32u		/* .. while counting */
#define NATIVE_PAUSE	1000		/* us, so that answers are there */
#define NATIVE_CHECK	(1u << 20)	/* bytes written and read back */
#define NATIVE_TYPE_NET	1
#define NATIVE_TYPE_BLK	2

struct native_pkt {
	struct pv_net_pkt pk_pkt;
	struct pv_iov	 pk_iov;
	struct native_pkt *pk_next;
};

static struct pv_net *native_net;
static struct pv_blk *native_blk;
static const char *native_off;
static struct native_pkt native_pkt[NATIVE_NPKT], *native_free;
static struct pv_blk_req native_req[NATIVE_NREQ];
static struct pv_iov native_iov[NATIVE_NREQ];
static uint64_t native_done, native_seed = 1;
static int native_result;
static bool native_again = true;	/* a request is made anew when done */

static _Noreturn void
native_die(const char *what)
{
	fprintf(stderr, "vq_native: %s\n", what);
	exit(1);
}

/* ---- packets ----------------------------------------------------------- */

static void
native_sent(struct pv_net_pkt *np, int rv)
{
	struct native_pkt *pk = np->np_arg;

	pk->pk_next = native_free;
	native_free = pk;
}

/* What comes goes back. */
static void
native_recv(struct pv_net *nt, const struct pv_net_pkt *np)
{
	struct native_pkt *pk = native_free;

	native_done++;
	if (pk == NULL || np->np_len != NATIVE_PKT)
		return;
	native_free = pk->pk_next;
	memcpy(pk->pk_iov.iov_base, np->np_iov[0].iov_base, NATIVE_PKT);
	if (pv_net_send(nt, &pk->pk_pkt) != 0)
		native_sent(&pk->pk_pkt, 0);
}

static void
native_packets(unsigned int n)
{
	char *page = pv_os_pages_alloc(NATIVE_NPKT * 2048 / PV_PAGE_SIZE);
	struct native_pkt *pk;
	unsigned int i;

	if (page == NULL)
		native_die("no memory");
	for (i = 0; i < NATIVE_NPKT; i++) {
		pk = &native_pkt[i];
		pk->pk_iov.iov_base = page + i * 2048;
		pk->pk_iov.iov_len = NATIVE_PKT;
		pk->pk_pkt = (struct pv_net_pkt){ .np_iov = &pk->pk_iov,
		    .np_niov = 1, .np_len = NATIVE_PKT, .np_arg = pk,
		    .np_done = native_sent };
		if (i >= n)
			native_sent(&pk->pk_pkt, 0);
		else if (pv_net_send(native_net, &pk->pk_pkt) != 0)
			native_die("a packet is refused");
	}
}

/* ---- requests ---------------------------------------------------------- */

static void
native_answer(struct pv_blk_req *br, int rv)
{
	uint64_t n = native_blk->bk_nsect / (NATIVE_IO / PV_SECT_SIZE);

	native_done++;
	if (rv != 0)
		native_result = rv;
	if (!native_again || rv != 0)
		return;
	native_seed = native_seed * 6364136223846793005ull + 1;
	br->br_sect = (native_seed >> 33) % n * (NATIVE_IO / PV_SECT_SIZE);
	if (pv_blk_submit(native_blk, br) != 0)
		native_die("a request is refused");
}

static void
native_requests(unsigned int depth)
{
	char *mem = pv_os_pages_alloc(NATIVE_NREQ);
	unsigned int i;

	if (mem == NULL)
		native_die("no memory");
	for (i = 0; i < NATIVE_NREQ; i++) {
		native_iov[i].iov_base = mem + i * NATIVE_IO;
		native_iov[i].iov_len = NATIVE_IO;
		native_req[i] = (struct pv_blk_req){ .br_op = PV_BLK_READ,
		    .br_nsect = NATIVE_IO / PV_SECT_SIZE,
		    .br_iov = &native_iov[i], .br_niov = 1,
		    .br_done = native_answer };
		if (i < depth && pv_blk_submit(native_blk,
		    &native_req[i]) != 0)
			native_die("a request is refused");
	}
}

/* ---- the loop ---------------------------------------------------------- */

/* What callgrind counts: it would miss the end if that were a jump. */
static __attribute__((__noipa__)) void
vq_native_turn(void)
{
	if (native_net != NULL)
		native_net->nt_ops->no_poll(native_net->nt_sc);
	else
		native_blk->bk_ops->bo_poll(native_blk->bk_sc);
	__asm__ __volatile__("" : : : "memory");
}

static void
native_rate(double seconds)
{
	uint64_t start = pv_os_now(), now = start, before = native_done;
	unsigned int i;

	while (now - start < (uint64_t)(seconds * 1e9)) {
		for (i = 0; i < 1000; i++)
			vq_native_turn();
		os_run(0);
		now = pv_os_now();
		if (native_result != 0)
			native_die("a request failed");
	}
	printf("rate %.0f\n", (double)(native_done - before) /
	    ((double)(now - start) / 1e9));
}

static void
native_count(void)
{
	uint64_t n = 0, last;

	while (n < NATIVE_COUNT) {
		(void)usleep(NATIVE_PAUSE);
		last = native_done;
		vq_native_turn();
		n += native_done - last;
		if (native_done == last)
			os_run(0);	/* is it gone? */
	}
	printf("operations %llu\n", (unsigned long long)n);
}

/* how: "count" or seconds. */
static void
native_measure(const char *how, unsigned int depth)
{
	bool count = strcmp(how, "count") == 0;

	if (native_net != NULL)
		native_packets(count ? NATIVE_BURST : NATIVE_AROUND);
	else
		native_requests(depth % (NATIVE_NREQ + 1));
	if (count)
		native_count();
	else
		native_rate(atof(how));
}

/* ---- a disk, written and read back ------------------------------------- */

static void
native_wait(uint64_t n)
{
	uint64_t end = pv_os_now() + 20000000000ull;

	while (native_done < n && pv_os_now() < end)
		os_run(pv_os_now() + 1000000);
	if (native_done < n)
		native_die("requests are not answered");
}

/* All blocks by one operation; 0, or how a request failed. */
static int
native_pass(enum pv_blk_op op)
{
	unsigned int i, at = 0, slot;
	uint8_t *p;

	while (at < NATIVE_CHECK / NATIVE_IO && native_result == 0) {
		native_done = 0;
		for (slot = 0; slot < 16; slot++, at++) {
			p = native_iov[slot].iov_base;
			for (i = 0; i < NATIVE_IO; i++)
				p[i] = op == PV_BLK_WRITE ?
				    (uint8_t)(at * 7 + i / 256 + i) : 0;
			native_req[slot].br_op = op;
			native_req[slot].br_sect = at * 8;
			if (pv_blk_submit(native_blk, &native_req[slot]) != 0)
				return -PV_ENXIO;
		}
		native_wait(16);
		if (native_result != 0)
			break;
		for (slot = 0; op == PV_BLK_READ && slot < 16; slot++) {
			p = native_iov[slot].iov_base;
			for (i = 0; i < NATIVE_IO; i++)
				if (p[i] != (uint8_t)((at - 16 + slot) * 7 +
				    i / 256 + i))
					native_die("wrong data");
		}
	}
	return native_result;
}

static void
native_check(void)
{
	int rv;

	native_again = false;
	native_requests(0);
	printf("disk %llu sectors\n", (unsigned long long)native_blk->bk_nsect);
	if (native_pass(PV_BLK_WRITE) != 0 || native_pass(PV_BLK_READ) != 0)
		native_die("a request failed");
	printf("data good\n");
	fflush(stdout);
	/* Until the back end goes away; each request comes back. */
	while ((rv = native_pass(PV_BLK_READ)) == 0)
		continue;
	printf("back end gone: error %d\n", -rv);
}

/* ---- start ------------------------------------------------------------- */

static void
native_net_up(struct pv_net *nt)
{
	nt->nt_recv = native_recv;
	native_net = nt;
}

static void
native_blk_up(struct pv_blk *bk)
{
	native_blk = bk;
}

static const char *
native_setting(const char *name)
{
	return strcmp(name, "hw.virtio.features_off") == 0 ? native_off :
	    NULL;
}

int
main(int argc, char **argv)
{
	static const struct pv_client client = {
		.pc_net_up = native_net_up, .pc_blk_up = native_blk_up,
		.pc_setting = native_setting
	};
	struct vhost_user_config vc = { .vc_path = NULL };
	struct vhost_user *vu;
	const char *what;

	if (argc > 2 && strcmp(argv[1], "-o") == 0) {
		native_off = argv[2];
		argv += 2, argc -= 2;
	}
	if (argc < 3 || os_init(NATIVE_PAGES) != 0)
		native_die("usage: vq_native [-o FEATURES] net|blk|check "
		    "SOCKET [SECONDS|count] [DEPTH]");
	what = argv[1];
	vc.vc_path = argv[2];
	vc.vc_type = what[0] == 'n' ? NATIVE_TYPE_NET : NATIVE_TYPE_BLK;
	/* qemu-storage-daemon 7.2 does not do without a file to write to. */
	vc.vc_polled = what[0] == 'n';
	if (vhost_user_attach(&vc, &client, &vu) != 0)
		native_die("no device");
	os_run(pv_os_now() + 100000000);
	if (native_net == NULL && native_blk == NULL)
		native_die("the device does not come up");
	if (what[0] == 'c') {
		native_check();
	} else {
		native_measure(argc > 3 ? argv[3] : "count",
		    argc > 4 ? (unsigned int)atoi(argv[4]) : 1);
	}
	vhost_user_detach(vu);
	return 0;
}

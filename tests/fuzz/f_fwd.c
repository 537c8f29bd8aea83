/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f_fwd.c -- rules that are anything, or packets that are.  The input's first
 * byte says which: 0: the rest is a text of rules; else frames of three
 * networks, each behind six bytes: port, flags, size of segments, length.
 * What leaves must be what the port takes, and nothing may be left.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch.h>
#include <fwd/fwd.h>
#include <mm.h>
#include <sync.h>

#define NPORT	4
#define MTU	1500

static const char rules[] =
    "network wan xn0\nnetwork lan vif*\naddress wan 192.0.2.1/24\n"
    "address lan 10.0.0.1/24\naddress lan fd00::1/64\n"
    "address wan 2001:db8::1/64\nroute default via 192.0.2.254\n"
    "nat wan\ndhcp lan 10.0.0.100-10.0.0.199\ndeny proto udp to any port 9\n"
    "allow in lan\nallow proto icmp\nallow proto icmp6\n";

static struct fwd fwd;
static struct fwd_state states[FWD_STATE_N];
static uint32_t seed;

void *
page_alloc(unsigned int npg)
{
	return calloc(npg, PV_PAGE_SIZE);
}

void
page_free(void *p, unsigned int npg)
{
	free(p);
}

void *
kmalloc(size_t len)
{
	return calloc(1, len);
}

void
arch_early_write(const char *text, size_t len)
{
}

unsigned long
spin_lock(struct spinlock *sl)
{
	return 0;
}

void
spin_unlock(struct spinlock *sl, unsigned long s)
{
}

static uint32_t
chance(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void
leave(void *arg, unsigned int port, struct fwd_buf *fb)
{
	const struct fwd_port *pt = &fwd.fw_port[port];
	const struct pv_net_pkt *np = &fb->fb_pkt;
	size_t n = 0;
	unsigned int i;

	if (!pt->pt_used)
		abort();
	for (i = 0; i < np->np_niov; i++)
		n += np->np_iov[i].iov_len;
	if (n != np->np_len || np->np_niov > PV_NET_MAXPIECES)
		abort();
	if (np->np_gso_size != 0 && (pt->pt_offload & PV_NET_CAN_TSO4) == 0)
		abort();
	if ((np->np_flags & PV_NET_CSUM_BLANK) != 0 &&
	    (pt->pt_offload & PV_NET_CAN_CSUM4) == 0)
		abort();
	if (np->np_gso_size == 0 && np->np_len > MTU + 14 + 4)
		abort();
	fwd_buf_free(fb);
}

static void
packet(const uint8_t *head, const uint8_t *p, size_t len)
{
	static uint8_t bytes[65536];
	struct pv_iov iov = { bytes, len };
	struct pv_net_pkt np = { .np_iov = &iov, .np_niov = 1,
	    .np_len = (uint32_t)len };
	struct fwd_buf *fb;

	np.np_flags = head[1] & 3;
	if ((head[1] & 4) != 0) {
		np.np_gso_size = (uint16_t)(head[2] << 4 | 1);
		np.np_gso_type = head[1] >> 6;
	}
	memcpy(bytes, p, len);
	/* Most are for somebody. */
	if ((head[1] & 8) != 0 && len >= 6)
		memcpy(bytes, fwd.fw_net[head[0] % NPORT == 2 ? 0 : 1].nt_mac,
		    6);
	fb = fwd_buf_copy(&np);
	if (fb != NULL)
		fwd_input(&fwd, head[0] % (NPORT + 1), fb, fwd.fw_now + 1000);
}

static void
packets(const uint8_t *data, size_t len)
{
	static const struct fwd_ops ops = { leave, chance };
	static struct fwd_conf co;
	struct fwd_conf_error er;
	struct fwd_buf_stat fs;
	char text[sizeof(rules)];
	uint32_t all = PV_NET_CAN_SG | PV_NET_CAN_CSUM4 | PV_NET_CAN_CSUM6 |
	    PV_NET_CAN_TSO4 | PV_NET_CAN_TSO6 | PV_NET_CAN_USO;
	unsigned int i;
	size_t n;

	memset(&fwd, 0, sizeof(fwd));
	seed = 1;
	fwd_init(&fwd, &ops, NULL, states);
	memcpy(text, rules, sizeof(rules));
	if (fwd_conf_parse(&co, text, &er) != 0)
		abort();
	fwd_configure(&fwd, &co);
	fwd_set_mac(&fwd, 0, (const uint8_t *)"\2rtr\0\1");
	fwd_set_mac(&fwd, 1, (const uint8_t *)"\2rtr\0\2");
	fwd_port_up(&fwd, "self", 0, MTU, all);
	fwd_port_up(&fwd, "self", 1, MTU, all);
	fwd_port_up(&fwd, "xn0", -1, MTU, PV_NET_CAN_SG);
	fwd_port_up(&fwd, "vif1.0", -1, MTU, all);
	fwd_port_up(&fwd, "vif2.0", -1, MTU, 0);
	fwd_tick(&fwd, 1000000000ull * 1000);
	while (len >= 6) {
		n = (size_t)(data[3] << 8 | data[4]);
		n = n < len - 6 ? n : len - 6;
		if (n > 0)
			packet(data, data + 6, n);
		if ((data[5] & 15) == 15)
			fwd_tick(&fwd, fwd.fw_now + 1000000000ull);
		data += 6 + n;
		len -= 6 + n;
	}
	for (i = 0; i < FWD_NPORT; i++) {
		if (fwd.fw_port[i].pt_used)
			fwd_port_down(&fwd, i);
	}
	fwd_buf_stat(&fs);
	if (fs.fs_nbuf != 0 || fs.fs_npage != 0 || fwd.fw_states.ss_count != 0)
		abort();
}

static void
text(const uint8_t *data, size_t len)
{
	static struct fwd_conf co;
	struct fwd_conf_error er;
	char *copy = calloc(1, len + 1);
	size_t n;

	memcpy(copy, data, len);
	if (fwd_conf_parse(&co, copy, &er) == 0) {
		if (co.co_nnet == 0)
			abort();
	} else {
		n = strnlen(er.er_why, sizeof(er.er_why));
		if (n == 0 || n == sizeof(er.er_why))
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int once;

	if (!once++ && fwd_buf_init(512, 256) != 0)
		abort();
	if (len == 0)
		return 0;
	if (data[0] == 0)
		text(data + 1, len - 1);
	else
		packets(data + 1, len - 1);
	return 0;
}

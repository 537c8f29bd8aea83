/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fwd.c -- kernel/fwd: a packet goes in at a port; where it comes out, and
 * as what.
 */

#include "fwd_lab.h"

#include <string.h>

#include <pv/errno.h>

#define NETS "network wan xn0\nnetwork lan vif*\n"			\
	"address wan 192.0.2.1/24\naddress lan 10.0.0.1/24\n"		\
	"address wan 2001:db8::1/64\naddress lan fd00::1/64\n"		\
	"route default via 192.0.2.254\n"
#define PORTS "xn0 vif1.0 vif2.0"
#define SEC 1000000000ull

static struct lab_frame frame;

/* ---- rules ------------------------------------------------------------- */

struct verdict {
	const char	*rules;
	const char	*in;
	struct lab_spec	 sp;
	const char	*out;		/* NULL: dropped */
};

static const struct verdict verdicts[] = {
	{ "", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default deny", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80,
	    FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80,
	    FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow in lan out wan", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000,
	    80, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow in vif1.0 out xn0", "vif1.0", { "10.0.0.5", "198.51.100.1",
	    4000, 80, FWD_UDP, 0, 9, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow in vif2.0 out xn0", "vif1.0", { "10.0.0.5", "198.51.100.1",
	    4000, 80, FWD_UDP, 0, 9, 0, 0, 0, 0, 0 }, NULL },
	{ "allow in vif2.* out xn0", "vif1.0", { "10.0.0.5", "198.51.100.1",
	    4000, 80, FWD_UDP, 0, 9, 0, 0, 0, 0, 0 }, NULL },
	{ "allow in vif1.* out xn0", "vif1.0", { "10.0.0.5", "198.51.100.1",
	    4000, 80, FWD_UDP, 0, 9, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow proto tcp to any port 80", "vif1.0", { "10.0.0.5",
	    "198.51.100.1", 4000, 80, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 },
	    "xn0" },
	{ "allow proto tcp to any port 80", "vif1.0", { "10.0.0.5",
	    "198.51.100.1", 4000, 81, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 },
	    NULL },
	{ "allow proto tcp to any port 80", "vif1.0", { "10.0.0.5",
	    "198.51.100.1", 4000, 80, FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "allow proto udp from any port 4000-4001 to any port 50-60",
	    "vif1.0", { "10.0.0.5", "198.51.100.1", 4001, 53, FWD_UDP, 0, 4, 0,
	    0, 0, 0, 0 }, "xn0" },
	{ "allow proto udp from any port 4000-4001 to any port 50-60",
	    "vif1.0", { "10.0.0.5", "198.51.100.1", 4002, 53, FWD_UDP, 0, 4, 0,
	    0, 0, 0, 0 }, NULL },
	{ "deny to 198.51.100.0/25\nallow", "vif1.0", { "10.0.0.5",
	    "198.51.100.127", 4000, 80, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0,
	    0 }, NULL },
	{ "deny to 198.51.100.0/25\nallow", "vif1.0", { "10.0.0.5",
	    "198.51.100.128", 4000, 80, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0,
	    0 }, "xn0" },
	{ "allow from 10.0.0.5 proto icmp", "vif1.0", { "10.0.0.5",
	    "198.51.100.1", 0x800, 7, FWD_ICMP, 0, 8, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow from 10.0.0.6 proto icmp", "vif1.0", { "10.0.0.5",
	    "198.51.100.1", 0x800, 7, FWD_ICMP, 0, 8, 0, 0, 0, 0, 0 }, NULL },
	{ "allow ip6", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80,
	    FWD_UDP, 0, 4, 0, 0, 0, 0, 0 }, NULL },
	{ "allow ip4", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80,
	    FWD_UDP, 0, 4, 0, 0, 0, 0, 0 }, "xn0" },
	{ "allow proto 6", "vif1.0", { "10.0.0.5", "198.51.100.1", 4000, 80,
	    FWD_TCP, FWD_TCP_ACK, 9, 0, 0, 0, 0, 0 }, "xn0" },
	/* To this domain. */
	{ "allow in lan out wan", "vif1.0", { "10.0.0.5", "10.0.0.1", 4000, 22,
	    FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "allow in lan out self", "vif1.0", { "10.0.0.5", "10.0.0.1", 4000,
	    22, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, "self" },
	{ "allow in lan out self", "vif1.0", { "10.0.0.5", "192.0.2.1", 4000,
	    22, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, "self" },
	{ "allow in lan out self", "vif1.0", { "10.0.0.5", "198.51.100.1",
	    4000, 22, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 }, NULL },
	/* From outside. */
	{ "allow in lan", "xn0", { "198.51.100.1", "10.0.0.5", 80, 4000,
	    FWD_TCP, FWD_TCP_ACK, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "allow in wan to 10.0.0.5 proto tcp", "xn0", { "198.51.100.1",
	    "10.0.0.5", 80, 4000, FWD_TCP, FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 },
	    "vif1.0" },
	/* Addresses that can not be. */
	{ "default allow", "xn0", { "10.0.0.9", "10.0.0.5", 80, 4000, FWD_UDP,
	    0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "198.51.100.7", "192.0.2.9", 80, 4000,
	    FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "127.0.0.1", "192.0.2.9", 80, 4000,
	    FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "192.0.2.1", "192.0.2.9", 80, 4000,
	    FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "10.0.0.1", "192.0.2.9", 80, 4000,
	    FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	{ "default allow", "vif1.0", { "169.254.1.1", "192.0.2.9", 80, 4000,
	    FWD_UDP, 0, 0, 0, 0, 0, 0, 0 }, NULL },
	/* Another's DHCP server. */
	{ "default allow\ndhcp lan 10.0.0.9-10.0.0.10", "vif1.0", {
	    "10.0.0.5", "192.0.2.9", 68, 67, FWD_UDP, 0, 300, 0, 0, 0, 0, 0 },
	    "xn0" },
	/* Within the network. */
	{ "allow in vif1.0 out vif2.0", "vif1.0", { "10.0.0.5", "10.0.0.6",
	    9, 9, FWD_UDP, 0, 0, 0, 0, 0, 0, "10.0.0.6" }, "vif2.0" },
	{ "deny in vif* out vif*\nallow", "vif1.0", { "10.0.0.5", "10.0.0.6",
	    9, 9, FWD_UDP, 0, 0, 0, 0, 0, 0, "10.0.0.6" }, NULL }
};

static void
t_verdicts(void **st)
{
	static char rules[1024];
	const struct verdict *vd;
	unsigned int i;

	for (i = 0; i < PV_NELEM(verdicts); i++) {
		vd = &verdicts[i];
		strcpy(rules, NETS);
		strcat(rules, vd->rules);
		lab_open(rules, PORTS);
		/* Where it lives. */
		lab_send("vif2.0", &(struct lab_spec){ "10.0.0.6", "10.0.0.1",
		    9, 9, FWD_UDP, 0, 0, 0, 0, 0, 0, 0 });
		lab_make(&frame, &vd->sp);
		if (strcmp(vd->in, "xn0") == 0)
			memcpy(frame.lf_byte, lab.fw_net[0].nt_mac, 6);
		else
			memcpy(frame.lf_byte, vd->sp.mac != NULL ?
			    lab_mac(vd->sp.mac) : lab.fw_net[1].nt_mac, 6);
		lab_in(vd->in, &frame);
		if (lab_nout != (vd->out != NULL))
			fail_msg("verdict %u: %s", i, vd->rules);
		if (vd->out != NULL)
			assert_true(lab_right(lab_only(vd->out)));
		lab_close();
	}
}

/* What was allowed is answered, and nothing else comes back. */
static void
t_connection(void **st)
{
	struct lab_spec out = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 };
	struct lab_spec back = { "198.51.100.1", "10.0.0.5", 80, 4000, FWD_TCP,
	    FWD_TCP_SYN | FWD_TCP_ACK, 0, 0, 0, 0, 0, 0 };

	lab_open(NETS "allow in lan", PORTS);
	lab_send("xn0", &back);
	assert_int_equal(lab_nout, 0);
	lab_send("vif1.0", &out);
	lab_is(lab_only("xn0"), &out);
	assert_memory_equal(lab_out[0].lf_byte, lab_mac("192.0.2.254"), 6);
	assert_memory_equal(lab_out[0].lf_byte + 6, lab.fw_net[0].nt_mac, 6);
	assert_int_equal(lab_out[0].lf_byte[14 + 8], 63);
	lab_send("xn0", &back);
	lab_is(lab_only("vif1.0"), &back);
	back.dport = 4001;
	lab_send("xn0", &back);
	assert_int_equal(lab_nout, 0);
	assert_int_equal(lab.fw_conf.co_rule[0].ru_npkt, 1);
	assert_int_equal(lab.fw_conf.co_ndefault, 2);
	/* It ends, and is forgotten. */
	back.dport = 4000;
	back.flags = out.flags = FWD_TCP_FIN | FWD_TCP_ACK;
	lab_send("vif1.0", &out);
	lab_send("xn0", &back);
	assert_int_equal(lab.fw_states.ss_count, 1);
	fwd_tick(&lab, lab_now += 31 * SEC);
	assert_int_equal(lab.fw_states.ss_count, 0);
	lab_send("xn0", &back);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* ---- translation ------------------------------------------------------- */

static void
t_nat(void **st)
{
	static const uint8_t protos[] = { FWD_TCP, FWD_UDP, FWD_ICMP };
	struct lab_spec sp, back;
	unsigned int i, blank, b;
	uint16_t port;

	for (i = 0; i < 6; i++) {
		blank = i % 2;
		if (protos[i / 2] == FWD_ICMP && blank)
			continue;
		lab_open(NETS "nat wan\nallow in lan", PORTS);
		for (b = 5; b < 7; b++) {
			sp = (struct lab_spec){ b == 5 ? "10.0.0.5" :
			    "10.0.0.6", "198.51.100.1", 4000, 80, protos[i / 2],
			    FWD_TCP_SYN, 333, 0, blank, 0, 0, 0 };
			if (sp.proto == FWD_ICMP)
				sp.sport = 0x800;
			lab_send(b == 5 ? "vif1.0" : "vif2.0", &sp);
			sp.from = "192.0.2.1";
			sp.blank = 0;
			/* The second can not have the same port. */
			if (b == 6)
				*(sp.proto == FWD_ICMP ? &sp.dport :
				    &sp.sport) = 0;
			lab_is(lab_only("xn0"), &sp);
			port = (uint16_t)lab_get(lab_out[0].lf_byte + 34 +
			    (sp.proto == FWD_ICMP ? 4 : 0), 2);
			assert_true(b == 5 || port >= 1024);
			back = (struct lab_spec){ "198.51.100.1", "192.0.2.1",
			    80, port, sp.proto, FWD_TCP_ACK, 77, 0, 0, 0, 0,
			    0 };
			if (sp.proto == FWD_ICMP)
				back.sport = 0;
			lab_send("xn0", &back);
			back.to = b == 5 ? "10.0.0.5" : "10.0.0.6";
			back.dport = sp.proto == FWD_ICMP ? 80 : 4000;
			lab_is(lab_only(b == 5 ? "vif1.0" : "vif2.0"), &back);
		}
		/* Nobody has asked for this one. */
		back.to = "192.0.2.1";
		back.dport = 999;
		lab_send("xn0", &back);
		assert_int_equal(lab_nout, 0);
		lab_close();
	}
}

/* A side that fills checksums in gets the pseudo header's of the new. */
static void
t_nat_blank(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_SYN, 100, 0, true, 0, 0, 0 };

	lab_open(NETS "nat wan\nallow in lan", PORTS);
	lab.fw_port[lab_port("xn0")].pt_offload |= PV_NET_CAN_CSUM4;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_only("xn0")->lf_flags, PV_NET_CSUM_BLANK);
	sp.from = "192.0.2.1";
	lab_is(&lab_out[0], &sp);
	assert_int_equal(lab.fw_port[lab_port("xn0")].pt_count.pc_completed,
	    0);
	lab_close();
}

/* An error about a translated packet, quoted as who gets it knows it. */
static void
t_nat_error(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 53, FWD_UDP,
	    0, 40, 0, 0, 0, 0, 0 };
	struct lab_spec er = { "203.0.113.9", "192.0.2.1", 0x301, 0, FWD_ICMP,
	    0, 68, 0, 0, 0, 0, 0 };
	static struct lab_frame sent;

	lab_open(NETS "nat wan\nallow in lan", PORTS);
	lab_send("vif1.0", &sp);
	sent = *lab_only("xn0");
	lab_make(&frame, &er);
	memcpy(frame.lf_byte + 42, sent.lf_byte + 14, 68);
	lab_put(frame.lf_byte + 36, 2, 0);
	lab_put(frame.lf_byte + 36, 2, lab_sum(frame.lf_byte + 34, 76, 0));
	lab_in("xn0", &frame);
	er.to = "10.0.0.5";
	lab_is(lab_only("vif1.0"), &er);
	/* What it quotes is a whole packet, and right. */
	memmove(lab_out[0].lf_byte + 14, lab_out[0].lf_byte + 42, 68);
	lab_out[0].lf_len = 82;
	lab_is(&lab_out[0], &sp);
	/* About something that we never sent. */
	lab_put(frame.lf_byte + 42 + 20, 2, 4001);
	lab_put(frame.lf_byte + 36, 2, 0);
	lab_put(frame.lf_byte + 36, 2, lab_sum(frame.lf_byte + 34, 76, 0));
	lab_in("xn0", &frame);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* A guest's error about an answer does not tell where the guest is. */
static void
t_nat_error_back(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 53, FWD_UDP,
	    0, 40, 0, 0, 0, 0, 0 };
	struct lab_spec back = { "198.51.100.1", "192.0.2.1", 53, 4000,
	    FWD_UDP, 0, 40, 0, 0, 0, 0, 0 };
	struct lab_spec er = { "10.0.0.5", "198.51.100.1", 0x303, 0, FWD_ICMP,
	    0, 68, 0, 0, 0, 0, 0 };
	static struct lab_frame got;

	lab_open(NETS "nat wan\nallow in lan", PORTS);
	lab_send("vif1.0", &sp);
	lab_send("xn0", &back);
	got = *lab_only("vif1.0");
	lab_make(&frame, &er);
	memcpy(frame.lf_byte + 42, got.lf_byte + 14, 68);
	lab_put(frame.lf_byte + 36, 2, 0);
	lab_put(frame.lf_byte + 36, 2, lab_sum(frame.lf_byte + 34, 76, 0));
	lab_in("vif1.0", &frame);
	er.from = "192.0.2.1";
	lab_is(lab_only("xn0"), &er);
	memmove(lab_out[0].lf_byte + 14, lab_out[0].lf_byte + 42, 68);
	lab_out[0].lf_len = 82;
	lab_is(&lab_out[0], &back);
	lab_close();
}

/* Fragments follow the first of them, with its translation. */
static void
t_nat_fragments(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 53, FWD_UDP,
	    0, 400, 0, 0, 0, 0x2000, 0 };

	lab_open(NETS "nat wan\nallow in lan", PORTS);
	sp.frag = 51;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	sp.frag = 0x2000;
	lab_make(&frame, &sp);
	lab_put(frame.lf_byte + 38, 2, 808);	/* UDP's: of the whole */
	lab_in("vif1.0", &frame);
	sp.from = "192.0.2.1";
	lab_is(lab_only("xn0"), &sp);
	sp.from = "10.0.0.5";
	sp.frag = 51;
	lab_send("vif1.0", &sp);
	sp.from = "192.0.2.1";
	sp.sport = sp.dport = 0;
	lab_is(lab_only("xn0"), &sp);
	lab_close();
}

/* ---- offloads ---------------------------------------------------------- */

/* A train that arrives is cut for who can not; what arrives is the same. */
static void
t_cut(void **st)
{
	static const struct lab_spec specs[] = {
		{ "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP, FWD_TCP_ACK |
		    FWD_TCP_PSH, 20001, 1448, true, 0, 0, 0 },
		{ "fd00::5", "2001:db8::9", 4000, 80, FWD_TCP, FWD_TCP_ACK |
		    FWD_TCP_FIN, 65000, 1400, true, 0, 0, 0 },
		{ "10.0.0.5", "198.51.100.1", 4000, 80, FWD_UDP, 0, 9001, 1200,
		    true, 0, 0, 0 },
	};
	const struct lab_spec *sp;
	const struct lab_frame *lf;
	unsigned int i, k, hlen;
	uint32_t at;

	for (i = 0; i < PV_NELEM(specs); i++) {
		sp = &specs[i];
		lab_open(NETS "default allow", PORTS);
		lab_make(&frame, sp);
		hlen = (unsigned int)(frame.lf_len - sp->len);
		/* IPv6 neighbours do not answer here: bridge it. */
		if (i == 1)
			memcpy(frame.lf_byte, lab_mac("fd00::6"), 6);
		lab_in("vif1.0", &frame);
		for (k = 0, at = 0; k < lab_nout; k++) {
			lf = &lab_out[k];
			if (lab.fw_port[lf->lf_port].pt_self ||
			    (i == 1 && lf->lf_port != lab_port("vif2.0")))
				continue;
			assert_true(lf->lf_len <= 1514);
			assert_int_equal(lf->lf_gso, 0);
			assert_int_equal(lf->lf_flags, 0);
			assert_true(lab_right(lf));
			if (sp->proto == FWD_TCP) {
				assert_int_equal(lab_get(lf->lf_byte + hlen -
				    16, 4), 1000 + at);
				assert_int_equal(lf->lf_byte[hlen - 7],
				    at + sp->gso >= sp->len ? sp->flags :
				    FWD_TCP_ACK);
			}
			assert_memory_equal(lf->lf_byte + hlen,
			    frame.lf_byte + hlen + at, lf->lf_len - hlen);
			at += lf->lf_len - hlen;
		}
		assert_int_equal(at, sp->len);
		lab_close();
	}
}

/* Who cuts by itself gets the train whole. */
static void
t_train(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_ACK, 20000, 1448, true, 0, 0, 0 };

	lab_open(NETS "nat wan\nallow", PORTS);
	lab.fw_port[lab_port("xn0")].pt_offload |= PV_NET_CAN_CSUM4 |
	    PV_NET_CAN_TSO4;
	lab_send("vif1.0", &sp);
	sp.from = "192.0.2.1";
	lab_is(lab_only("xn0"), &sp);
	assert_int_equal(lab_out[0].lf_gso, 1448);
	assert_int_equal(lab_out[0].lf_flags, PV_NET_CSUM_BLANK);
	/* Segments that are too large go nowhere, and their sender hears. */
	sp.from = "10.0.0.5";
	sp.gso = 8000;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_only("vif1.0")->lf_byte[34], 3);
	assert_int_equal(lab_out[0].lf_byte[35], 4);
	assert_int_equal(lab_get(lab_out[0].lf_byte + 40, 2), 1500);
	assert_true(lab_right(&lab_out[0]));
	/* Nor one segment with much behind it. */
	sp.gso = 1448;
	lab_make(&frame, &sp);
	lab_put(frame.lf_byte + 16, 2, 140);
	lab_put(frame.lf_byte + 24, 2, 0);
	lab_put(frame.lf_byte + 24, 2, lab_sum(frame.lf_byte + 14, 20, 0));
	lab_in("vif1.0", &frame);
	assert_int_equal(lab_nout, 0);
	/* Nor do thousands of tiny ones. */
	sp.gso = 8;
	lab.fw_port[lab_port("xn0")].pt_offload = PV_NET_CAN_SG;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* Beyond the MTU: fragments, or the sender is told. */
static void
t_mtu(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_UDP,
	    0, 4000, 0, true, 0, 0, 0 };
	static uint8_t whole[8192];
	const uint8_t *ip;
	uint32_t off, n = 0;
	unsigned int i;

	lab_open(NETS "default allow", PORTS);
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 3);
	for (i = 0; i < lab_nout; i++) {
		ip = lab_out[i].lf_byte + 14;
		assert_true(lab_right(&lab_out[i]));
		assert_true(lab_out[i].lf_len <= 1514);
		off = (lab_get(ip + 6, 2) & 0x1fff) * 8;
		assert_int_equal((lab_get(ip + 6, 2) & 0x2000) != 0, i < 2);
		memcpy(whole + 20 + off, ip + 20, lab_get(ip + 2, 2) - 20);
		n += lab_get(ip + 2, 2) - 20;
	}
	assert_int_equal(n, 4008);
	memcpy(frame.lf_byte + 14, lab_out[0].lf_byte + 14, 20);
	memcpy(frame.lf_byte + 34, whole + 20, 4008);
	ip = frame.lf_byte + 14;
	lab_put(frame.lf_byte + 16, 2, 4028);
	lab_put(frame.lf_byte + 20, 2, 0);
	lab_put(frame.lf_byte + 24, 2, 0);
	lab_put(frame.lf_byte + 24, 2, lab_sum(ip, 20, 0));
	frame.lf_flags = 0;
	assert_true(lab_right(&frame));
	sp.frag = 0x4000;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_only("vif1.0")->lf_byte[34], 3);
	assert_int_equal(lab_get(lab_out[0].lf_byte + 40, 2), 1500);
	lab_close();
}

/* ---- the bridge -------------------------------------------------------- */

static void
t_bridge(void **st)
{
	struct lab_spec ab = { "10.0.0.5", "10.0.0.6", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.6" };
	struct lab_spec ba = { "10.0.0.6", "10.0.0.5", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.5" };
	struct lab_spec all = { "10.0.0.5", "10.0.0.255", 9, 9, FWD_UDP, 0, 9,
	    0, true, 0, 0, "all" };

	lab_open("network all *\n default allow\n", "eth0 eth1 eth2");
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 3);		/* with self */
	lab_send("eth1", &ba);
	lab_is(lab_only("eth0"), &ba);
	lab_send("eth0", &ab);
	lab_is(lab_only("eth1"), &ab);
	lab_send("eth0", &all);
	assert_int_equal(lab_nout, 3);
	assert_true(lab_right(&lab_out[0]) && lab_right(&lab_out[1]) &&
	    lab_right(&lab_out[2]));
	/* It has moved. */
	lab_send("eth2", &ba);
	lab_send("eth0", &ab);
	lab_is(lab_only("eth2"), &ab);
	/* Both behind one port. */
	lab_send("eth2", &ab);
	assert_int_equal(lab_nout, 0);
	fwd_port_down(&lab, lab_port("eth2"));
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 2);
	/* Forgotten after a while. */
	lab_send("eth1", &ba);
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 1);
	fwd_tick(&lab, lab_now += 400 * SEC);
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 2);
	/* Without rules nothing is kept of connections. */
	assert_int_equal(lab.fw_states.ss_nmade, 0);
	lab_close();
}

/* One port does not fill the table; nobody pretends to be us. */
static void
t_bridge_flood(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "10.0.0.6", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.6" };
	unsigned int i;

	lab_open("network all *\ndefault allow\n", "eth0 eth1");
	lab_send("eth1", &(struct lab_spec){ "10.0.0.6", "10.0.0.5", 9, 9,
	    FWD_UDP, 0, 9, 0, 0, 0, 0, "10.0.0.5" });
	lab_make(&frame, &sp);
	for (i = 0; i < 5000; i++) {
		lab_put(frame.lf_byte + 8, 4, i * 2654435761u);
		lab_in("eth0", &frame);
	}
	assert_true(lab.fw_mac.mt_count[lab_port("eth0")] <= FWD_MAC_N / 4);
	lab_in("eth0", &frame);
	(void)lab_only("eth1");
	memcpy(frame.lf_byte + 6, lab.fw_net[0].nt_mac, 6);
	lab_in("eth0", &frame);
	assert_int_equal(lab_nout, 0);
	frame.lf_byte[6] = 1;
	lab_in("eth0", &frame);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/*
 * A connection to one port is none to another: neither by another Ethernet
 * address nor in a packet for all.
 */
static void
t_bridge_ports(void **st)
{
	struct lab_spec ab = { "10.0.0.5", "10.0.0.6", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.6" };
	struct lab_spec ba = { "10.0.0.6", "10.0.0.5", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.5" };
	struct lab_spec ca = { "10.0.0.7", "10.0.0.5", 9, 9, FWD_UDP, 0, 9, 0,
	    0, 0, 0, "10.0.0.5" };

	lab_open("network all *\nallow in eth0 out eth2\n"
	    "allow in eth0 out self\n", "eth0 eth1 eth2");
	lab_send("eth1", &ba);
	lab_send("eth2", &ca);
	assert_int_equal(lab_nout, 0);
	ab.mac = "10.0.0.7";
	lab_send("eth0", &ab);
	lab_is(lab_only("eth2"), &ab);
	ab.mac = "10.0.0.6";
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 0);
	lab_send("eth1", &ba);
	assert_int_equal(lab_nout, 0);
	ab.mac = "all";
	lab_send("eth0", &ab);
	assert_int_equal(lab_nout, 2);
	assert_true(lab_out[0].lf_port != lab_port("eth1") &&
	    lab_out[1].lf_port != lab_port("eth1"));
	/* The real one works, also where its first packet went to all. */
	ab.to = "10.0.0.7";
	lab_send("eth0", &ab);
	ab.mac = "10.0.0.7";
	lab_send("eth0", &ab);
	lab_is(lab_only("eth2"), &ab);
	lab_send("eth2", &ca);
	lab_is(lab_only("eth0"), &ca);
	lab_close();
}

/* ---- the router -------------------------------------------------------- */

static void
t_errors(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_UDP,
	    0, 9, 0, 0, 1, 0, 0 };
	unsigned int i;

	lab_open(NETS "default allow", PORTS);
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_only("vif1.0")->lf_byte[34], 11);
	lab_is(&lab_out[0], &(struct lab_spec){ "10.0.0.1", "10.0.0.5", 0, 0,
	    FWD_ICMP, 0, 0, 0, 0, 0, 0, 0 });
	/* A neighbour that is not there: told after a while. */
	sp.ttl = 64;
	sp.to = "192.0.2.66";
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	for (i = 0; i < 5 && lab_nout == 0; i++)
		fwd_tick(&lab, lab_now += SEC);
	assert_int_equal(lab_only("vif1.0")->lf_byte[34], 3);
	assert_int_equal(lab_out[0].lf_byte[35], 1);
	/* Errors about errors there are none. */
	sp.ttl = 1;
	sp.proto = FWD_ICMP;
	sp.sport = 0x301;
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	/* Nor more than a hundred a second. */
	sp.proto = FWD_UDP;
	for (i = 0; i < 200; i++)
		lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	assert_true(lab.fw_errors <= 103);
	lab_close();
}

/* Who looks for hosts that are not there does not take all memory. */
static void
t_scan(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "192.0.2.66", 4000, 80, FWD_UDP, 0,
	    9, 0, 0, 0, 0, 0 };
	struct fwd_buf_stat fs;
	unsigned int i;

	lab_open(NETS "default allow", PORTS);
	for (i = 0; i < 20; i++)
		lab_send("vif1.0", &sp);
	fwd_buf_stat(&fs);
	assert_int_equal(fs.fs_nbuf, FWD_NEIGH_WAIT);
	sp.from = "192.0.2.8";
	for (i = 0; i < 2000; i++) {
		lab_make(&frame, &sp);
		memcpy(frame.lf_byte, lab.fw_net[0].nt_mac, 6);
		lab_put(frame.lf_byte + 30, 4, 0x0a000000u | (i % 200 + 8));
		lab_put(frame.lf_byte + 24, 2, 0);
		lab_put(frame.lf_byte + 24, 2, lab_sum(frame.lf_byte + 14, 20,
		    0));
		lab.fw_port[lab_port("vif1.0")].pt_mtu = 0;	/* no ARP */
		lab.fw_port[lab_port("vif2.0")].pt_mtu = 0;
		lab_in("xn0", &frame);
	}
	fwd_buf_stat(&fs);
	assert_int_equal(fs.fs_nbuf, FWD_NEIGH_ALL);
	for (i = 0; i < 5; i++)
		fwd_tick(&lab, lab_now += SEC);
	fwd_buf_stat(&fs);
	assert_int_equal(fs.fs_nbuf, 0);
	assert_int_equal(lab.fw_nwait, 0);
	lab_close();
}

/* This domain's own DHCP works whatever the rules say, where it asks. */
static void
t_own_dhcp(void **st)
{
	struct lab_spec sp = { "192.0.2.254", "255.255.255.255", 67, 68,
	    FWD_UDP, 0, 300, 0, false, 0, 0, "all" };

	lab_open("network wan xn0\nnetwork lan vif*\n"
	    "address lan 10.0.0.1/24\nnat wan\n", PORTS);
	lab_send("xn0", &sp);
	lab_is(lab_only("self"), &sp);
	sp.to = "192.0.2.7";
	sp.mac = NULL;
	lab_send("xn0", &sp);
	lab_is(lab_only("self"), &sp);
	sp.from = "10.0.0.5";
	sp.to = "10.0.0.1";
	lab_send("vif1.0", &sp);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* The table of connections is bounded, and those that work stay. */
static void
t_states(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_SYN, 0, 0, 0, 0, 0, 0 };
	struct lab_spec back = { "198.51.100.1", "10.0.0.5", 80, 4000, FWD_TCP,
	    FWD_TCP_ACK, 0, 0, 0, 0, 0, 0 };
	unsigned int i;

	lab_open(NETS "allow in lan", PORTS " vif3.0");
	lab_send("vif1.0", &sp);
	lab_send("xn0", &back);
	for (i = 0; i < 3 * FWD_STATE_N; i++) {
		lab_make(&frame, &sp);
		lab_put(frame.lf_byte + 34, 2, 1 + i % 60000);
		frame.lf_byte[29] = (uint8_t)(6 + i % 4);
		lab_put(frame.lf_byte + 24, 2, 0);
		lab_put(frame.lf_byte + 24, 2, lab_sum(frame.lf_byte + 14, 20,
		    0));
		lab_in(i < FWD_STATE_N ? "vif2.0" : "vif3.0", &frame);
		if (i == FWD_STATE_N)
			assert_int_equal(lab.fw_states.ss_nrefused,
			    FWD_STATE_N / 2);
	}
	assert_int_equal(lab.fw_states.ss_count, FWD_STATE_N);
	assert_int_equal(lab.fw_states.ss_ofport[lab_port("vif3.0")],
	    FWD_STATE_N / 2);
	assert_true(lab.fw_states.ss_nevicted > 0);
	lab_send("xn0", &back);
	lab_is(lab_only("vif1.0"), &back);
	lab_close();
}

/* Without memory packets are lost, and nothing else. */
static void
t_memory(void **st)
{
	struct lab_spec sp = { "10.0.0.5", "198.51.100.1", 4000, 80, FWD_TCP,
	    FWD_TCP_ACK, 60000, 1448, true, 0, 0, 0 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		lab_open(NETS "nat wan\nallow", PORTS);
		lab_send("vif1.0", &sp);
		assert_true(lab_nout > 0);
		lab_nomem = 1;
		lab_send("vif1.0", &sp);
		lab_send("vif1.0", &sp);
		lab_nomem = 0;
		lab_send("vif1.0", &sp);
		assert_true(lab_nout > 40);
		lab_close();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_verdicts),
		cmocka_unit_test(t_connection),
		cmocka_unit_test(t_nat),
		cmocka_unit_test(t_nat_blank),
		cmocka_unit_test(t_nat_error),
		cmocka_unit_test(t_nat_error_back),
		cmocka_unit_test(t_nat_fragments),
		cmocka_unit_test(t_cut),
		cmocka_unit_test(t_train),
		cmocka_unit_test(t_mtu),
		cmocka_unit_test(t_bridge),
		cmocka_unit_test(t_bridge_flood),
		cmocka_unit_test(t_bridge_ports),
		cmocka_unit_test(t_errors),
		cmocka_unit_test(t_scan),
		cmocka_unit_test(t_own_dhcp),
		cmocka_unit_test(t_states),
		cmocka_unit_test(t_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

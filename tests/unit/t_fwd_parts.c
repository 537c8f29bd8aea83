/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fwd_parts.c -- kernel/fwd: addresses as text, rules that are wrong, the
 * DHCP server, neighbours and announcements of IPv6, errors.
 */

#include "fwd_lab.h"

#include <string.h>

#include <pv/errno.h>

#include <fwd/fwd_nat.h>

#define SEC 1000000000ull
#define LAN "network lan vif*\naddress lan 10.0.0.1/24\n"		\
	"address lan fd00::1/64\n"

/* ---- addresses --------------------------------------------------------- */

static void
t_addresses(void **st)
{
	static const char *const texts[][2] = {
		{ "10.0.0.1", "10.0.0.1" }, { "255.255.255.255",
		    "255.255.255.255" }, { "::", "::" }, { "::1", "::1" },
		{ "fe80::1:2", "fe80::1:2" }, { "1:2:3:4:5:6:7:8",
		    "1:2:3:4:5:6:7:8" }, { "2001:DB8:0:0:1::",
		    "2001:db8:0:0:1::" },
		{ "1:0:0:2:0:0:0:3", "1:0:0:2::3" }, { "1::", "1::" },
		{ "0:1:0:0:0:0:0:0", "0:1::" },
		{ "256.0.0.1", NULL }, { "1.2.3", NULL }, { "1.2.3.4.5", NULL },
		{ "1.2.3.", NULL }, { "", NULL }, { ":", NULL },
		{ ":::", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL }, { "1::2::3", NULL },
		{ "12345::", NULL }, { "1:2:3:4:5:6:7:8::", NULL },
		{ "g::", NULL }, { "1:", NULL }, { ":1", NULL },
		{ "1:2:3:4:5:6:7:", NULL }, { "0001.2.3.4", NULL }
	};
	char text[FWD_ADDR_TEXT];
	struct fwd_addr ad;
	unsigned int i, v;

	for (i = 0; i < PV_NELEM(texts); i++) {
		v = fwd_addr_parse(texts[i][0], &ad);
		if ((v != 0) != (texts[i][1] != NULL))
			fail_msg("%s: %u", texts[i][0], v);
		if (v == 0)
			continue;
		fwd_addr_text(&ad, v, text);
		assert_string_equal(text, texts[i][1]);
	}
}

static void
t_prefixes(void **st)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.1.2", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.128/25", "10.0.0.127", false },
		{ "10.0.0.128/25", "10.0.0.128", true },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "0.0.0.0/0", "::1", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "fd00::/15", "fd01:1::", true },
		{ "fd00::/16", "fd01:1::", false },
		{ "2001:db8::/127", "2001:db8::1", true },
		{ "2001:db8::/127", "2001:db8::2", false }
	};
	struct fwd_prefix pr;
	struct fwd_addr ad;
	unsigned int i;

	for (i = 0; i < PV_NELEM(cases); i++) {
		assert_true(fwd_addr_prefix(cases[i].prefix, &pr));
		if (fwd_addr_in(&pr, &ad, fwd_addr_parse(cases[i].addr, &ad)) !=
		    cases[i].in)
			fail_msg("%s %s", cases[i].prefix, cases[i].addr);
	}
	assert_false(fwd_addr_prefix("10.0.0.0/33", &pr));
	assert_false(fwd_addr_prefix("10.0.0.0/", &pr));
	assert_false(fwd_addr_prefix("::/129", &pr));
	assert_false(fwd_addr_prefix("/8", &pr));
}

/* ---- rules ------------------------------------------------------------- */

static const struct {
	const char	*text;
	unsigned int	 line;
	const char	*why;
} wrong[] = {
	{ "", 0, "no line" },
	{ "allow\n", 0, "no line" },
	{ "netwrk lan vif*\n", 1, "none of network" },
	{ "network lan\n", 1, "missing" },
	{ "network lan vif*\nnetwork lan xn*\n", 2, "twice" },
	{ "network self vif*\n", 1, "itself" },
	{ "network aaaaaaaaaaaaaaaaa x\n", 1, "too long" },
	{ "network a 1 2 3 4 5 6 7 8 9\n", 1, "eight members" },
	{ "# x\n\nnetwork lan vif*\naddress wan dhcp\n", 4, "\"wan\"" },
	{ "network l v\naddress l 10.0.0.1\n", 2, "10.137" },
	{ "network l v\naddress l 224.0.0.1/24\n", 2, "10.137" },
	{ "network l v\ndhcp l 10.0.0.2-10.0.0.9\n", 2, "fixed" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.0.9-10.0.0.2"
	    "\n", 3, "FIRST-LAST" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.1.2-10.0.1.9"
	    "\n", 3, "not of the network" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.0.0-10.0.0.9"
	    "\n", 3, "no host's" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.0.2-"
	    "10.0.0.255\n", 3, "no host's" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.0.2-10.0.0.9"
	    "\naddress l 10.0.0.1/29\n", 4, "above" },
	{ "network l v\naddress l 10.0.0.1/24\ndhcp l 10.0.0.2-10.0.0.9"
	    " lease 5\n", 3, "60 at least" },
	{ "network l v\nnat l from ::/0\n", 2, "IPv4" },
	{ "network l v\nroute default 1.2.3.4 x\n", 2, "via" },
	{ "network l v\nroute ::/0 via 1.2.3.4\n", 2, "same version" },
	{ "network l v\nroute default via fe80::1\n", 2, "which" },
	{ "network l v\nroute default via fe80::1 on w\n", 2, "\"w\"" },
	{ "network l v\nallow tcp\n", 2, "none of in" },
	{ "network l v\nallow proto tcpp\n", 2, "protocol" },
	{ "network l v\nallow proto\n", 2, "belongs" },
	{ "network l v\nallow from\n", 2, "belongs" },
	{ "network l v\nallow from any port\n", 2, "belongs" },
	{ "network l v\nallow from any port 80\n", 2, "proto tcp" },
	{ "network l v\nallow proto udp from any port 90-80\n", 2,
	    "range" },
	{ "network l v\nallow proto udp from any port 65536\n", 2,
	    "no port" },
	{ "network l v\nallow from ::/0 to 1.2.3.4\n", 2, "another" },
	{ "network l v\ndefault maybe\n", 2, "neither" },
	{ "network l v\nhost 00:16 1.2.3.4\n", 2, "Ethernet" },
	{ "network l v\nallow in\a\x80\n", 2, "??" }
};

static void
t_wrong(void **st)
{
	static struct fwd_conf co;
	struct fwd_conf_error er;
	static char text[256];
	unsigned int i;

	for (i = 0; i < PV_NELEM(wrong); i++) {
		strcpy(text, wrong[i].text);
		assert_int_equal(fwd_conf_parse(&co, text, &er), -PV_EINVAL);
		if (er.er_line != wrong[i].line ||
		    strstr(er.er_why, wrong[i].why) == NULL)
			fail_msg("%s: line %u: %s", wrong[i].text, er.er_line,
			    er.er_why);
	}
}

/* As many as there may be, and one more. */
static void
t_many(void **st)
{
	static struct fwd_conf co;
	struct fwd_conf_error er;
	static char text[8192];
	unsigned int i;

	strcpy(text, "network l v\n");
	for (i = 0; i < FWD_NRULE; i++)
		strcat(text, "allow proto tcp\n");
	assert_int_equal(fwd_conf_parse(&co, text, &er), 0);
	assert_int_equal(co.co_nrule, FWD_NRULE);
	strcpy(text, "network l v\n");
	for (i = 0; i <= FWD_NRULE; i++)
		strcat(text, "allow proto tcp\n");
	assert_int_equal(fwd_conf_parse(&co, text, &er), -PV_EINVAL);
	assert_int_equal(er.er_line, FWD_NRULE + 2);
}

/* ---- DHCP -------------------------------------------------------------- */

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };

static struct lab_frame frame;

/* A client's message; addresses 0: not said.  The answer's type, or 0. */
static unsigned int
ask(unsigned int client, unsigned int type, uint32_t want, uint32_t ciaddr,
    uint32_t server)
{
	struct lab_spec sp = { ciaddr != 0 ? "10.0.0.9" : "0.0.0.0",
	    "255.255.255.255", 68, 67, FWD_UDP, 0, 260, 0, false, 0, 0,
	    "all" };
	uint8_t *m = frame.lf_byte + 42, *p = m + 240;
	const struct lab_frame *lf;

	lab_make(&frame, &sp);
	memset(m, 0, 260);
	m[0] = m[1] = 1;
	m[2] = 6;
	lab_put(m + 4, 4, 0xdeadbeef);
	lab_put(m + 12, 4, ciaddr);
	frame.lf_byte[6] = m[28] = 2;
	frame.lf_byte[7] = m[29] = 0;
	lab_put(frame.lf_byte + 8, 4, client);
	lab_put(m + 30, 4, client);
	lab_put(m + 236, 4, 0x63825363);
	*p++ = 53;
	*p++ = 1;
	*p++ = (uint8_t)type;
	if (want != 0) {
		lab_put(p, 2, 0x3204);
		lab_put(p + 2, 4, want);
		p += 6;
	}
	if (server != 0) {
		lab_put(p, 2, 0x3604);
		lab_put(p + 2, 4, server);
		p += 6;
	}
	*p = 255;
	frame.lf_byte[40] = frame.lf_byte[41] = 0;
	lab_in("vif1.0", &frame);
	if (lab_nout == 0)
		return 0;
	lf = lab_only("vif1.0");
	assert_true(lab_right(lf));
	m = lab_out[0].lf_byte + 42;
	assert_int_equal(lab_get(m + 4, 4), 0xdeadbeef);
	assert_int_equal(lab_get(m + 30, 4), client);
	assert_int_equal(m[240], 53);
	return m[242];
}

/* The address in the answer. */
static uint32_t
yours(void)
{
	return lab_get(lab_out[0].lf_byte + 42 + 16, 4);
}

/* An option of the answer as a number, or 0. */
static uint32_t
option(unsigned int which)
{
	const uint8_t *p = lab_out[0].lf_byte + 42 + 240;

	for (; *p != 255; p += 2 + p[1]) {
		if (p[0] == which && p[1] == 4)
			return lab_get(p + 2, 4);
	}
	return 0;
}

#define ADDR(n)	(0x0a000000u + (n))

static void
t_dhcp(void **st)
{
	lab_open(LAN "dhcp lan 10.0.0.100-10.0.0.101 dns 9.9.9.9 lease 600\n"
	    "host 02:00:00:00:00:63 10.0.0.50\n", "vif1.0 vif2.0");
	assert_int_equal(ask(1, DISCOVER, 0, 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(100));
	assert_int_equal(option(1), 0xffffff00);
	assert_int_equal(option(3), ADDR(1));
	assert_int_equal(option(6), 0x09090909);
	assert_int_equal(option(51), 600);
	assert_int_equal(option(54), ADDR(1));
	/* Who has taken another's offer has no need of ours. */
	assert_int_equal(ask(1, REQUEST, ADDR(100), 0, ADDR(7)), 0);
	assert_int_equal(ask(1, REQUEST, ADDR(100), 0, ADDR(1)), ACK);
	assert_int_equal(yours(), ADDR(100));
	/* Another gets another, and a third nothing. */
	assert_int_equal(ask(2, DISCOVER, ADDR(100), 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(101));
	assert_int_equal(ask(3, DISCOVER, 0, 0, 0), 0);
	/* An offer that nobody took is made to the next. */
	fwd_tick(&lab, lab_now += 61 * SEC);
	assert_int_equal(ask(3, DISCOVER, 0, 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(101));
	assert_int_equal(ask(3, REQUEST, ADDR(101), 0, ADDR(1)), ACK);
	assert_int_equal(ask(2, REQUEST, ADDR(101), 0, ADDR(1)), NAK);
	/* Renewed; addresses of elsewhere are not. */
	assert_int_equal(ask(1, REQUEST, 0, ADDR(100), 0), ACK);
	assert_int_equal(ask(1, REQUEST, ADDR(9), 0, 0), NAK);
	/* The one that was chosen for it, in the range or not. */
	assert_int_equal(ask(0x63, DISCOVER, ADDR(100), 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(50));
	assert_int_equal(ask(0x63, REQUEST, ADDR(50), 0, ADDR(1)), ACK);
	/* Given back, it is another's. */
	assert_int_equal(ask(3, RELEASE, 0, ADDR(101), ADDR(1)), 0);
	assert_int_equal(ask(2, DISCOVER, 0, 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(101));
	assert_int_equal(ask(2, REQUEST, ADDR(101), 0, ADDR(1)), ACK);
	/* Somebody else has it: nobody gets it for a while. */
	assert_int_equal(ask(2, DECLINE, ADDR(101), 0, ADDR(1)), 0);
	assert_int_equal(ask(2, DISCOVER, 0, 0, 0), 0);
	assert_int_equal(ask(1, INFORM, 0, ADDR(100), 0), ACK);
	assert_int_equal(yours(), 0);
	/* A lease ends. */
	fwd_tick(&lab, lab_now += 601 * SEC);
	assert_int_equal(ask(4, DISCOVER, 0, 0, 0), OFFER);
	lab_close();
	/* After a restart it gets what it had. */
	lab_open(LAN "dhcp lan 10.0.0.100-10.0.0.101\n", "vif1.0");
	assert_int_equal(ask(2, REQUEST, ADDR(101), 0, 0), ACK);
	assert_int_equal(ask(1, DISCOVER, ADDR(101), 0, 0), OFFER);
	assert_int_equal(yours(), ADDR(100));
	lab_close();
}

/* One guest does not take all addresses by names that it makes up. */
static void
t_dhcp_greedy(void **st)
{
	lab_open(LAN "dhcp lan 10.0.0.100-10.0.0.101\n", "vif1.0");
	assert_int_equal(ask(1, DISCOVER, 0, 0, 0), OFFER);
	frame.lf_byte[42 + 33] = 9;		/* another's chaddr */
	lab_in("vif1.0", &frame);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* Put a tag into the frame. */
static void
tag(uint16_t tci)
{
	uint8_t *p = frame.lf_byte;

	memmove(p + 16, p + 12, frame.lf_len - 12);
	lab_put(p + 12, 2, 0x8100);
	lab_put(p + 14, 2, tci);
	frame.lf_len += 4;
}

/* A question in a VLAN is not ours to answer, to all or to us alone. */
static void
t_dhcp_vlan(void **st)
{
	uint8_t *p = frame.lf_byte;

	lab_open(LAN "dhcp lan 10.0.0.100-10.0.0.101\nallow in lan\n",
	    "vif1.0 vif2.0");
	assert_int_equal(ask(1, DISCOVER, 0, 0, 0), OFFER);
	tag(7);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab.fw_dhcp.dh_nask, 1);
	assert_true(lab_nout > 0);		/* the others hear it */
	assert_int_equal(lab_out[0].lf_len, frame.lf_len);
	assert_int_not_equal(lab_out[0].lf_port, lab_port("vif1.0"));
	memcpy(p, lab.fw_net[0].nt_mac, 6);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab.fw_dhcp.dh_nask, 1);
	assert_int_equal(lab_nout, 0);
	lab_close();
}

/* ---- tags that tell of a priority alone -------------------------------- */

#define WAN "network wan xn0\naddress wan 192.0.2.1/24\n"		\
	"route 0.0.0.0/0 via 192.0.2.254\ndefault allow\n"

/* What is in VLAN 0 is answered, routed and bridged as if it had no tag. */
static void
t_priority(void **st)
{
	static const struct lab_spec out = { "10.0.0.5", "198.51.100.1", 4000,
	    80, FWD_TCP, FWD_TCP_ACK, 3000, 1000, true, 0, 0, NULL };
	static const struct lab_spec across = { "10.0.0.5", "10.0.0.6", 9, 9,
	    FWD_UDP, 0, 9000, 0, false, 0, 0, "all" };
	static struct lab_frame was;
	struct lab_frame *lf;

	lab_open(WAN LAN "dhcp lan 10.0.0.100-10.0.0.101\n",
	    "vif1.0 vif2.0 xn0");
	assert_int_equal(ask(1, DISCOVER, 0, 0, 0), OFFER);
	tag(0xe000);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab.fw_dhcp.dh_nask, 2);
	assert_int_equal(lab_only("vif1.0")->lf_byte[42 + 242], OFFER);
	/* A train, through the router. */
	lab.fw_port[lab_port("xn0")].pt_offload |= PV_NET_CAN_CSUM4 |
	    PV_NET_CAN_TSO4;
	lab_make(&frame, &out);
	tag(0x2000);
	lab_in("vif1.0", &frame);
	lf = lab_only("xn0");
	assert_true(lab_right(lf));
	assert_int_equal(lf->lf_gso, 1000);
	assert_int_equal(lab_get(lf->lf_byte + 12, 2), FWD_TYPE_IP4);
	/* To the others of the network, over pages. */
	lab.fw_port[lab_port("vif1.0")].pt_mtu =
	    lab.fw_port[lab_port("vif2.0")].pt_mtu =
	    lab.fw_port[lab.fw_net[1].nt_self].pt_mtu = 9100;
	lab_make(&frame, &across);
	was = frame;
	tag(0);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab_nout, 2);
	assert_int_equal(lab_out[0].lf_len, was.lf_len);
	assert_memory_equal(lab_out[0].lf_byte, was.lf_byte, was.lf_len);
	lab_close();
}

/* Without memory for it such a packet is lost, and nothing else; a tag alone
   is nothing. */
static void
t_priority_lost(void **st)
{
	struct fwd_port_count *pc;
	struct fwd_buf *fb, *all = NULL, *next;
	struct pv_iov iov = { frame.lf_byte, 18 };
	struct pv_net_pkt np = { .np_iov = &iov, .np_niov = 1, .np_len = 18 };

	lab_open(LAN, "vif1.0 vif2.0");
	pc = &lab.fw_port[lab_port("vif1.0")].pt_count;
	memset(frame.lf_byte, 0, 18);
	frame.lf_byte[6] = 2;
	lab_put(frame.lf_byte + 12, 2, 0x8100);
	fb = fwd_buf_copy(&np);
	lab_nomem = 1;
	while ((next = fwd_buf_copy(&np)) != NULL) {
		next->fb_next = all;
		all = next;
	}
	fwd_input(&lab, lab_port("vif1.0"), fb, lab_now);
	for (lab_nomem = 0; all != NULL; all = next) {
		next = all->fb_next;
		fwd_buf_free(all);
	}
	assert_int_equal(pc->pc_lost, 1);
	for (iov.iov_len = 14; iov.iov_len < 19; iov.iov_len++) {
		np.np_len = (uint32_t)iov.iov_len;
		fwd_input(&lab, lab_port("vif1.0"), fwd_buf_copy(&np),
		    lab_now);
	}
	assert_int_equal(pc->pc_rxpkt, 6);
	lab_close();
}

/* ---- IPv6 -------------------------------------------------------------- */

static void
t_radv(void **st)
{
	struct lab_spec sp = { "fe80::5", "ff02::2", 0x8500, 0, FWD_ICMP6, 0,
	    0, 0, false, 255, 0, NULL };
	const uint8_t *p;

	lab_open(LAN, "vif1.0");
	lab_make(&frame, &sp);
	memcpy(frame.lf_byte, "\x33\x33\0\0\0\2", 6);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab_nout, 1);		/* no more than one in 3 s */
	fwd_tick(&lab, lab_now += 4 * SEC);
	lab_in("vif1.0", &frame);
	assert_int_equal(lab_nout, 2);
	assert_true(lab_right(&lab_out[0]));
	p = lab_out[0].lf_byte + 54;
	assert_int_equal(p[0], 134);
	assert_int_equal(p[24], 3);
	assert_int_equal(p[26], 64);
	assert_int_equal(lab_get(p + 40, 2), 0xfd00);
	assert_int_equal(lab_out[0].lf_byte[14 + 7], 255);
	lab_close();
}

/* The router asks for a neighbour, and what waited goes there. */
static void
t_neighbour6(void **st)
{
	struct lab_spec sp = { "2001:db8::9", "fd00::5", 9, 9, FWD_UDP, 0, 9,
	    0, false, 0, 0, NULL };
	struct lab_spec na = { "fd00::5", "fe80::72:74ff:fe72:1", 0x8800, 0,
	    FWD_ICMP6, 0, 24, 0, false, 255, 0, NULL };
	const uint8_t *p;

	lab_open("network wan xn0\naddress wan 2001:db8::1/64\n" LAN
	    "default allow\n", "xn0 vif1.0");
	lab_send("xn0", &sp);
	p = lab_only("vif1.0")->lf_byte;
	assert_true(lab_right(&lab_out[0]));
	assert_memory_equal(p, "\x33\x33\xff\0\0\5", 6);
	assert_int_equal(p[54], 135);
	lab_make(&frame, &na);
	p = frame.lf_byte;
	memcpy(frame.lf_byte + 54 + 8, p + 22, 16);
	memset(frame.lf_byte + 54 + 24, 0, 8);
	frame.lf_byte[54 + 24] = 2;
	frame.lf_byte[54 + 25] = 1;
	memcpy(frame.lf_byte + 54 + 26, "\2\1\2\3\4\5", 6);
	lab_in("vif1.0", &frame);
	/* The answer is self's, too. */
	assert_int_equal(lab_nout, 2);
	p = lab_out[0].lf_port == lab_port("vif1.0") ? lab_out[0].lf_byte :
	    lab_out[1].lf_byte;
	assert_memory_equal(p, "\2\1\2\3\4\5", 6);
	lab_send("xn0", &sp);
	lab_is(lab_only("vif1.0"), &sp);
	lab_close();
}

/* ---- errors ------------------------------------------------------------ */

/* A packet without ports that an error quotes may end with IP's header. */
static void
t_error_end(void **st)
{
	static struct lab_frame lf;
	struct lab_spec sp = { "10.0.0.6", "10.0.0.5", 0x302, 0, FWD_ICMP, 0,
	    20, 0, 0, 0, 0, 0 };
	struct pv_iov iov = { lf.lf_byte, 0 };
	struct pv_net_pkt np = { .np_iov = &iov, .np_niov = 1 };
	uint8_t *quote = lf.lf_byte + 42;
	struct fwd_key leave, quoted;
	struct fwd_hdr hd, in;

	lab_make(&lf, &sp);
	memcpy(quote, lf.lf_byte + 14, 20);
	lab_put(quote + 2, 2, 28);
	quote[9] = 47;
	memset(lf.lf_byte + lf.lf_len, 0xaa, 8);
	iov.iov_len = np.np_len = lf.lf_len;
	assert_int_equal(fwd_hdr_parse(&hd, &np), 0);
	assert_int_equal(fwd_hdr_quoted(&in, quote, 20, 4), 0);
	fwd_state_key(&leave, &hd, 0);
	fwd_state_key(&quoted, &in, 0);
	quoted.ky_src.ad_byte[3] = 9;
	fwd_nat_error(&np, &hd, &leave, &quoted);
	assert_int_equal(quote[15], 9);
	assert_memory_equal(quote + 20, "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
	assert_true(lab_right(&lf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_addresses),
		cmocka_unit_test(t_prefixes),
		cmocka_unit_test(t_wrong),
		cmocka_unit_test(t_many),
		cmocka_unit_test(t_dhcp),
		cmocka_unit_test(t_dhcp_greedy),
		cmocka_unit_test(t_dhcp_vlan),
		cmocka_unit_test(t_priority),
		cmocka_unit_test(t_priority_lost),
		cmocka_unit_test(t_radv),
		cmocka_unit_test(t_neighbour6),
		cmocka_unit_test(t_error_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* fwd_lab.c -- see fwd_lab.h. */

#include "fwd_lab.h"

#include <stdlib.h>
#include <string.h>

#include <arch.h>
#include <mm.h>
#include <sync.h>

struct fwd lab;
struct lab_frame lab_out[LAB_NOUT];
unsigned int lab_nout;
uint64_t lab_now;
unsigned int lab_npage, lab_nomem;

static struct fwd_state lab_states[FWD_STATE_N];
static struct fwd_conf lab_conf;
static struct lab_frame lab_tmp, lab_arp[8];
static unsigned int lab_narp;
static uint32_t lab_seed;

/* ---- what the kernel would give ---------------------------------------- */

void *
page_alloc(unsigned int npg)
{
	if (lab_nomem != 0)
		return NULL;
	lab_npage += npg;
	return calloc(npg, PV_PAGE_SIZE);
}

void
page_free(void *p, unsigned int npg)
{
	lab_npage -= npg;
	free(p);
}

void *
kmalloc(size_t len)
{
	return calloc(1, len);
}

void
kfree(void *p)
{
	free(p);
}

void
arch_early_write(const char *text, size_t len)
{
}

unsigned long
spin_lock(struct spinlock *sl)
{
	assert_int_equal(sl->sl_word, 0);
	sl->sl_word = 1;
	return 7;
}

void
spin_unlock(struct spinlock *sl, unsigned long s)
{
	assert_int_equal(s, 7);
	sl->sl_word = 0;
}

/* ---- bytes ------------------------------------------------------------- */

uint32_t
lab_get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

void
lab_put(uint8_t *p, unsigned int n, uint32_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

uint16_t
lab_sum(const uint8_t *p, size_t n, uint32_t v)
{
	for (; n > 1; n -= 2, p += 2)
		v += lab_get(p, 2);
	if (n > 0)
		v += (uint32_t)*p << 8;
	while (v >> 16 != 0)
		v = (v & 0xffff) + (v >> 16);
	return (uint16_t)~v;
}

/* The pseudo header's numbers, added up. */
static uint32_t
lab_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint32_t v = proto + (len & 0xffff) + (len >> 16);
	unsigned int n = ip[0] >> 4 == 4 ? 8 : 32, i;

	for (i = 0; i < n; i += 2)
		v += lab_get(ip + (n == 8 ? 12 : 8) + i, 2);
	return v;
}

/* ---- a forwarder ------------------------------------------------------- */

static uint32_t
lab_random(void)
{
	lab_seed = lab_seed * 1664525u + 1013904223u;
	return lab_seed >> 8;
}

const uint8_t *
lab_mac(const char *host)
{
	static uint8_t mac[6];
	struct fwd_addr ad;
	unsigned int v = fwd_addr_parse(host, &ad);

	assert_true(v != 0);
	mac[0] = 2;
	mac[1] = (uint8_t)v;
	memcpy(mac + 2, ad.ad_byte + (v == 4 ? 0 : 12), 4);
	return mac;
}

/* Does a host live behind a port?  .66 lives nowhere, .5 and .6 each at its. */
static bool
lab_lives(unsigned int last, unsigned int port)
{
	const char *name = lab.fw_port[port].pt_name;

	if (last == 66)
		return false;
	if (last == 5 || last == 6)
		return strcmp(name, last == 5 ? "vif1.0" : "vif2.0") == 0;
	return true;
}

/* Who is asked for answers. */
static void
lab_answer(const struct lab_frame *lf)
{
	const uint8_t *a = lf->lf_byte + 14;
	struct lab_frame *to = &lab_arp[lab_narp];
	uint8_t *p = to->lf_byte;

	if (lab_get(lf->lf_byte + 12, 2) != 0x0806 || lab_get(a + 6, 2) != 1 ||
	    !lab_lives(a[27], lf->lf_port) || lab_narp == 8)
		return;
	memset(to, 0, sizeof(*to));
	memcpy(p, a + 8, 6);
	p[6] = 2;
	p[7] = 4;
	memcpy(p + 8, a + 24, 4);
	memcpy(p + 12, lf->lf_byte + 12, 2);
	lab_put(p + 14, 4, 0x00010800);
	lab_put(p + 18, 4, 0x06040002);
	memcpy(p + 22, p + 6, 6);
	memcpy(p + 28, a + 24, 4);
	memcpy(p + 32, a + 8, 10);
	to->lf_len = 42;
	to->lf_port = lf->lf_port;
	lab_narp++;
}

static void
lab_sent(void *arg, unsigned int port, struct fwd_buf *fb)
{
	struct lab_frame *lf = &lab_out[lab_nout];
	const uint8_t *p;
	unsigned int i;
	size_t n;

	assert_null(arg);
	assert_true(lab_nout < LAB_NOUT);
	lf->lf_len = 0;
	for (i = 0; i < fb->fb_pkt.np_niov; i++) {
		memcpy(lf->lf_byte + lf->lf_len, fb->fb_iov[i].iov_base,
		    fb->fb_iov[i].iov_len);
		lf->lf_len += (uint32_t)fb->fb_iov[i].iov_len;
	}
	assert_int_equal(lf->lf_len, fb->fb_pkt.np_len);
	/* Of other packets nothing is left behind it. */
	p = fb->fb_iov[i - 1].iov_base;
	for (n = fb->fb_iov[i - 1].iov_len; n < PV_PAGE_SIZE; n++)
		assert_int_equal(p[n], 0);
	lf->lf_flags = fb->fb_pkt.np_flags;
	lf->lf_gso = fb->fb_pkt.np_gso_size;
	lf->lf_type = fb->fb_pkt.np_gso_type;
	lf->lf_port = port;
	fwd_buf_free(fb);
	if (!lab.fw_port[port].pt_self)
		lab_answer(lf);
	/* Questions about neighbours are not what a test looks at. */
	if (lab_get(lf->lf_byte + 12, 2) != 0x0806)
		lab_nout++;
}

void
lab_open(const char *rules, const char *ports)
{
	static const struct fwd_ops ops = { lab_sent, lab_random };
	uint8_t mac[6] = { 2, 'r', 't', 'r', 0, 0 };
	static char text[8192], word[FWD_NAME];
	static bool once;
	struct fwd_conf_error er;
	unsigned int i;
	size_t n;

	if (!once)
		assert_int_equal(fwd_buf_init(512, 256), 0);
	once = true;
	memset(&lab, 0, sizeof(lab));
	lab_nout = lab_narp = lab_nomem = 0;
	lab_seed = 1;
	lab_now = 1000000000ull * 1000;
	fwd_init(&lab, &ops, NULL, lab_states);
	strcpy(text, rules);
	if (fwd_conf_parse(&lab_conf, text, &er) != 0)
		fail_msg("line %u: %s", er.er_line, er.er_why);
	fwd_configure(&lab, &lab_conf);
	for (i = 0; i < lab_conf.co_nnet; i++) {
		mac[5] = (uint8_t)i;
		fwd_set_mac(&lab, i, mac);
		fwd_port_up(&lab, "self", (int)i, 1500, PV_NET_CAN_SG);
	}
	for (; *ports != '\0'; ports += n + (ports[n] != '\0')) {
		n = strcspn(ports, " ");
		memcpy(word, ports, n);
		word[n] = '\0';
		fwd_port_up(&lab, word, -1, 1500, PV_NET_CAN_SG);
	}
	fwd_tick(&lab, lab_now);
	lab_nout = 0;
}

void
lab_close(void)
{
	struct fwd_buf_stat fs;
	unsigned int i;

	for (i = 0; i < FWD_NPORT; i++) {
		if (lab.fw_port[i].pt_used)
			fwd_port_down(&lab, i);
	}
	assert_int_equal(lab.fw_states.ss_count, 0);
	fwd_buf_stat(&fs);
	assert_int_equal(fs.fs_nbuf, 0);
	assert_int_equal(fs.fs_npage, 0);
	assert_true(lab_npage <= 256);		/* kept */
}

unsigned int
lab_port(const char *name)
{
	unsigned int i;

	for (i = 0; i < FWD_NPORT; i++) {
		if (lab.fw_port[i].pt_used &&
		    strcmp(lab.fw_port[i].pt_name, name) == 0)
			return i;
	}
	fail_msg("no port %s", name);
	return 0;
}

void
lab_in(const char *port, const struct lab_frame *lf)
{
	struct pv_iov iov = { (void *)(uintptr_t)lf->lf_byte, lf->lf_len };
	struct pv_net_pkt np = { .np_iov = &iov, .np_niov = 1,
	    .np_len = lf->lf_len, .np_flags = lf->lf_flags,
	    .np_gso_size = lf->lf_gso, .np_gso_type = lf->lf_type };
	struct fwd_buf *fb = fwd_buf_copy(&np);
	unsigned int from;

	lab_nout = 0;
	if (fb == NULL)
		return;
	fwd_input(&lab, lab_port(port), fb, lab_now);
	while (lab_narp > 0) {
		lab_narp--;
		iov.iov_base = lab_arp[lab_narp].lf_byte;
		iov.iov_len = np.np_len = lab_arp[lab_narp].lf_len;
		np.np_flags = np.np_gso_size = 0;
		from = lab_arp[lab_narp].lf_port;
		fb = fwd_buf_copy(&np);
		assert_non_null(fb);
		fwd_input(&lab, from, fb, lab_now);
	}
}

/* ---- frames ------------------------------------------------------------ */

static unsigned int
lab_ip(uint8_t *p, const struct lab_spec *sp, uint32_t len)
{
	struct fwd_addr src, dst;
	unsigned int v = fwd_addr_parse(sp->from, &src);
	uint8_t ttl = sp->ttl != 0 ? sp->ttl : 64;

	assert_int_equal(v, fwd_addr_parse(sp->to, &dst));
	assert_true(v != 0);
	if (v == 6) {
		p[0] = 0x60;
		lab_put(p + 4, 2, len);
		p[6] = sp->proto;
		p[7] = ttl;
		memcpy(p + 8, &src, 16);
		memcpy(p + 24, &dst, 16);
		return 40;
	}
	p[0] = 0x45;
	lab_put(p + 2, 2, 20 + len);
	lab_put(p + 4, 2, 0x1234);
	lab_put(p + 6, 2, sp->frag);
	p[8] = ttl;
	p[9] = sp->proto;
	memcpy(p + 12, &src, 4);
	memcpy(p + 16, &dst, 4);
	lab_put(p + 10, 2, lab_sum(p, 20, 0));
	return 20;
}

static void
lab_l4(uint8_t *ip, uint8_t *p, const struct lab_spec *sp, uint32_t len)
{
	unsigned int at = 2;
	uint32_t v = lab_pseudo(ip, sp->proto, len);

	lab_put(p, 2, sp->sport);
	lab_put(p + 2, 2, sp->dport);
	if (sp->proto == FWD_TCP) {
		lab_put(p + 4, 4, 1000);
		p[12] = 0x50;
		p[13] = sp->flags;
		at = 16;
	} else if (sp->proto == FWD_UDP) {
		lab_put(p + 4, 2, len);
		at = 6;
	} else {
		lab_put(p + 2, 2, 0);
		lab_put(p + 4, 2, sp->dport);
		if (sp->proto == FWD_ICMP)
			v = 0;
	}
	if (sp->blank)
		lab_put(p + at, 2, (uint16_t)~lab_sum(NULL, 0, v));
	else
		lab_put(p + at, 2, lab_sum(p, len, v));
}

void
lab_make(struct lab_frame *lf, const struct lab_spec *sp)
{
	unsigned int l4 = sp->proto == FWD_TCP ? 20 : 8, n, net, i;
	uint8_t *p = lf->lf_byte;

	memset(lf, 0, offsetof(struct lab_frame, lf_byte) + 128);
	for (i = 0; i < sp->len; i++)
		p[14 + (strchr(sp->from, ':') != NULL ? 40 : 20) + l4 + i] =
		    (uint8_t)(i * 7 + i / 256);
	net = strncmp(sp->from, "10.", 3) == 0 ||
	    strncmp(sp->from, "fd00:", 5) == 0 ? 1 : 0;
	memcpy(p, lab.fw_net[net].nt_mac, 6);
	if (sp->mac != NULL && strcmp(sp->mac, "all") == 0)
		memset(p, 0xff, 6);
	else if (sp->mac != NULL)
		memcpy(p, lab_mac(sp->mac), 6);
	memcpy(p + 6, lab_mac(sp->from), 6);
	lab_put(p + 12, 2, strchr(sp->from, ':') != NULL ? 0x86dd : 0x0800);
	n = 14 + lab_ip(p + 14, sp, l4 + sp->len);
	lab_l4(p + 14, p + n, sp, l4 + sp->len);
	lf->lf_len = n + l4 + sp->len;
	lf->lf_flags = sp->blank ? PV_NET_CSUM_BLANK : 0;
	lf->lf_gso = sp->gso;
	lf->lf_type = 0;
	if (sp->gso != 0)
		lf->lf_type = sp->proto == FWD_UDP ? PV_NET_GSO_UDP :
		    n == 34 ? PV_NET_GSO_TCP4 : PV_NET_GSO_TCP6;
}

void
lab_send(const char *port, const struct lab_spec *sp)
{
	lab_make(&lab_tmp, sp);
	lab_in(port, &lab_tmp);
}

struct lab_frame *
lab_only(const char *port)
{
	assert_int_equal(lab_nout, 1);
	assert_string_equal(lab.fw_port[lab_out[0].lf_port].pt_name, port);
	return &lab_out[0];
}

bool
lab_right(const struct lab_frame *lf)
{
	const uint8_t *ip = lf->lf_byte + 14, *l4;
	uint32_t len;
	uint16_t field;
	bool four = ip[0] >> 4 == 4;
	uint8_t proto = four ? ip[9] : ip[6];

	if (four && lab_sum(ip, 20, 0) != 0)
		return false;
	l4 = ip + (four ? 20 : 40);
	len = four ? lab_get(ip + 2, 2) - 20 : lab_get(ip + 4, 2);
	if ((size_t)(l4 - lf->lf_byte) + len > lf->lf_len)
		return false;
	if ((lf->lf_flags & PV_NET_CSUM_BLANK) != 0) {
		field = (uint16_t)lab_get(l4 + (proto == FWD_TCP ? 16 : 6), 2);
		return field + lab_sum(NULL, 0, lab_pseudo(ip, proto, len)) ==
		    UINT16_MAX;
	}
	if (four && (lab_get(ip + 6, 2) & 0x3fff) != 0)
		return true;
	if (proto == FWD_UDP && lab_get(l4 + 6, 2) == 0)
		return true;
	return lab_sum(l4, len, proto == FWD_ICMP ? 0 :
	    lab_pseudo(ip, proto, len)) == 0;
}

void
lab_is(const struct lab_frame *lf, const struct lab_spec *sp)
{
	const uint8_t *ip = lf->lf_byte + 14;
	unsigned int v = ip[0] >> 4, n = fwd_addr_len(v);
	char src[FWD_ADDR_TEXT], dst[FWD_ADDR_TEXT];
	struct fwd_addr ad = { { 0 } };

	memcpy(&ad, ip + (v == 4 ? 12 : 8), n);
	fwd_addr_text(&ad, v, src);
	memcpy(&ad, ip + (v == 4 ? 16 : 24), n);
	fwd_addr_text(&ad, v, dst);
	assert_string_equal(src, sp->from);
	assert_string_equal(dst, sp->to);
	assert_true(lab_right(lf));
	ip += v == 4 ? 20 : 40;
	if (sp->sport != 0)
		assert_int_equal(lab_get(ip, 2), sp->sport);
	if (sp->dport != 0)
		assert_int_equal(lab_get(ip + (sp->proto == FWD_ICMP ? 4 : 2),
		    2), sp->dport);
}

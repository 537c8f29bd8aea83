/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_nif_train.c -- kernel/net/nif_train.c, nif_cut.c: segments into trains, and
 * datagrams out of them.  What a train is cut into again, as a device does it,
 * must be what went in.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <net/nif_cut.h>
#include <net/nif_train.h>

#define BOTH	(PV_NET_CAN_TSO4 | PV_NET_CAN_TSO6)
#define FIN	0x01
#define SYN	0x02
#define PSH	0x08
#define ACK	0x10
#define NFRAME	20

/* A frame: headers and the first bytes in one piece, the rest in another. */
struct frame {
	uint8_t		 fr_byte[1600];
	unsigned int	 fr_l4, fr_hlen, fr_len;
	struct pv_iov	 fr_iov[2];
	struct pv_net_pkt fr_pkt;
};

static struct frame frames[NFRAME];
static _Alignas(512) struct nif_train train;

static void
put(uint8_t *p, unsigned int n, uint32_t v)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t
get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static uint16_t
sum(const uint8_t *p, size_t n, uint32_t v)
{
	for (; n > 1; n -= 2, p += 2)
		v += get(p, 2);
	v = (v & 0xffff) + (v >> 16);
	return (uint16_t)((v & 0xffff) + (v >> 16));
}

/* Of the pseudo header, as a driver wants it in a blank checksum. */
static uint16_t
pseudo(const uint8_t *frame, unsigned int l4, unsigned int len)
{
	return l4 == 34 ? sum(frame + 26, 8, 6 + len) :
	    sum(frame + 22, 32, 6 + len);
}

/* Lengths, checksums and the packet, as they have to be. */
static void
finish(struct frame *fr, unsigned int split)
{
	uint8_t *b = fr->fr_byte, *ip = b + 14;
	unsigned int all = fr->fr_hlen + fr->fr_len;

	if (fr->fr_l4 == 34) {
		put(ip + 2, 2, all - 14);
		put(ip + 10, 2, 0);
		put(ip + 10, 2, (uint16_t)~sum(ip, 20, 0));
	} else {
		put(ip + 4, 2, all - 54);
	}
	put(b + fr->fr_l4 + 16, 2, pseudo(b, fr->fr_l4, all - fr->fr_l4));
	fr->fr_iov[0].iov_base = b;
	fr->fr_iov[0].iov_len = fr->fr_hlen + split;
	fr->fr_iov[1].iov_base = b + fr->fr_hlen + split;
	fr->fr_iov[1].iov_len = fr->fr_len - split;
	memset(&fr->fr_pkt, 0, sizeof(fr->fr_pkt));
	fr->fr_pkt.np_iov = fr->fr_iov;
	fr->fr_pkt.np_niov = split == fr->fr_len ? 1 : 2;
	fr->fr_pkt.np_len = all;
	fr->fr_pkt.np_flags = PV_NET_CSUM_BLANK;
}

/* Frame n of a connection: 1000 bytes each from sequence number seq on. */
static struct frame *
make(unsigned int n, unsigned int version, uint32_t seq, unsigned int len)
{
	struct frame *fr = &frames[n];
	uint8_t *b = fr->fr_byte, *tcp;
	unsigned int i;

	memset(b, 0, sizeof(fr->fr_byte));
	for (i = 0; i < 12; i++)
		b[i] = (uint8_t)(0x20 + i);
	fr->fr_l4 = version == 4 ? 34 : 54;
	fr->fr_hlen = fr->fr_l4 + 32;
	fr->fr_len = len;
	put(b + 12, 2, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4) {
		b[14] = 0x45;
		put(b + 18, 2, 700 + n);	/* id */
		b[22] = 64;
		b[23] = 6;
		put(b + 26, 4, 0x0a000001);
		put(b + 30, 4, 0x0a0000fe);
	} else {
		b[14] = 0x60;
		b[20] = 6;
		b[21] = 64;
		for (i = 22; i < 54; i++)
			b[i] = (uint8_t)(i * 7);
	}
	tcp = b + fr->fr_l4;
	put(tcp, 4, 0x00501234);
	put(tcp + 4, 4, seq);
	put(tcp + 8, 4, 0x55667788);
	tcp[12] = 8 << 4;
	tcp[13] = ACK;
	put(tcp + 14, 2, 4096);
	for (i = 0; i < 12; i++)
		tcp[20 + i] = (uint8_t)(i + 1);
	for (i = 0; i < len; i++)
		b[fr->fr_hlen + i] = (uint8_t)(seq + i * 3);
	finish(fr, n % 2 == 0 ? len : 100);
	return fr;
}

/* A train of as many frames as follow; how many. */
static unsigned int
build(unsigned int n, uint32_t can)
{
	unsigned int i;

	if (!nif_train_begin(&train, &frames[0].fr_pkt, can))
		return 0;
	for (i = 1; i < n; i++) {
		if (!nif_train_add(&train, &frames[i].fr_pkt))
			break;
	}
	assert_int_equal(train.tr_nseg, i);
	nif_train_end(&train);
	return i;
}

/* Cut the train as a device does; each segment is the frame it was. */
static void
cut(unsigned int n, unsigned int version)
{
	static uint8_t all[70000];
	const struct pv_net_pkt *np = &train.tr_pkt;
	unsigned int i, hlen = frames[0].fr_hlen, l4 = frames[0].fr_l4;
	uint32_t at = 0, len;
	uint8_t *tcp = all + l4;
	struct frame again;

	for (i = 0; i < np->np_niov; i++) {
		memcpy(all + at, np->np_iov[i].iov_base,
		    np->np_iov[i].iov_len);
		at += (uint32_t)np->np_iov[i].iov_len;
	}
	assert_int_equal(at, np->np_len);
	assert_int_equal(np->np_gso_size, frames[0].fr_len);
	assert_int_equal(np->np_gso_type, version == 4 ? PV_NET_GSO_TCP4 :
	    PV_NET_GSO_TCP6);
	assert_int_equal(np->np_flags, PV_NET_CSUM_BLANK);
	assert_true(np->np_iov[0].iov_len >= hlen);
	assert_int_equal(get(tcp + 16, 2), pseudo(all, l4, at - l4));
	if (version == 4) {
		assert_int_equal(get(all + 16, 2), at - 14);
		assert_int_equal(sum(all + 14, 20, 0), 0xffff);
	} else {
		assert_int_equal(get(all + 18, 2), at - 54);
	}
	for (i = 0, at = hlen; i < n; i++, at += len) {
		len = frames[i].fr_len;
		memset(&again, 0, sizeof(again));
		again.fr_l4 = l4;
		again.fr_hlen = hlen;
		again.fr_len = len;
		memcpy(again.fr_byte, all, hlen);
		memcpy(again.fr_byte + hlen, all + at, len);
		if (version == 4)
			put(again.fr_byte + 18, 2, get(all + 18, 2) + i);
		put(again.fr_byte + l4 + 4, 4, get(tcp + 4, 4) + at - hlen);
		if (i + 1 < n)
			again.fr_byte[l4 + 13] &= (uint8_t)~(PSH | FIN);
		finish(&again, len);
		frames[i].fr_byte[l4 + 13] &= (uint8_t)~PSH;
		again.fr_byte[l4 + 13] &= (uint8_t)~PSH;
		assert_memory_equal(again.fr_byte, frames[i].fr_byte,
		    hlen + len);
	}
	assert_int_equal(at, np->np_len);
}

static void
whole(void **state)
{
	unsigned int version, i;

	for (version = 4; version <= 6; version += 2) {
		/* The sequence number wraps. */
		for (i = 0; i < 8; i++)
			make(i, version, 0xfffffa00 + i * 1000, 1000);
		make(8, version, 0xfffffa00 + 8000, 77);
		assert_int_equal(build(9, BOTH), 9);
		cut(9, version);
		assert_true(train.tr_closed);
		/* Two are the least that make sense; nothing follows a
		   short one. */
		make(1, version, 0xfffffa00 + 1000, 999);
		make(2, version, 0xfffffa00 + 1999, 999);
		assert_int_equal(build(3, BOTH), 2);
		cut(2, version);
	}
}

static void
pieces(void **state)
{
	unsigned int i;

	/* Each second frame takes two: 1 + 17 are the most. */
	for (i = 0; i < NFRAME; i++)
		make(i, 4, i * 1000, 1000);
	i = build(NFRAME, BOTH);
	assert_int_equal(i, 11);
	assert_in_range(train.tr_niov, PV_NET_MAXPIECES - 1,
	    PV_NET_MAXPIECES);
	cut(i, 4);
}

static void
last_flags(void **state)
{
	make(0, 4, 5, 1000);
	make(1, 4, 1005, 1000)->fr_byte[34 + 13] |= PSH;
	make(2, 4, 2005, 1000)->fr_byte[34 + 13] |= FIN;
	make(3, 4, 3005, 1000);
	assert_int_equal(build(4, BOTH), 3);
	assert_int_equal(train.tr_hdr[34 + 13], ACK | PSH | FIN);
	cut(3, 4);
}

/* What one byte of the second frame's headers may not be. */
static void
differs(void **state)
{
	/* MACs, type, version, TOS, length, fragments, TTL, protocol,
	   addresses, ports, sequence, acknowledgement, offset, flags, window,
	   urgent, options */
	static const uint8_t at[] = { 0, 11, 13, 14, 15, 17, 20, 21, 22, 23,
	    26, 33, 34, 37, 41, 42, 45, 46, 48, 53, 54, 65 };
	unsigned int i;

	for (i = 0; i < sizeof(at); i++) {
		make(0, 4, 1, 1000);
		make(1, 4, 1001, 1000)->fr_byte[at[i]] ^= 1;
		assert_true(nif_train_begin(&train, &frames[0].fr_pkt, BOTH));
		assert_false(nif_train_add(&train, &frames[1].fr_pkt));
		/* As before: the right one still fits. */
		make(1, 4, 1001, 1000);
		assert_true(nif_train_add(&train, &frames[1].fr_pkt));
		nif_train_end(&train);
		cut(2, 4);
	}
	for (i = 0; i < 54 + 32; i++) {
		make(0, 6, 1, 1000);
		make(1, 6, 1001, 1000)->fr_byte[i] ^= 0x20;
		assert_true(nif_train_begin(&train, &frames[0].fr_pkt, BOTH));
		/* Only the checksum is not looked at. */
		assert_int_equal(nif_train_add(&train, &frames[1].fr_pkt),
		    i == 54 + 16 || i == 54 + 17);
	}
}

static void
never(void **state)
{
	struct frame *fr = make(0, 4, 1, 1000);

	assert_false(nif_train_begin(&train, &fr->fr_pkt, PV_NET_CAN_TSO6));
	assert_true(nif_train_begin(&train, &fr->fr_pkt, PV_NET_CAN_TSO4));
	fr->fr_byte[34 + 13] |= SYN;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	fr->fr_byte[34 + 13] = PSH;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	fr = make(0, 4, 1, 1000);
	fr->fr_pkt.np_flags = 0;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	fr = make(0, 4, 1, 1000);
	fr->fr_pkt.np_gso_size = 100;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	/* No payload; headers that are not whole in the first piece. */
	fr = make(0, 4, 1, 0);
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	fr = make(0, 4, 1, 1000);
	fr->fr_iov[0].iov_len = 65;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	fr = make(0, 6, 1, 1000);
	assert_false(nif_train_begin(&train, &fr->fr_pkt, PV_NET_CAN_TSO4));
	fr->fr_iov[0].iov_len = 60;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
	/* TCP headers shorter than any. */
	fr = make(0, 4, 1, 1000);
	fr->fr_byte[34 + 12] = 4 << 4;
	assert_false(nif_train_begin(&train, &fr->fr_pkt, BOTH));
}

/* ---- datagrams ---------------------------------------------------------- */

/* The frame as a datagram; nobody looks at its checksum. */
static struct frame *
datagram(unsigned int n, unsigned int version, unsigned int len)
{
	struct frame *fr = make(n, version, n * 77, len);
	uint8_t *b = fr->fr_byte;

	memmove(b + fr->fr_l4 + 8, b + fr->fr_hlen, len);
	fr->fr_hlen = fr->fr_l4 + 8;
	b[version == 4 ? 23 : 20] = 17;
	put(b + fr->fr_l4, 4, 0x04d20035);
	put(b + fr->fr_l4 + 4, 2, len + 8);
	put(b + fr->fr_l4 + 6, 2, 0xabcd);
	/* finish() writes TCP's checksum, which is payload here. */
	put(b + fr->fr_l4 + 16, 2, 0);
	finish(fr, n % 3 == 0 ? len : 9);
	put(b + fr->fr_l4 + 16, 2, 0);
	fr->fr_pkt.np_flags = 0;
	return fr;
}

/* The train arrives at a receiver as the datagrams that it was made of. */
static void
arrives(unsigned int n)
{
	static uint8_t all[70000];
	struct pv_iov iov = { all, 0 };
	struct pv_net_pkt np = train.tr_pkt;
	struct nif_cut cu;
	uint8_t hdr[NIF_CUT_HDR];
	unsigned int i, l4 = frames[0].fr_l4;

	for (i = 0; i < np.np_niov; i++) {
		memcpy(all + iov.iov_len, np.np_iov[i].iov_base,
		    np.np_iov[i].iov_len);
		iov.iov_len += np.np_iov[i].iov_len;
	}
	assert_int_equal(np.np_gso_type, PV_NET_GSO_UDP);
	assert_int_equal(get(all + l4 + 4, 2), iov.iov_len - l4);
	assert_int_equal(get(all + l4 + 6, 2), l4 == 34 ?
	    sum(all + 26, 8, 17 + (uint32_t)iov.iov_len - l4) :
	    sum(all + 22, 32, 17 + (uint32_t)iov.iov_len - l4));
	np.np_iov = &iov;
	np.np_niov = 1;
	assert_int_equal(nif_cut_begin(&cu, &np), n);
	for (i = 0; i < n; i++) {
		assert_int_equal(nif_cut_headers(&cu, i, hdr),
		    frames[i].fr_len);
		put(hdr + l4 + 6, 2, 0xabcd);
		assert_memory_equal(hdr, frames[i].fr_byte, cu.cu_hlen);
		assert_memory_equal(all + cu.cu_hlen + i * cu.cu_size,
		    frames[i].fr_byte + cu.cu_hlen, frames[i].fr_len);
	}
}

static void
datagrams(void **state)
{
	unsigned int version, i, n;

	for (version = 4; version <= 6; version += 2) {
		for (i = 0; i < 9; i++)
			datagram(i, version, 900);
		datagram(9, version, 1);
		n = build(10, PV_NET_CAN_USO);
		assert_int_equal(n, 10);
		arrives(n);
		assert_int_equal(build(10, BOTH), 0);
		/* None behind a shorter one, none that is longer. */
		datagram(3, version, 899);
		n = build(10, PV_NET_CAN_USO);
		assert_int_equal(n, 4);
		arrives(n);
		datagram(3, version, 901);
		assert_int_equal(build(10, PV_NET_CAN_USO), 3);
		/* To another port; without a checksum. */
		datagram(2, version, 900)->fr_byte[version == 4 ? 37 : 57]++;
		assert_int_equal(build(10, PV_NET_CAN_USO), 2);
		put(datagram(1, version, 900)->fr_byte +
		    (version == 4 ? 40 : 60), 2, 0);
		assert_int_equal(build(10, PV_NET_CAN_USO), 1);
	}
}

/* Large packets that stand for nothing are none. */
static void
no_datagrams(void **state)
{
	struct frame *fr = datagram(0, 4, 1000);
	struct pv_net_pkt *np = &fr->fr_pkt;
	struct nif_cut cu;

	np->np_gso_type = PV_NET_GSO_UDP;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	np->np_gso_size = 7;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	np->np_gso_size = 8;
	assert_int_equal(nif_cut_begin(&cu, np), 125);
	np->np_gso_type = PV_NET_GSO_TCP4;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	np->np_gso_type = PV_NET_GSO_UDP;
	fr->fr_byte[23] = 6;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	fr->fr_byte[23] = 17;
	fr->fr_byte[21] = 1;		/* a fragment */
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	fr->fr_byte[21] = 0;
	fr->fr_byte[14] = 0x44;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	/* Options of IP are more headers, as long as they are there. */
	fr->fr_byte[14] = 0x4f;
	assert_int_equal(nif_cut_begin(&cu, np), 120);
	fr->fr_iov[0].iov_len = 81;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	fr->fr_iov[0].iov_len = 33;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	fr = datagram(0, 6, 1000);
	np->np_gso_type = PV_NET_GSO_UDP;
	np->np_gso_size = 500;
	assert_int_equal(nif_cut_begin(&cu, np), 2);
	np->np_len = 62;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
	np->np_niov = 0;
	assert_int_equal(nif_cut_begin(&cu, np), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),
		cmocka_unit_test(no_datagrams),
		cmocka_unit_test(whole),
		cmocka_unit_test(pieces),
		cmocka_unit_test(last_flags),
		cmocka_unit_test(differs),
		cmocka_unit_test(never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_lab.h -- a forwarder with ports of the test's: frames in, frames out,
 * and checksums made and verified in a way of the test's own.
 */

#ifndef FWD_LAB_H
#define FWD_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fwd/fwd.h>

#define LAB_FRAME	66000
#define LAB_NOUT	256

struct lab_frame {
	uint8_t		 lf_byte[LAB_FRAME];
	uint32_t	 lf_len;
	uint32_t	 lf_flags;
	uint16_t	 lf_gso;
	uint8_t		 lf_type;
	unsigned int	 lf_port;
};

/* What make() makes. */
struct lab_spec {
	const char	*from, *to;	/* IP addresses */
	uint16_t	 sport, dport;	/* or type << 8 | code, id of ICMP */
	uint8_t		 proto;
	uint8_t		 flags;		/* TCP's */
	uint32_t	 len;		/* of payload */
	uint16_t	 gso;
	bool		 blank;
	uint8_t		 ttl;		/* 0: 64 */
	uint16_t	 frag;		/* IPv4's field */
	const char	*mac;		/* to: "", the router's */
};

extern struct fwd lab;
extern struct lab_frame lab_out[LAB_NOUT];
extern unsigned int lab_nout;
extern uint64_t lab_now;
extern unsigned int lab_npage, lab_nomem;	/* pages out; 1: none left */

/* A forwarder with those rules; ports are named by the words. */
void	 lab_open(const char *rules, const char *ports);
void	 lab_close(void);		/* and nothing is left */
unsigned int lab_port(const char *name);
const uint8_t *lab_mac(const char *host);	/* of an address's host */

void	 lab_make(struct lab_frame *, const struct lab_spec *);
/* It comes in; neighbours that are asked for answer, if there are any. */
void	 lab_in(const char *port, const struct lab_frame *);
void	 lab_send(const char *port, const struct lab_spec *);
/* The only frame that left, by that port. */
struct lab_frame *lab_only(const char *port);
/* Are all its checksums right?  Of a blank one: the pseudo header's. */
bool	 lab_right(const struct lab_frame *);
/* What is in it: addresses as text, ports. */
void	 lab_is(const struct lab_frame *, const struct lab_spec *);
uint32_t lab_get(const uint8_t *, unsigned int);
void	 lab_put(uint8_t *, unsigned int, uint32_t);
/* Complement of the sum, as it stands in a header; of all with it: 0. */
uint16_t lab_sum(const uint8_t *, size_t, uint32_t);

#endif /* FWD_LAB_H */

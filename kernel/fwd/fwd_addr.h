/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwd_addr.h -- IP addresses and prefixes, and their texts.
 *
 * An address of IPv4 stands in the first four bytes, zeroes behind it; which
 * version it is of is said beside it.
 */

#ifndef FWD_ADDR_H
#define FWD_ADDR_H

#include <pv/types.h>

#define FWD_ADDR_TEXT	48		/* text of any address or prefix */

struct fwd_addr {
	uint8_t		 ad_byte[16];
};

struct fwd_prefix {
	struct fwd_addr	 pr_addr;
	uint8_t		 pr_version;	/* 4, 6; 0: matches everything */
	uint8_t		 pr_len;	/* bits */
};

static inline unsigned int
fwd_addr_len(unsigned int version)
{
	return version == 4 ? 4 : 16;
}

bool	 fwd_addr_eq(const struct fwd_addr *, const struct fwd_addr *);
bool	 fwd_addr_zero(const struct fwd_addr *);
/* Multicast, or IPv4's broadcast. */
bool	 fwd_addr_multicast(const struct fwd_addr *, unsigned int version);
/* fe80::/10 or 169.254/16: no router passes it on. */
bool	 fwd_addr_linklocal(const struct fwd_addr *, unsigned int version);
bool	 fwd_addr_in(const struct fwd_prefix *, const struct fwd_addr *,
	    unsigned int version);

/* The n-th following address of IPv4; as a number. */
uint32_t fwd_addr_num(const struct fwd_addr *);
void	 fwd_addr_set(struct fwd_addr *, uint32_t);

/* Parse an address; its version, or 0. */
unsigned int fwd_addr_parse(const char *, struct fwd_addr *);
/* Parse ADDRESS[/BITS]; false: it is none. */
bool	 fwd_addr_prefix(const char *, struct fwd_prefix *);
void	 fwd_addr_text(const struct fwd_addr *, unsigned int version,
	    char text[FWD_ADDR_TEXT]);

#endif /* FWD_ADDR_H */

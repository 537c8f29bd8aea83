/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * str.h -- bounded strings and numbers, for what peers write and what we
 * write to them.  Nothing here allocates or needs a terminating NUL of a
 * peer's.
 */

#ifndef STR_H
#define STR_H

#include <pv/errno.h>
#include <pv/types.h>

size_t	 str_len(const char *s);
bool	 str_eq(const char *a, const char *b);
/* The first n bytes of s are the whole of t. */
bool	 str_eqn(const char *s, size_t n, const char *t);
bool	 str_prefix(const char *s, const char *prefix);

/*
 * Parse all n bytes of s as a number, decimal, or hexadecimal after 0x; a
 * trailing NUL or newline is tolerated.  0, -PV_EINVAL (not a number) or
 * -PV_ERANGE (does not fit or not in lo..hi); *v is set only on success.
 */
int	 str_num(const char *s, size_t n, uint64_t lo, uint64_t hi,
	    uint64_t *v);

/* Parse "00:16:3e:01:02:03".  0 or -PV_EINVAL. */
int	 str_mac(const char *s, size_t n, uint8_t mac[6]);

/* Replace bytes that are not printable ASCII by '?', for log lines. */
void	 str_sanitise(char *s, size_t n);

/*
 * A string built in a buffer of fixed size.  Appending beyond it sets sb_over
 * and keeps what fitted; the text is always NUL terminated.
 */
struct strbuf {
	char		*sb_buf;
	size_t		 sb_size, sb_len;
	bool		 sb_over;
};
void	 str_begin(struct strbuf *, char *buf, size_t size);
void	 str_add(struct strbuf *, const char *s);
void	 str_addn(struct strbuf *, const char *s, size_t n);
void	 str_addu(struct strbuf *, uint64_t v);		/* decimal */
void	 str_addx(struct strbuf *, uint64_t v);		/* hexadecimal */

#endif /* STR_H */

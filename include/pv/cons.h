/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/cons.h -- a character console, whichever bus it hangs on.
 *
 * Writing never blocks: co_write takes what fits in the ring and returns the
 * count; the consumer keeps the rest and is called back through cn_ready.
 * Input is pushed to the consumer as it comes.
 */

#ifndef PV_CONS_H
#define PV_CONS_H

#include <pv/types.h>

struct pv_cons_ops {
	/*
	 * Bytes taken, 0..len, or -PV_ENXIO.  Context: any (also from panic
	 * paths: takes no lock that an interrupted holder could have).
	 */
	int	(*co_write)(void *sc, const char *buf, size_t len);
	/* Look for input and room without interrupts.  Context: any. */
	void	(*co_poll)(void *sc);
};

struct pv_cons {
	const char		*cn_name;	/* "xencons0" */
	const struct pv_cons_ops *cn_ops;
	void			*cn_sc;
	/*
	 * Set by the consumer; Context: deferred, no lock held.  cn_recv
	 * returns how many bytes it took; the rest stays in the ring until
	 * the consumer calls co_poll again: flow control of the peer.
	 */
	size_t	(*cn_recv)(struct pv_cons *, const char *buf, size_t len);
	void	(*cn_ready)(struct pv_cons *);	/* room for output again */
	void			*cn_client;
	uint64_t		 cn_rxbyte, cn_txbyte;
};

static inline int
pv_cons_write(struct pv_cons *cn, const char *buf, size_t len)
{
	return cn->cn_ops->co_write(cn->cn_sc, buf, len);
}

#endif /* PV_CONS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/cons.h -- a character console, whichever bus it hangs on.
 *
 * Writing never blocks: co_write takes what fits in the ring and returns the
 * count; the consumer keeps the rest and is called back through cn_ready.
 * Input is pushed to the consumer as it comes.
 *
 * A device may have several ports, each a struct pv_cons of its own; some of
 * them are consoles, where an operator sits, others are lines for any data,
 * known by the label that the host gave them.  What the peer says of a port
 * may come after the port: cn_change tells.
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
	/*
	 * Last words, past all rings; or NULL.  Context: any, also in a
	 * panic; takes no lock.
	 */
	void	(*co_emergency)(void *sc, const char *buf, size_t len);
};

#define PV_CONS_LABEL	64

struct pv_cons {
	const char		*cn_name;	/* "xencons0" */
	const struct pv_cons_ops *cn_ops;
	void			*cn_sc;
	uint32_t		 cn_flags;
#define PV_CONS_CONSOLE	0x1			/* the peer means it for one */
#define PV_CONS_OPEN	0x2			/* the peer listens */
	uint16_t		 cn_cols, cn_rows;	/* 0: not told */
	char			 cn_label[PV_CONS_LABEL]; /* printable, "" */
	/*
	 * Set by the consumer; Context: deferred, no lock held.  cn_recv
	 * returns how many bytes it took; the rest stays in the ring until
	 * the consumer calls co_poll again: flow control of the peer.
	 */
	size_t	(*cn_recv)(struct pv_cons *, const char *buf, size_t len);
	void	(*cn_ready)(struct pv_cons *);	/* room for output again */
	/* cn_flags, cn_label or the size changed; or NULL.  Thread. */
	void	(*cn_change)(struct pv_cons *);
	void			*cn_client;
	uint64_t		 cn_rxbyte, cn_txbyte;
};

static inline int
pv_cons_write(struct pv_cons *cn, const char *buf, size_t len)
{
	return cn->cn_ops->co_write(cn->cn_sc, buf, len);
}

#endif /* PV_CONS_H */

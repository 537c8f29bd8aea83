/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/rng.h -- a source of random bytes, whichever bus it hangs on.
 *
 * The consumer asks for bytes with ro_ask; they come through rn_recv, at
 * once or much later, as many as the host had, which may be fewer.  One
 * question is open at a time.  A question that is open when the device goes
 * away is never answered.
 *
 * The bytes are the host's word.  A consumer mixes them with what it has and
 * never relies on them alone.
 */

#ifndef PV_RNG_H
#define PV_RNG_H

#include <pv/types.h>

#define PV_RNG_MAX	64	/* bytes in one answer */

struct pv_rng_ops {
	/*
	 * 0: rn_recv will come.  -PV_EBUSY: a question is open already.
	 * -PV_ENXIO: broken or gone.  -PV_EINVAL: not 1..PV_RNG_MAX bytes.
	 * Context: any.
	 */
	int	(*ro_ask)(void *sc, size_t len);
};

struct pv_rng {
	const char		*rn_name;	/* "vtrng0" */
	const struct pv_rng_ops	*rn_ops;
	void			*rn_sc;
	/* Set by the consumer; Context: deferred, no lock held. */
	void	(*rn_recv)(struct pv_rng *, const uint8_t *buf, size_t len);
	void			*rn_client;	/* the consumer's own */
	uint64_t		 rn_nbyte;	/* received */
};

static inline int
pv_rng_ask(struct pv_rng *rn, size_t len)
{
	return rn->rn_ops->ro_ask(rn->rn_sc, len);
}

#endif /* PV_RNG_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rng.h -- random bytes from a device, for the kernel's generator (rand.h)
 * and for who wants them as they are.
 */

#ifndef RNG_H
#define RNG_H

#include <pv/rng.h>

void	 rng_up(struct pv_rng *);		/* pv_client members */
void	 rng_down(struct pv_rng *);
/*
 * len bytes of the device's, which the generator gets too.  0; -PV_ENODEV:
 * there is no device; -PV_ETIMEDOUT: the host gives none; -PV_ENXIO: it went
 * away.  Context: thread.
 */
int	 rng_read(uint8_t *buf, size_t len, uint64_t deadline);
/* The device's name, or NULL, and the bytes it gave so far. */
const char *rng_name(uint64_t *nbyte);

#endif /* RNG_H */

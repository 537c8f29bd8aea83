/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vloop.h -- one guest of the library's with virtio devices, for the tests in
 * tests/loop, tests/evil and tests/fail.
 *
 * VLOOP_TEST(name) { .. } is as LOOP_TEST (loop.h), but there is no hypervisor
 * and the seed also chooses bus, kind of ring, features and interrupts of the
 * devices that the test makes with vloop_cfg(): seeds 1 to 12 have all of them.
 *
 *	VLOOP_TEST(reads)
 *	{
 *		struct vloop_disk *d = vloop_disk(l, 2048);
 *
 *		vloop_attach(l);
 *		assert_true(loop_blks(l, 1));
 *		...
 *	}
 *
 * vloop_disk is a plain disk, for tests of rings and transports; the models of
 * sim/ are for tests of their drivers.
 */

#ifndef VLOOP_H
#define VLOOP_H

#include "loop.h"
#include "sim_virtio.h"

#define VLOOP_NSEED	12

void	 vloop_seeds(const char *name, void (*body)(struct loop *));
#define VLOOP_TEST(name)						\
	static void name##_body(struct loop *);				\
	static void							\
	name(void **state)						\
	{								\
		vloop_seeds(#name, name##_body);			\
	}								\
	static void							\
	name##_body(struct loop *l)

/* What the seed chose for devices of this world. */
struct sim_vdev_cfg vloop_cfg(const struct loop *);
bool	 vloop_packed(const struct loop *);
/* Open with a seed; close: all devices are detached, the balance checked. */
void	 vloop_open(struct loop *, uint64_t seed);
void	 vloop_close(struct loop *);
/* Find all virtio devices that were made: how many have a driver. */
int	 vloop_attach(struct loop *);
void	 vloop_detach(struct loop *);

struct vloop_disk {
	struct sim_vdev	*vd_dev;
	uint8_t		*vd_data;
	uint64_t	 vd_nsect;
	unsigned int	 vd_nreq;	/* served */
	unsigned int	 vd_npiece;	/* of the longest request */
};
/* A disk of so many sectors on the seed's bus; freed at close. */
struct vloop_disk *vloop_disk(struct loop *, uint64_t nsect);
struct vloop_disk *vloop_disk_cfg(struct loop *, uint64_t nsect,
	    const struct sim_vdev_cfg *, uint64_t features);
/* Its name as a device: "pci/0:1.0", "mmio/10123000". */
const char *vloop_name(const struct sim_vdev *);

#endif /* VLOOP_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rng.c -- see rng.h.
 *
 * The first device that comes is used.  It is asked at once for a seed, again
 * every RNG_PERIOD, and whenever somebody reads; every answer is fed to
 * rand.c.  A reader takes rng_mtx and waits for the next answer, whoever
 * asked for it.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <os.h>
#include <pv/errno.h>
#include <pv/os.h>
#include <rand.h>
#include <rng.h>
#include <sync.h>

#define RNG_SEED	32u		/* bytes */
#define RNG_PERIOD	(300 * NSEC_PER_SEC)

static struct mutex rng_mtx;		/* one reader; up and down */
static struct pv_rng *rng_dev;
static struct spinlock rng_lock;	/* the answer */
static uint8_t rng_buf[PV_RNG_MAX];
static size_t rng_len;
static struct sem rng_came;		/* an answer, or the device left */
static struct pv_os_work rng_work;

/* pv_rng.rn_recv */
static void
rng_recv(struct pv_rng *rn, const uint8_t *buf, size_t len)
{
	unsigned long s;

	(void)rn;
	rand_feed(buf, len);
	s = spin_lock(&rng_lock);
	memcpy(rng_buf, buf, len);
	rng_len = len;
	spin_unlock(&rng_lock, s);
	sem_post(&rng_came);
}

/* A fresh seed, now and then.  Context: deferred; ended by rng_down(). */
static void
rng_reseed(void *arg)
{
	(void)pv_rng_ask(arg, RNG_SEED);
	pv_os_defer(&rng_work, RNG_PERIOD);
}

void
rng_up(struct pv_rng *rn)
{
	mutex_lock(&rng_mtx);
	if (rng_dev == NULL) {
		rng_dev = rn;
		rn->rn_recv = rng_recv;
		rng_work.pw_fn = rng_reseed;
		rng_work.pw_arg = rn;
		pv_os_defer(&rng_work, 0);
		klog(PV_LOG_INFO, "rng: %s feeds the random generator",
		    rn->rn_name);
	}
	mutex_unlock(&rng_mtx);
}

void
rng_down(struct pv_rng *rn)
{
	if (rng_dev != rn)
		return;
	pv_os_cancel(&rng_work);
	/* A reader that waits sees that it fails and lets the mutex go. */
	sem_post(&rng_came);
	mutex_lock(&rng_mtx);
	rng_dev = NULL;
	mutex_unlock(&rng_mtx);
}

/* Take what came; 0 when nothing did. */
static size_t
rng_take(uint8_t *buf, size_t len)
{
	unsigned long s = spin_lock(&rng_lock);
	size_t n = rng_len < len ? rng_len : len;

	memcpy(buf, rng_buf, n);
	memset(rng_buf, 0, sizeof(rng_buf));
	rng_len = 0;
	spin_unlock(&rng_lock, s);
	return n;
}

/* One answer.  Lock: rng_mtx. */
static int
rng_next(uint8_t *buf, size_t len, uint64_t deadline)
{
	size_t n;
	int rv;

	rv = pv_rng_ask(rng_dev, len < PV_RNG_MAX ? len : PV_RNG_MAX);
	if (rv != 0 && rv != -PV_EBUSY)
		return rv;
	if (sem_wait(&rng_came, deadline) != 0)
		return -PV_ETIMEDOUT;
	n = rng_take(buf, len);
	return n > 0 ? (int)n : -PV_EAGAIN;
}

int
rng_read(uint8_t *buf, size_t len, uint64_t deadline)
{
	int rv = 0;

	mutex_lock(&rng_mtx);
	while (sem_trywait(&rng_came))
		;
	(void)rng_take(buf, 0);
	while (len > 0 && (rv >= 0 || rv == -PV_EAGAIN)) {
		rv = rng_dev == NULL ? -PV_ENODEV :
		    rng_next(buf, len, deadline);
		if (rv > 0) {
			buf += rv;
			len -= (size_t)rv;
		}
	}
	mutex_unlock(&rng_mtx);
	return rv < 0 ? rv : 0;
}

const char *
rng_name(uint64_t *nbyte)
{
	const char *name = NULL;

	mutex_lock(&rng_mtx);
	*nbyte = 0;
	if (rng_dev != NULL) {
		name = rng_dev->rn_name;
		*nbyte = rng_dev->rn_nbyte;
	}
	mutex_unlock(&rng_mtx);
	return name;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring_native.c -- what a request and its response through a Xen ring cost
 * when front and back half spin on two CPUs.
 *
 *	ring_native		times: "depth1 NS", "lines NS", …
 *	ring_native single	both halves in turns, for callgrind
 *	ring_native count	how many requests that makes: "requests N"
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bring.h"
#include "fring.h"

#define RING_LEN	4096u
#define RING_TIME	2e9		/* ns, for one figure */
#define RING_CHUNK	1000u		/* requests in one of many short runs */
#define RING_SINGLE	20000u
#define RING_DEPTH	32u

struct ring_req {			/* as large as a block request */
	uint64_t	 rq_id;
	uint32_t	 rq_slot;
	uint32_t	 rq_fill[25];
};

struct ring_rsp {
	uint64_t	 rs_id;
	uint32_t	 rs_status;
};

static uint8_t ring_page[RING_LEN] __attribute__((__aligned__(4096)));
static uint8_t ring_from[RING_DEPTH][4096] __attribute__((__aligned__(4096)));
static uint8_t ring_to[RING_DEPTH][4096] __attribute__((__aligned__(4096)));
static struct fring ring_f;
static struct bring ring_b;
static bool ring_copies = true;
static bool ring_stop;

static void
ring_die(const char *what)
{
	fprintf(stderr, "ring_native: %s\n", what);
	exit(1);
}

static double
ring_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
ring_reset(void)
{
	memset(ring_page, 0, sizeof(ring_page));
	fring_init(&ring_f, ring_page, RING_LEN, sizeof(struct ring_req),
	    sizeof(struct ring_rsp));
	bring_init(&ring_b, ring_page, RING_LEN, sizeof(struct ring_req),
	    sizeof(struct ring_rsp));
}

/*
 * Put requests until depth are in flight or all are out, then take what has
 * been answered.  Returns how many that were.
 */
static __attribute__((__noipa__)) unsigned int
ring_front(uint64_t *next, uint64_t total, unsigned int inflight,
    unsigned int depth)
{
	struct ring_req rq = { 0 };
	struct ring_rsp rsp;
	unsigned int n = 0;

	while (inflight < depth && *next < total && fring_free(&ring_f) > 0) {
		rq.rq_id = *next;
		rq.rq_slot = (uint32_t)(*next % RING_DEPTH);
		fring_put(&ring_f, &rq);
		(*next)++;
		inflight++;
	}
	(void)fring_push(&ring_f);
	while (fring_get(&ring_f, &rsp) > 0) {
		if (rsp.rs_status != 0)
			ring_die("a wrong response");
		n++;
	}
	return n;
}

/* Answer what there is. */
static __attribute__((__noipa__)) unsigned int
ring_back(void)
{
	struct ring_rsp rsp = { 0 };
	struct ring_req rq;
	unsigned int n = 0;

	while (bring_get(&ring_b, &rq) > 0) {
		if (ring_copies)
			memcpy(ring_to[rq.rq_slot % RING_DEPTH],
			    ring_from[rq.rq_slot % RING_DEPTH], 4096);
		rsp.rs_id = rq.rq_id;
		bring_put(&ring_b, &rsp);
		n++;
		(void)bring_push(&ring_b);
	}
	return n;
}

static void *
ring_back_thread(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&ring_stop, __ATOMIC_RELAXED))
		(void)ring_back();
	return NULL;
}

/*
 * The fastest of many short runs: in the others one of the threads has lost
 * its CPU for a while.
 */
static void
ring_chunk(double *best, double *start)
{
	double now = ring_now();

	if (now - *start < *best)
		*best = now - *start;
	*start = now;
}

static double
ring_time(unsigned int depth)
{
	uint64_t next = 0, done = 0, chunk = RING_CHUNK;
	double start, best = RING_TIME, end = ring_now() + RING_TIME;
	pthread_t back;

	ring_reset();
	ring_stop = false;
	if (pthread_create(&back, NULL, ring_back_thread, NULL) != 0)
		ring_die("no thread");
	for (start = ring_now(); start < end; chunk += RING_CHUNK) {
		while (done < chunk)
			done += ring_front(&next, UINT64_MAX,
			    (unsigned int)(next - done), depth);
		ring_chunk(&best, &start);
	}
	__atomic_store_n(&ring_stop, true, __ATOMIC_RELAXED);
	pthread_join(back, NULL);
	return best / RING_CHUNK;
}

/* ---- the floor --------------------------------------------------------- */

static struct {
	uint64_t	 l_word __attribute__((__aligned__(128)));
} ring_line[2];

static void *
ring_echo(void *arg)
{
	uint64_t i = 0, was;

	(void)arg;
	while (i != UINT64_MAX) {
		was = i;
		while ((i = __atomic_load_n(&ring_line[0].l_word,
		    __ATOMIC_ACQUIRE)) == was)
			continue;
		__atomic_store_n(&ring_line[1].l_word, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void
ring_ping(uint64_t i)
{
	__atomic_store_n(&ring_line[0].l_word, i, __ATOMIC_RELEASE);
	while (__atomic_load_n(&ring_line[1].l_word, __ATOMIC_ACQUIRE) != i)
		continue;
}

/* A line there and one back. */
static double
ring_lines(void)
{
	double start, best = RING_TIME, end = ring_now() + RING_TIME;
	pthread_t echo;
	uint64_t i = 1, n;

	if (pthread_create(&echo, NULL, ring_echo, NULL) != 0)
		ring_die("no thread");
	for (start = ring_now(); start < end; ring_chunk(&best, &start)) {
		for (n = 0; n < RING_CHUNK; n++)
			ring_ping(i++);
	}
	ring_ping(UINT64_MAX);
	pthread_join(echo, NULL);
	return best / RING_CHUNK;
}

static double
ring_copy(void)
{
	double start, best = RING_TIME, end = ring_now() + RING_TIME / 4;
	unsigned int n;

	for (start = ring_now(); start < end; ring_chunk(&best, &start)) {
		for (n = 0; n < RING_CHUNK; n++) {
			memcpy(ring_to[n % RING_DEPTH],
			    ring_from[n % RING_DEPTH], 4096);
			__asm__ __volatile__("" : : : "memory");
		}
	}
	return best / RING_CHUNK;
}

static void
ring_single(void)
{
	uint64_t next = 0, done = 0;

	ring_copies = false;
	ring_reset();
	while (done < RING_SINGLE) {
		done += ring_front(&next, RING_SINGLE,
		    (unsigned int)(next - done), RING_DEPTH);
		(void)ring_back();
	}
}

int
main(int argc, char **argv)
{
	memset(ring_from, 1, sizeof(ring_from));
	memset(ring_to, 2, sizeof(ring_to));
	if (argc > 1 && strcmp(argv[1], "count") == 0) {
		printf("requests %u\n", RING_SINGLE);
	} else if (argc > 1 && strcmp(argv[1], "single") == 0) {
		ring_single();
	} else {
		printf("lines %.1f\n", ring_lines());
		printf("copy %.1f\n", ring_copy());
		printf("depth1 %.1f\n", ring_time(1));
		printf("depth32 %.1f\n", ring_time(RING_DEPTH));
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rand.c -- see rand.h.
 *
 * The state is a counter; a number is the counter's bits well mixed.  The
 * clock's low bits, which interrupts make hard to foretell, are stirred in
 * at each call, and what a random device gives (kernel/rng.c) when it comes.
 */

#include <stdlib.h>

#include <arch.h>
#include <rand.h>
#include <sync.h>

#define RAND_STEP	0x9e3779b97f4a7c15ull	/* 2^64 / golden ratio, odd */

static struct spinlock rand_lock;
static uint64_t rand_state;

/* Each step can be undone, so different inputs give different outputs. */
static uint64_t
rand_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* rand_u64 -- 64 bits.  Context: any. */
uint64_t
rand_u64(void)
{
	unsigned long s;
	uint64_t x;

	s = spin_lock(&rand_lock);
	if (rand_state == 0)
		rand_state = rand_mix(arch_wallclock());
	rand_state = rand_mix(rand_state + RAND_STEP) ^ arch_now();
	x = rand_state;
	spin_unlock(&rand_lock, s);
	return rand_mix(x + RAND_STEP);
}

/* rand_u32 -- 32 bits.  Context: any. */
uint32_t
rand_u32(void)
{
	return (uint32_t)(rand_u64() >> 32);
}

/* rand_feed -- stir in bytes that are hard to foretell.  Context: any. */
void
rand_feed(const uint8_t *buf, size_t len)
{
	unsigned long s = spin_lock(&rand_lock);

	while (len-- > 0)
		rand_state = rand_mix(rand_state + RAND_STEP) ^ *buf++;
	spin_unlock(&rand_lock, s);
}

int
rand(void)
{
	return (int)(rand_u32() & RAND_MAX);
}

long
random(void)
{
	return rand();
}

/* There is no sequence to repeat. */
void
srand(unsigned int seed)
{
	(void)seed;
}

void
srandom(unsigned int seed)
{
	(void)seed;
}

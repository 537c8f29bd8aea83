/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sum.c -- SHA-256 of a stream, with the implementation of libext2fs.
 *
 * Its file exports only a function for data that is in memory as a whole; the
 * pieces we need are static in it, so that the file is included here.
 */

#include "config.h"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <fs/sum.h>

#include <ext2fs/sha256.c>

_Static_assert(sizeof(struct hash_state) <= sizeof(struct sum),
    "struct sum has room for it");

static struct hash_state *
sum_state(struct sum *sm)
{
	return (struct hash_state *)(void *)sm->sm_state;
}

void
sum_begin(struct sum *sm)
{
	sha256_init(sum_state(sm));
}

void
sum_add(struct sum *sm, const void *buf, size_t len)
{
	sha256_process(sum_state(sm), buf, len);
}

void
sum_end(struct sum *sm, uint8_t digest[SUM_LEN])
{
	sha256_done(sum_state(sm), digest);
}

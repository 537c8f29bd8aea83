/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkid.h -- what the journal code of e2fsprogs asks libblkid: on which disk
 * an external journal is.  Ours are inside of their file system.
 */

#ifndef E2_BLKID_H
#define E2_BLKID_H

typedef void *blkid_cache;

static inline int
blkid_get_cache(blkid_cache *cache, const char *file)
{
	*cache = 0;
	return 0;
}

static inline void
blkid_put_cache(blkid_cache cache)
{
}

static inline char *
blkid_get_devname(blkid_cache cache, const char *tag, const char *value)
{
	return 0;
}

static inline char *
blkid_devno_to_devname(unsigned long devno)
{
	return 0;
}

#endif /* E2_BLKID_H */

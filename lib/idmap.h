/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idmap.h -- ids handed to the peer, and what stands behind each.
 *
 * An id is an index into a private table.  The peer brings it back and may
 * bring back anything: idmap_find() answers only for ids that are in range
 * and in flight.  Callers hold their queue's lock.
 */

#ifndef IDMAP_H
#define IDMAP_H

#include <pv/types.h>

struct idmap_slot {
	void		*is_obj;	/* NULL: free */
	uint32_t	 is_next;	/* next free slot */
};

struct idmap {
	struct idmap_slot *im_slot;	/* im_size, the caller's memory */
	uint32_t	 im_size;
	uint32_t	 im_free;	/* first free, IDMAP_END if none */
	uint32_t	 im_used;	/* in flight */
};

#define IDMAP_END	UINT32_MAX

/* All ids 0 .. size - 1 free. */
void	 idmap_init(struct idmap *, struct idmap_slot *, uint32_t size);

/* Take an id for obj (not NULL).  Returns the id, or -1 when all are out. */
int64_t	 idmap_take(struct idmap *, void *obj);

/* What stands behind an id in flight, or NULL.  id is the peer's word. */
void	*idmap_find(const struct idmap *, uint64_t id);

/* Return an id in flight. */
void	 idmap_release(struct idmap *, uint64_t id);

/* The first object in flight with an id >= *id, which is set; or NULL. */
void	*idmap_next(const struct idmap *, uint32_t *id);

#endif /* IDMAP_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idmap.c -- see idmap.h.  Free ids are a stack, so that the table's used part
 * stays small and warm.
 */

#include "idmap.h"

void
idmap_init(struct idmap *im, struct idmap_slot *slot, uint32_t size)
{
	uint32_t i;

	im->im_slot = slot;
	im->im_size = size;
	im->im_used = 0;
	im->im_free = size > 0 ? 0 : IDMAP_END;
	for (i = 0; i < size; i++) {
		slot[i].is_obj = NULL;
		slot[i].is_next = i + 1 < size ? i + 1 : IDMAP_END;
	}
}

int64_t
idmap_take(struct idmap *im, void *obj)
{
	uint32_t id = im->im_free;

	if (id == IDMAP_END)
		return -1;
	im->im_free = im->im_slot[id].is_next;
	im->im_slot[id].is_obj = obj;
	im->im_used++;
	return id;
}

void *
idmap_find(const struct idmap *im, uint64_t id)
{
	if (id >= im->im_size)
		return NULL;
	return im->im_slot[id].is_obj;
}

void
idmap_release(struct idmap *im, uint64_t id)
{
	im->im_slot[id].is_obj = NULL;
	im->im_slot[id].is_next = im->im_free;
	im->im_free = (uint32_t)id;
	im->im_used--;
}

void *
idmap_next(const struct idmap *im, uint32_t *id)
{
	for (; *id < im->im_size; (*id)++) {
		if (im->im_slot[*id].is_obj != NULL)
			return im->im_slot[*id].is_obj;
	}
	return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_queue.c -- see disk_queue.h.
 */

#include <disk_queue.h>

#include <string.h>

static size_t
disk_queue_len(const struct disk_slot *ds)
{
	return (size_t)ds->ds_req.br_nsect << PV_SECT_SHIFT;
}

/* Can ds go on where at ends? */
static bool
disk_queue_joins(const struct disk_slot *at, const struct disk_slot *ds,
    size_t max)
{
	const struct pv_blk_req *a = &at->ds_req, *b = &ds->ds_req;

	if (a->br_op != b->br_op ||
	    (a->br_op != PV_BLK_READ && a->br_op != PV_BLK_WRITE))
		return false;
	return a->br_sect + a->br_nsect == b->br_sect &&
	    a->br_niov + b->br_niov <= DISK_NIOV &&
	    disk_queue_len(at) + disk_queue_len(ds) <= max;
}

/* The slot's pieces behind those of at, which answers for both. */
static void
disk_queue_join(struct disk_slot *at, struct disk_slot *ds)
{
	struct disk_slot **end;

	memcpy(at->ds_iov + at->ds_req.br_niov, ds->ds_iov,
	    ds->ds_req.br_niov * sizeof(ds->ds_iov[0]));
	at->ds_req.br_niov += ds->ds_req.br_niov;
	at->ds_req.br_nsect += ds->ds_req.br_nsect;
	for (end = &at->ds_merged; *end != NULL; end = &(*end)->ds_merged)
		;
	*end = ds;
}

bool
disk_queue_add(struct disk_queue *dq, struct disk_slot *ds, size_t max)
{
	struct disk_slot **end, *at = NULL;

	ds->ds_next = ds->ds_merged = NULL;
	ds->ds_nsect = ds->ds_req.br_nsect;
	for (end = &dq->dq_first; *end != NULL; end = &(*end)->ds_next) {
		if ((*end)->ds_req.br_op == PV_BLK_FLUSH)
			at = NULL;
		else if (disk_queue_joins(*end, ds, max))
			at = *end;
	}
	if (at != NULL) {
		disk_queue_join(at, ds);
		return true;
	}
	*end = ds;
	dq->dq_nwait++;
	return false;
}

struct disk_slot *
disk_queue_next(struct disk_queue *dq)
{
	struct disk_slot *ds = dq->dq_first;

	if (ds == NULL)
		return NULL;
	dq->dq_first = ds->ds_next;
	ds->ds_next = NULL;
	dq->dq_nwait--;
	return ds;
}

void
disk_queue_back(struct disk_queue *dq, struct disk_slot *ds)
{
	ds->ds_next = dq->dq_first;
	dq->dq_first = ds;
	dq->dq_nwait++;
}

enum disk_kind
disk_queue_kind(enum pv_blk_op op)
{
	switch (op) {
	case PV_BLK_READ:
		return DISK_READ;
	case PV_BLK_WRITE:
		return DISK_WRITE;
	case PV_BLK_FLUSH:
		return DISK_FLUSH;
	default:
		return DISK_RANGE;
	}
}

void
disk_queue_count(struct disk_counts *dk, const struct disk_slot *ds, int rv,
    uint64_t now)
{
	struct disk_count *dc;
	uint64_t ns = now > ds->ds_start ? now - ds->ds_start : 0, us;
	unsigned int n = 0;

	dc = &dk->dk_kind[disk_queue_kind(ds->ds_req.br_op)];
	dc->dc_n++;
	if (rv != 0)
		dc->dc_nerror++;
	else
		dc->dc_nsect += ds->ds_nsect;
	dc->dc_ns += ns;
	if (ns > dc->dc_maxns)
		dc->dc_maxns = ns;
	for (us = ns / 1000; us != 0 && n < DISK_NHIST - 1; us >>= 1)
		n++;
	dc->dc_hist[n]++;
}

size_t
disk_queue_fill(struct disk_slot *ds, struct disk_cursor *dc, size_t max)
{
	size_t n, len = 0;

	ds->ds_req.br_niov = 0;
	while (dc->dc_niov > 0 && len < max &&
	    ds->ds_req.br_niov < DISK_NIOV) {
		n = dc->dc_iov->iov_len - dc->dc_off;
		if (n > max - len)
			n = max - len;
		ds->ds_iov[ds->ds_req.br_niov].iov_base =
		    (char *)dc->dc_iov->iov_base + dc->dc_off;
		ds->ds_iov[ds->ds_req.br_niov++].iov_len = n;
		len += n;
		dc->dc_off += n;
		if (dc->dc_off == dc->dc_iov->iov_len) {
			dc->dc_iov++;
			dc->dc_niov--;
			dc->dc_off = 0;
		}
	}
	return len;
}

void
disk_queue_since(struct disk_counts *now, const struct disk_counts *before)
{
	struct disk_count *dc;
	const struct disk_count *was;
	unsigned int i, n;

	for (i = 0; i < DISK_NKIND; i++) {
		dc = &now->dk_kind[i];
		was = &before->dk_kind[i];
		dc->dc_n -= was->dc_n;
		dc->dc_nsect -= was->dc_nsect;
		dc->dc_nerror -= was->dc_nerror;
		dc->dc_ns -= was->dc_ns;
		for (n = 0; n < DISK_NHIST; n++)
			dc->dc_hist[n] -= was->dc_hist[n];
	}
	now->dk_nmerged -= before->dk_nmerged;
	now->dk_nput -= before->dk_nput;
}

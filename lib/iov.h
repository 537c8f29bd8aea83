/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iov.h -- walk a consumer's buffer page by page.
 *
 * A piece that is put on the wire never crosses a page, for a grant covers
 * one.  Each call of iov_next() gives the longest such piece.
 */

#ifndef IOV_H
#define IOV_H

#include <pv/types.h>

struct iov_iter {
	const struct pv_iov *ii_iov;
	unsigned int	 ii_niov;
	size_t		 ii_off;	/* in the current iov */
};

static inline void
iov_start(struct iov_iter *it, const struct pv_iov *iov, unsigned int niov)
{
	it->ii_iov = iov;
	it->ii_niov = niov;
	it->ii_off = 0;
}

/*
 * The next piece of at most max bytes within one page: its address, and its
 * length in *len; NULL at the end.
 */
static inline void *
iov_next(struct iov_iter *it, size_t max, size_t *len)
{
	char *p;
	size_t n, room;

	while (it->ii_niov > 0 && it->ii_off == it->ii_iov->iov_len) {
		it->ii_iov++;
		it->ii_niov--;
		it->ii_off = 0;
	}
	if (it->ii_niov == 0)
		return NULL;
	p = (char *)it->ii_iov->iov_base + it->ii_off;
	n = it->ii_iov->iov_len - it->ii_off;
	room = PV_PAGE_SIZE - ((uintptr_t)p & (PV_PAGE_SIZE - 1));
	if (n > room)
		n = room;
	if (n > max)
		n = max;
	it->ii_off += n;
	*len = n;
	return p;
}

static inline size_t
iov_length(const struct pv_iov *iov, unsigned int niov)
{
	size_t sum = 0;

	while (niov-- > 0)
		sum += iov++->iov_len;
	return sum;
}

#endif /* IOV_H */

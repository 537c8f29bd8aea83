/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * back.h -- a second guest that serves disks to the first (blkback), and the
 * toolstack between them.
 */

#ifndef BACK_H
#define BACK_H

#include "loop.h"

#define BACK_NSTORE	4

/* A disk in memory. */
struct back_store {
	struct pv_blk	 st_blk;
	struct pv_blk_guest *st_guest;	/* NULL: closed */
	uint8_t		*st_data;
	struct pv_os_work st_work;
	struct pv_blk_req *st_first, **st_last;	/* to be answered */
	unsigned int	 st_nheld;
	bool		 st_hold;	/* answer nothing */
	unsigned int	 st_full;	/* so many submits find it full */
	int		 st_error;	/* for every request, or 0 */
	int		 st_refuse;	/* open: this error */
	unsigned int	 st_nopen, st_nclose;
	/* what was asked for, in order: 'r' 'w' 'f' 'd' 's' */
	char		 st_ops[256];
	unsigned int	 st_nop;
};

struct back {
	struct loop	 bk_loop;	/* domain 2 */
	struct loop	*bk_front;	/* domain 1 */
	struct back_store bk_store[BACK_NSTORE];	/* "disk0" .. */
	bool		 bk_hidden;	/* front ends are where no driver of
					   domain 1's finds them */
};

/* No page stays mapped, which would be hundreds of points of failure. */
extern bool back_plain;
/* Domain 2 attaches, with nsect sectors in each store. */
void	 back_open(struct back *, struct loop *front, uint64_t nsect);
void	 back_close(struct back *);
/* A disk 51712 + 16 * n of domain 1's, of store n. */
void	 back_plug(struct back *, unsigned int n, const char *mode);
/* Ask for it back; true: both ends let go, and its directories are gone. */
void	 back_unplug(struct back *, unsigned int n);
bool	 back_unplugged(struct back *, unsigned int n);
/* The back end's key of a disk, NULL when not there. */
const char *back_key(struct back *, unsigned int n, const char *key);
/* And the front end's, which the test may write. */
void	 back_front(struct back *, char *path, size_t size, unsigned int n,
	    const char *key);
/* Answer what was held. */
void	 back_let_go(struct back_store *);

#endif /* BACK_H */

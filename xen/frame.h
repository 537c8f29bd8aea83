/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h -- give the memory behind a page to Xen, and get some again.
 */
#ifndef FRAME_H
#define FRAME_H

struct xen;

/*
 * Context of both: thread; one at a time for a page.
 *
 *  frame_give(x, va)	nothing lies behind the page of ours at va any more;
 *			0 or -PV_E*, and it is as it was
 *  frame_take(x, va)	there is memory again, with anything in it; 0 or
 *			-PV_E*: -PV_ENOMEM, Xen has none for us
 *  frame_count(x)	how many pages with memory the domain has, or -PV_E*
 */
int	 frame_give(struct xen *, void *va);
int	 frame_take(struct xen *, void *va);
long	 frame_count(struct xen *);

#endif /* !FRAME_H */

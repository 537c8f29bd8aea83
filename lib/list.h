/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * list.h -- doubly linked lists, the links inside the elements.
 */

#ifndef LIST_H
#define LIST_H

#include <pv/types.h>

struct list {
	struct list	*li_next, *li_prev;	/* head: first, last */
};

#define LIST_HEAD(name)	struct list name = { &name, &name }
#define LIST_ENTRY(p, type, member) PV_CONTAINER(p, type, member)
#define LIST_FOREACH(p, head)						\
	for ((p) = (head)->li_next; (p) != (head); (p) = (p)->li_next)
/* n keeps the next one, so that p may be removed in the loop. */
#define LIST_FOREACH_SAFE(p, n, head)					\
	for ((p) = (head)->li_next, (n) = (p)->li_next; (p) != (head);	\
	    (p) = (n), (n) = (p)->li_next)

static inline void
list_init(struct list *head)
{
	head->li_next = head->li_prev = head;
}

static inline bool
list_empty(const struct list *head)
{
	return head->li_next == head;
}

static inline void
list_append(struct list *head, struct list *p)
{
	p->li_next = head;
	p->li_prev = head->li_prev;
	head->li_prev->li_next = p;
	head->li_prev = p;
}

static inline void
list_remove(struct list *p)
{
	p->li_prev->li_next = p->li_next;
	p->li_next->li_prev = p->li_prev;
	p->li_next = p->li_prev = NULL;
}

/* Take the first element, or NULL. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *p = head->li_next;

	if (p == head)
		return NULL;
	list_remove(p);
	return p;
}

#endif /* LIST_H */

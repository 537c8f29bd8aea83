/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/types.h -- the words in which libdomus speaks of memory and peers.
 *
 *   gfn   the frame number that is handed to the hypervisor or written into
 *         a grant.  Xen PV: the machine frame.  HVM, PVH: the
 *         guest-physical frame.
 *   pfn   the guest's own linear numbering of its pages.
 *   pa    a 64-bit guest-physical address (virtio, MMIO).
 *   da    what is put on the wire for a page: a grant reference (Xen) or a
 *         pa (virtio); 64-bit and opaque above the bus.
 *   gref  index of an entry in our grant table.
 *   evport  number of one of our event channels.
 *
 * gfn_t, gref_t and evport_t are structures when PV_CHECKED is defined, so
 * that one can not be passed for another, and plain integers otherwise.
 * gfn_x() and friends unbox; GFN() and friends box.
 */

#ifndef PV_TYPES_H
#define PV_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PV_PAGE_SHIFT	12
#define PV_PAGE_SIZE	4096u
#define PV_PAGE_MASK	(~(uintptr_t)(PV_PAGE_SIZE - 1))
#define PV_SECT_SHIFT	9
#define PV_SECT_SIZE	512u

#define PV_NELEM(a)	(sizeof(a) / sizeof((a)[0]))
#define PV_HOWMANY(n, d) (((n) + (d) - 1) / (d))
#define PV_CONTAINER(p, type, member)					\
	((type *)(void *)((char *)(p) - offsetof(type, member)))

#ifdef PV_CHECKED
#define PV_IS_CHECKED	true
#define PV_BOXED(name, box, unbox, repr)				\
	typedef struct { repr v; } name;				\
	static inline name box(repr v) { return (name){ v }; }		\
	static inline repr unbox(name n) { return n.v; }
#else
#define PV_IS_CHECKED	false
#define PV_BOXED(name, box, unbox, repr)				\
	typedef repr name;						\
	static inline name box(repr v) { return v; }			\
	static inline repr unbox(name n) { return n; }
#endif

PV_BOXED(gfn_t, GFN, gfn_x, uint64_t)
PV_BOXED(gref_t, GREF, gref_x, uint32_t)
PV_BOXED(evport_t, EVPORT, evport_x, uint32_t)

#define GFN_NONE	GFN(~(uint64_t)0)
#define GREF_NONE	GREF(~(uint32_t)0)
#define EVPORT_NONE	EVPORT(0)	/* Xen never allocates port 0 */

static inline bool
gfn_eq(gfn_t a, gfn_t b)
{
	return gfn_x(a) == gfn_x(b);
}

static inline bool
gref_eq(gref_t a, gref_t b)
{
	return gref_x(a) == gref_x(b);
}

static inline bool
evport_eq(evport_t a, evport_t b)
{
	return evport_x(a) == evport_x(b);
}

typedef uint64_t pv_pa_t;
typedef uint16_t pv_domid_t;		/* Xen domain id; see xen.h DOMID_* */
typedef uint32_t pv_pci_t;		/* segment << 16 | bus << 8 | devfn */

/* A piece of a consumer's buffer; see lib/iov.h for walking by page. */
struct pv_iov {
	void		*iov_base;
	size_t		 iov_len;	/* bytes */
};

/* Which way data goes, named from the peer's side. */
enum pv_dir {
	PV_PEER_READS,			/* we wrote it, the peer only reads */
	PV_PEER_WRITES			/* the peer writes it (and may read) */
};

#endif /* PV_TYPES_H */

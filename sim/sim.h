/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.h -- a simulated hypervisor, its store and its back ends.
 *
 * Theory.  The simulator stands below two of the library's seams: the port
 * (pv/os.h, by port/host/os.c) and the hypercall (xen_call5).  It knows
 * nothing of the library above them: it speaks the hypercall ABI, the
 * XenStore wire protocol and the ring protocols, from Xen's public headers,
 * so that the objects under test are the shipped ones.
 *
 * One process holds one struct sim with any number of domains.  Domain 0 has
 * the store and the back ends, played by code here; the others are guests
 * driven by the library.  Everything is single-threaded and deterministic:
 *
 *   time      is virtual.  It moves a little with each step and jumps to the
 *             next deadline when nothing is left to do.  A test waits for
 *             minutes in no time, and can not depend on the machine's speed.
 *   threads   works with PV_WORK_SLEEPS run on stacks of their own and switch
 *             only where they wait, so that each can wait for the others.
 *   chance    what runs next is drawn from the seed, which every failure
 *             prints.  Interrupts are taken, and peers take steps, also in the
 *             middle of the library: at each unlock, hypercall and access to
 *             shared memory.
 *
 * What it checks by itself (sim_close() fails the test otherwise):
 *
 *   balance   each allocation, page, mapping, interrupt, work, port, grant and
 *             watch of a guest was given back
 *   grants    no page is freed or reused while an entry grants it or a peer
 *             has it mapped
 *   shared    ring pages, the store's and console's pages, shared info and the
 *             grant table are poisoned for the address sanitizer: only
 *             lib/shm.h can touch them
 *   fetches   no byte of a response is read twice
 *   contexts  nothing waits in an interrupt, in a work that may not sleep or
 *             with a lock held; locks do not recurse
 */

#ifndef SIM_H
#define SIM_H

#include <stdio.h>

#include <pv/types.h>

#include "sim_evil.h"

struct sim;
struct sim_actor;
struct sim_blk;
struct sim_cons;
struct sim_line;
struct sim_dom;
struct sim_net;

#define SIM_MS	(1000ull * 1000)		/* ns */
#define SIM_S	(1000ull * SIM_MS)

/* ---- the world (sim.c) ------------------------------------------------- */
#define SIM_PV		0x1	/* frames are scattered, tables come by
				   GNTTABOP_setup_table; else auto-translated */
#define SIM_CALM	0x2	/* nothing runs in the middle of the library */
#define SIM_REORDER	0x4	/* the store answers in any order */
#define SIM_XS_OFFSET	0x8	/* ring indexes do not start at zero */
#define SIM_2L		0x10	/* event channels without FIFO queues */

/* One at a time; what a failed test left behind is forgotten. */
struct sim *sim_open(uint64_t seed, unsigned int flags);
/* Check the balance, free; returns the number of faults, each printed. */
unsigned int sim_close(struct sim *);
/* Note a fault; the test fails at sim_close(). */
void	 sim_bug(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
/* A fault after which nothing can go on. */
_Noreturn void sim_die(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
/* Lines that the library logged, of a pv_loglevel. */
unsigned int sim_nlog(unsigned int level);
/* 0..n - 1 */
uint32_t sim_rand(uint32_t n);
unsigned int sim_nbug(void);
/* The domain that has the back ends: 0, or a driver domain. */
unsigned int sim_backend_id(const struct sim *);

/*
 * The n-th point (1, 2, ..) where the outside can fail does so, once; 0:
 * none.  sim_failed() tells whether it was reached.
 */
void	 sim_fail_at(struct sim *, unsigned int n);
bool	 sim_failed(const struct sim *);
/* For the simulator: is it now?  what names the point. */
bool	 sim_fail_now(const char *what);

/* Tell lie from the (after + 1)-th occasion on; see sim_evil.h. */
void	 sim_evil(struct sim *, enum sim_lie, unsigned int after);
void	 sim_honest(struct sim *, enum sim_lie);
/* How often the lie was told. */
unsigned int sim_evil_told(const struct sim *, enum sim_lie);

/* ---- time and scheduling (sim_sched.c) --------------------------------- */
uint64_t sim_now(void);
/* Let everything run until fn(arg) or ns passed; returns fn(arg). */
bool	 sim_until(struct sim *, bool (*fn)(void *), void *arg, uint64_t ns);
/* Let everything run for ns. */
void	 sim_run(struct sim *, uint64_t ns);
/*
 * From now on no work that may sleep runs; all: none at all, and there are no
 * interrupts.  false: one does not end.
 */
bool	 sim_freeze(struct sim *, bool all);
void	 sim_thaw(struct sim *);
/* The same of all of them, wherever one waits. */
void	 sim_freeze_now(struct sim *);
/* The domain on whose behalf the library runs now. */
void	 sim_enter(struct sim_dom *);
struct sim_dom *sim_current(void);

/* ---- memory (sim_mem.c) ------------------------------------------------ */
/* Live allocations of the library, pages that it holds and could give back. */
unsigned int sim_nalloc(const struct sim *);
unsigned int sim_npage(const struct sim *);

/* ---- domains (sim_xen.c) ----------------------------------------------- */
struct sim_dom *sim_dom_create(struct sim *, uint16_t id);
/* The domain crashes and is cleaned up by the toolstack. */
/* What a domain builder tells a PV kernel. */
struct pv_xen_boot sim_dom_boot(const struct sim_dom *);
uint16_t sim_dom_id(const struct sim_dom *);
/* SCHEDOP_shutdown's reason, or -1. */
int	 sim_dom_shutdown(struct sim_dom *);
/* Watchdogs that would end it. */
unsigned int sim_dom_nwatchdog(const struct sim_dom *);
unsigned int sim_dom_nport(const struct sim_dom *);	/* ports open */
unsigned int sim_dom_ngrant(const struct sim_dom *);	/* entries granted */
unsigned int sim_dom_nwatch(const struct sim_dom *);
unsigned int sim_dom_nhypercall(const struct sim_dom *, unsigned int op);
/* What becomes of a suspend, and how many there were. */
void	 sim_dom_cancel(struct sim_dom *, bool cancel);
unsigned int sim_dom_nsuspend(const struct sim_dom *);
/* PV: it may have so many pages more than it starts with. */
void	 sim_dom_allow(struct sim_dom *, unsigned int npg);
/* Xen has no memory for it. */
void	 sim_dom_starve(struct sim_dom *, bool);
/* Limits, before attach. */
void	 sim_dom_vcpus(struct sim_dom *, unsigned int);	/* 1..64; 1 */
/* At most 4096; 512 when nothing is said. */
void	 sim_dom_limit_ports(struct sim_dom *, unsigned int);
void	 sim_dom_limit_gnttab(struct sim_dom *, unsigned int nframes);
/* From now on this Xen answers rv to a command of a hypercall; 0: no more. */
void	 sim_dom_refuse(struct sim_dom *, unsigned int op, unsigned int cmd,
	    int rv);
/* Entries that peers of the simulator have mapped: 0 when all is quiet. */
unsigned int sim_dom_nmapped(const struct sim_dom *);
/* Domain 0 maps what an entry grants it, for a while. */
bool	 sim_dom_map(struct sim_dom *, uint32_t ref);
void	 sim_dom_unmap(struct sim_dom *, uint32_t ref);
/* An event on a port of the guest's that nothing announced. */
void	 sim_dom_event(struct sim_dom *, uint32_t port);
void	 sim_dom_storm(struct sim_dom *);	/* on all its ports */
/* FIFO: vCPU 0 is told of a queue that has nothing in it. */
void	 sim_fifo_nothing(struct sim_dom *);
/* Has the guest an event on the port that it did not clear? */
bool	 sim_dom_pending(const struct sim_dom *, uint32_t port);
/* The vCPU whose upcall runs now, or -1. */
int	 sim_dom_vcpu(void);
/* A VIRQ of a vCPU's. */
void	 sim_dom_virq(struct sim_dom *, unsigned int vcpu, unsigned int virq);

/* ---- the store, as the toolstack sees it (sim_store.c) ----------------- */
void	 sim_store_write(struct sim *, const char *path, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));
void	 sim_store_write_raw(struct sim *, const char *path, const void *,
	    size_t);
/* NULL when not there; valid until the node changes. */
const char *sim_store_read(struct sim *, const char *path);
uint64_t sim_store_num(struct sim *, const char *path, uint64_t dflt);
void	 sim_store_rm(struct sim *, const char *path);
bool	 sim_store_exists(struct sim *, const char *path);
void	 sim_store_chown(struct sim *, const char *path, uint16_t owner);
/* What the store offers on the domain's ring: XENSTORE_SERVER_FEATURE_*. */
void	 sim_store_offer(struct sim_dom *, uint32_t features);
/* Another store takes over: it knows no watch, request and transaction of
   before, and connects each guest after ns. */
void	 sim_store_restart(struct sim *, uint64_t ns);
/* While it is held the store reads and answers nothing. */
void	 sim_store_hold(struct sim_dom *, bool);
/* Connections that the guest asked for. */
unsigned int sim_store_nreconnect(const struct sim_dom *);
/* Quotas per domain. */
void	 sim_store_limit(struct sim *, unsigned int nwatch, unsigned int nnode,
	    unsigned int ntrans);

/* ---- back ends --------------------------------------------------------- */
/* How a peer ends: politely; without a word; and then perhaps back again. */
struct sim_blk_cfg {
	unsigned int	 bc_vdev;	/* 51712 is xvda */
	uint64_t	 bc_nsect;	/* 512-byte sectors */
	unsigned int	 bc_flags;
#define SIM_BLK_RO	0x01
#define SIM_BLK_NOFLUSH	0x02		/* no flush, no barrier */
#define SIM_BLK_CDROM	0x04
#define SIM_BLK_DISCARD	0x08
#define SIM_BLK_UNTRUSTED 0x10		/* trusted=0 in the front's directory */
#define SIM_BLK_SLOW	0x20		/* answers take a second */
#define SIM_BLK_SILENT	0x40		/* keeps what the test wrote of it */
#define SIM_BLK_PUPPET	0x80		/* serves nothing: the test does */
#define SIM_BLK_PLAIN	0x100		/* one queue, one page of ring, nothing
					   indirect */
#define SIM_BLK_NOLAST	0x200		/* no persistent grants */
#define SIM_BLK_4K	0x400		/* sector-size 4096 */
};
struct sim_blk *sim_blk_create(struct sim_dom *, const struct sim_blk_cfg *);
uint8_t	*sim_blk_data(struct sim_blk *);		/* the disk */
void	 sim_blk_unplug(struct sim_blk *);	/* xl block-detach */
void	 sim_blk_vanish(struct sim_blk *);	/* nodes and all, rudely */
void	 sim_blk_restart(struct sim_blk *);	/* closes, comes anew */
/* Its domain ends; it, or another one, comes with the same disk. */
void	 sim_blk_die(struct sim_blk *);
void	 sim_blk_revive(struct sim_blk *, uint16_t id);
void	 sim_blk_resize(struct sim_blk *, uint64_t nsect);
void	 sim_blk_error(struct sim_blk *, unsigned int n, int16_t status);
unsigned int sim_blk_nreq(const struct sim_blk *);	/* requests served */
unsigned int sim_blk_nflush(const struct sim_blk *);
uint16_t sim_blk_home(const struct sim_blk *);	/* its domain */
unsigned int sim_blk_nindirect(const struct sim_blk *);
unsigned int sim_blk_nkept(const struct sim_blk *);	/* segments in pages
							   mapped before */
unsigned int sim_blk_queue_nreq(const struct sim_blk *, unsigned int no);
/* Queues to offer at the next start, 0 to 4; 2 at first, 0 when PLAIN. */
void	 sim_blk_queues(struct sim_blk *, unsigned int);
unsigned int sim_blk_pending(const struct sim_blk *);	/* taken, unanswered */
int	 sim_blk_state(const struct sim_blk *);	/* XenbusState of back */
void	 sim_blk_set_state(struct sim_blk *, const char *);	/* write it */
void	 sim_blk_hold(struct sim_blk *, bool);		/* answer nothing */
/* Write into the ring's page and notify, as a puppet's own doing. */
void	 sim_blk_poke(struct sim_blk *, unsigned int off, const void *,
	    size_t len);

struct sim_net_cfg {
	unsigned int	 nc_devid;
	unsigned int	 nc_mtu;	/* 0: 1500 */
	unsigned int	 nc_flags;
#define SIM_NET_ECHO	0x01		/* what is sent comes back */
#define SIM_NET_NOSG	0x02
#define SIM_NET_SPLIT	0x04		/* offers split event channels */
#define SIM_NET_UNTRUSTED 0x08
#define SIM_NET_GSO	0x10		/* offers TSO */
#define SIM_NET_FRAG	0x20		/* splits what it delivers */
#define SIM_NET_PUPPET	0x40		/* serves nothing: the test does */
#define SIM_NET_MQ	0x80		/* offers four queues */
#define SIM_NET_MCAST	0x100		/* offers multicast control */
#define SIM_NET_DYNAMIC	0x200		/* the same, to be asked any time */
#define SIM_NET_CTRL	0x400		/* offers a control ring */
};
struct sim_net *sim_net_create(struct sim_dom *, const struct sim_net_cfg *);
void	 sim_net_unplug(struct sim_net *);
void	 sim_net_vanish(struct sim_net *);
void	 sim_net_restart(struct sim_net *);
void	 sim_net_die(struct sim_net *);		/* as sim_blk_* */
void	 sim_net_revive(struct sim_net *, uint16_t id);
uint16_t sim_net_home(const struct sim_net *);
/* Deliver a frame when there is a buffer; flags are NETRXF_*. */
void	 sim_net_deliver(struct sim_net *, const void *, size_t len,
	    unsigned int flags);
/* The last frame that the guest sent. */
const uint8_t *sim_net_last(const struct sim_net *, size_t *len,
	    unsigned int *flags);
unsigned int sim_net_ntx(const struct sim_net *);
/* A frame of segments, its checksum blank: XEN_NETIF_GSO_TYPE_*. */
void	 sim_net_deliver_gso(struct sim_net *, const void *, size_t len,
	    uint16_t size, uint8_t type);
/* Of the last frame: bytes of a segment, or 0, and the type. */
uint16_t sim_net_last_gso(const struct sim_net *, uint8_t *type);
/* Other SIM_NET_*, from the next restart on. */
void	 sim_net_offers(struct sim_net *, unsigned int flags);
unsigned int sim_net_nqueue(const struct sim_net *);	/* connected */
unsigned int sim_net_queue_ntx(const struct sim_net *, unsigned int queue);
bool	 sim_net_is_split(const struct sim_net *);
unsigned int sim_net_nrx(const struct sim_net *);
unsigned int sim_net_queued(const struct sim_net *);
unsigned int sim_net_queue_nrx(const struct sim_net *, unsigned int queue);
/* Addresses in the filter; whether it is one of them; it is to be used. */
unsigned int sim_net_nmcast(const struct sim_net *);
bool	 sim_net_has_mcast(const struct sim_net *, const uint8_t mac[6]);
bool	 sim_net_filters(struct sim_net *);
void	 sim_net_mcast_room(struct sim_net *, unsigned int);
/* Frames that the filter kept back. */
unsigned int sim_net_nfiltered(const struct sim_net *);
/* The front end has a control ring; hashes; entries in their table. */
bool	 sim_net_has_ctrl(const struct sim_net *);
uint32_t sim_net_hashes(const struct sim_net *);
unsigned int sim_net_ntable(const struct sim_net *);
/* Control orders of that type are refused; the table has so many entries. */
void	 sim_net_ctrl_refuse(struct sim_net *, unsigned int type);
void	 sim_net_ctrl_room(struct sim_net *, unsigned int);
void	 sim_net_ctrl_mute(struct sim_net *, bool);	/* no answers */
void	 sim_net_carrier(struct sim_net *, bool);
int	 sim_net_state(const struct sim_net *);
void	 sim_net_set_state(struct sim_net *, const char *);
void	 sim_net_hold(struct sim_net *, bool);
/* Into the page of the receive ring, or else of the transmit ring. */
void	 sim_net_poke(struct sim_net *, bool rx, unsigned int off,
	    const void *, size_t len);

/* The primary console's daemon. */
struct sim_cons *sim_cons_of(struct sim_dom *);
const char *sim_cons_output(struct sim_cons *, size_t *len);
void	 sim_cons_input(struct sim_cons *, const char *, size_t len);
size_t	 sim_cons_unread(const struct sim_cons *);	/* input in the ring */
void	 sim_cons_hold(struct sim_cons *, bool);	/* reads nothing */
/* What the page says of whoever reads: 0 connected, 1 not, others: nothing. */
void	 sim_cons_flag(struct sim_cons *, uint8_t);
/* A further console, which echoes; name: NULL, or what it is for. */
struct sim_line *sim_line_create(struct sim_dom *, unsigned int devid,
	    const char *name);
void	 sim_line_unplug(struct sim_line *);

#endif /* SIM_H */

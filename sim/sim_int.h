/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_int.h -- what the simulator's files share with each other and with
 * port/host/os.c, and nobody else.
 */

#ifndef SIM_INT_H
#define SIM_INT_H

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <pv/errno.h>
#include <pv/types.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>

#include <os_types.h>

#include "list.h"
#include "shm.h"
#include "sim.h"
#include "sim_virtio.h"

/* ---- sim.c ------------------------------------------------------------- */
enum sim_ctx { SIM_THREAD, SIM_DEFERRED, SIM_IRQ };

#define SIM_NTHREAD	64
#define SIM_STACK	(512u * 1024)

struct sim_thread {
	ucontext_t	 th_uc;
	const void	*th_low;	/* the stack, for the sanitizer */
	size_t		 th_size;
	void		*th_fake;
	bool		 th_idle;	/* has nothing to run */
	bool		 th_waiting;
	uint64_t	 th_deadline;
	struct pv_os_event *th_event;	/* waits for it, or .. */
	bool		(*th_cond)(void *);	/* .. for this */
	void		*th_condarg;
	struct sim_dom	*th_dom;
	struct pv_os_work *th_work;	/* to run, or being run */
};

/* Something of the simulator's own that wants to take steps. */
struct sim_actor {
	struct list	 ac_link;
	void		(*ac_fn)(void *);
	void		*ac_arg;
	bool		 ac_pending;
	uint64_t	 ac_due;
};

#define SIM_NDOM	4
#define SIM_NTRACE	32	/* pages whose reads are watched */

struct sim_lie_state {
	bool		 li_armed;
	unsigned int	 li_after;
	unsigned int	 li_told;
};

struct sim_irq {
	struct pv_os_irq *iq_irq;
	struct sim_dom	*iq_dom;
	bool		 iq_line, iq_pending;
	unsigned int	 iq_num;	/* of the line */
};
#define SIM_NIRQ	64

struct sim {
	uint64_t	 s_seed, s_rng, s_now;
	unsigned int	 s_flags, s_nbug;
	unsigned int	 s_nlog[4];	/* lines by level */
	bool		 s_open;
	/* failure points */
	unsigned int	 s_point, s_fail_at;
	bool		 s_failed;
	struct sim_lie_state s_lie[SIM_EVIL_NLIE];
	/* scheduling */
	struct sim_thread s_thread[SIM_NTHREAD];
	struct sim_thread *s_self;
	struct sim_thread *s_from;	/* who switched to us */
	enum sim_ctx	 s_ctx;
	unsigned int	 s_nlock;
	unsigned int	 s_nslow;	/* works that may sleep, running */
	bool		 s_noslow, s_nowork;	/* none runs; sim_freeze() */
	bool		 s_masked;	/* a lock keeps interrupts away */
	unsigned int	 s_inside;	/* in the simulator: no steps */
	uint64_t	 s_nstep;
	struct pv_os_work *s_works;
	bool		 s_group[256];	/* has a work that runs */
	struct list	 s_actors;
	struct sim_dom	*s_curdom;
	struct sim_vcpu	*s_curvcpu;	/* whose upcall runs, or NULL */
	/* domains and the store */
	uint16_t	 s_backid;	/* the domain that has the back ends */
	uint64_t	 s_removed;	/* when a device was last taken away */
	struct sim_dom	*s_dom[SIM_NDOM];
	struct sim_store *s_store;
	struct list	 s_blks, s_nets, s_lines, s_vdevs;
	/* devices with registers and interrupts of their own */
	struct list	 s_pcis;
	struct sim_irq	 s_irq[SIM_NIRQ];
	int		 s_level[256];	/* lines: who holds it up */
	struct sim_regs	*s_wrote;	/* a write that was announced .. */
	unsigned int	 s_wroteoff;	/* .. and where */
};

extern struct sim *sim_world;

/* ---- sim_evil.c -------------------------------------------------------- */
/* Is it time to tell this lie?  Counts the occasions. */
bool	 sim_evil_now(enum sim_lie);
bool	 sim_evil_armed(enum sim_lie);

/* ---- sim_sched.c ------------------------------------------------------- */
void	 sim_sched_init(struct sim *);
void	 sim_sched_free(struct sim *);
void	 sim_sched_actor(struct sim_actor *, void (*fn)(void *), void *arg);
void	 sim_sched_kick(struct sim_actor *, uint64_t delay);
void	 sim_sched_drop(struct sim_actor *);
/* A moment at which peers and interrupts may come between. */
void	 sim_sched_chance(void);
int	 sim_sched_wait(struct pv_os_event *, bool (*cond)(void *), void *arg,
	    uint64_t deadline);
void	 sim_sched_defer(struct pv_os_work *, uint64_t delay);
void	 sim_sched_cancel(struct pv_os_work *);
unsigned int sim_sched_nwork(void);	/* pending */

/* ---- sim_mem.c --------------------------------------------------------- */
#define SIM_PAGES	8192u
#define SIM_GFN_BASE	0x10000u

enum sim_pgstate { SIM_PG_FREE, SIM_PG_GUEST, SIM_PG_XEN };

struct sim_page {
	enum sim_pgstate pg_state;
	struct sim_dom	*pg_dom;
	unsigned int	 pg_run;	/* pages of the allocation; its first */
	unsigned int	 pg_pins;	/* mapped by peers */
	unsigned int	 pg_maps;	/* pv_os_map()ped */
	bool		 pg_shared;	/* poisoned until it is freed */
	bool		 pg_frame;	/* one of Xen's frames lies here */
	bool		 pg_hole;	/* nothing lies here */
	bool		 pg_kept;	/* Xen writes here for ever */
	bool		 pg_alias;	/* a peer's page is mapped here */
	struct sim_regs	*pg_regs;	/* registers are here */
	void		*pg_site;
	uint8_t		*pg_mark;	/* watched: bytes that were read */
	unsigned int	 pg_lo, pg_hi;	/* of these offsets only */
};

void	 sim_mem_init(struct sim *);
unsigned int sim_mem_check(struct sim *);	/* what is left; prints */
void	*sim_mem_xen_page(struct sim_dom *);	/* a frame of Xen's */
void	 sim_mem_xen_free(void *);
struct sim_page *sim_mem_page(const void *va);	/* or NULL */
struct sim_page *sim_mem_gfn_page(uint64_t gfn);	/* or NULL */
void	*sim_mem_gfn_va(uint64_t gfn);			/* or NULL */
uint64_t sim_mem_gfn(const void *va);
/* A peer reaches the page: keep the library's own hands off it. */
void	 sim_mem_share(void *page);
/* And notice what is read twice of the bytes lo .. hi - 1. */
void	 sim_mem_watch(void *page, unsigned int lo, unsigned int hi);
/* These may be read again and again all the same; after sim_mem_watch(). */
void	 sim_mem_polled(void *va, size_t len);
void	 sim_mem_poison(void *va, size_t len);
void	 sim_mem_unpoison(void *va, size_t len);
/* Other frames for all pages, when there is one guest only. */
void	 sim_mem_renumber(void);
void	 sim_mem_keep(void *page);
void	 sim_mem_alias(void *va, const void *of);
/* The peer wrote here: it may be read (again). */
void	 sim_mem_fresh(const volatile void *va, size_t len);
void	 sim_mem_put(volatile void *dst, const void *src, size_t len);
void	 sim_mem_get(void *dst, const volatile void *src, size_t len);

void	*sim_mem_alloc(size_t len, void *site);
void	 sim_mem_free(void *p, size_t len);
void	*sim_mem_pages_alloc(unsigned int npg, void *site);
void	 sim_mem_pages_free(void *va, unsigned int npg);
void	*sim_mem_map(uint64_t pa, size_t len, bool device);
void	 sim_mem_unmap(void *va, size_t len);

/* ---- sim_regs.c -------------------------------------------------------- */
struct sim_regs_ops {
	/* Put the value there now. */
	void		(*ro_read)(void *, unsigned int off, unsigned int len);
	void		(*ro_before)(void *, unsigned int off);	/* a write */
	void		(*ro_write)(void *, unsigned int off);	/* it is done */
};
struct sim_regs {
	const struct sim_regs_ops *rg_ops;
	void		*rg_arg;
	uint8_t		*rg_page;
};
/* A page of registers. */
struct sim_regs *sim_regs_create(const struct sim_regs_ops *, void *arg);
void	 sim_regs_free(struct sim_regs *);
uint64_t sim_regs_pa(const struct sim_regs *);
void	 sim_regs_put(struct sim_regs *, unsigned int off, const void *,
	    size_t len);
void	 sim_regs_get(struct sim_regs *, unsigned int off, void *, size_t len);
uint32_t sim_regs_value(struct sim_regs *, unsigned int off,
	    unsigned int width);
void	 sim_regs_flush(void);
void	 sim_regs_access(struct sim_regs *, const void *, size_t len);

/* ---- sim_irq.c --------------------------------------------------------- */
struct pv_irqsrc;
int	 sim_irq_attach(struct pv_os_irq *, struct pv_irqsrc *);
bool	 sim_irq_detach(struct pv_os_irq *);	/* false: is none of ours */
/* One more, or one fewer, holds the line up. */
void	 sim_irq_level(unsigned int line, bool up);
void	 sim_irq_message(uint64_t addr, uint32_t data);
bool	 sim_irq_due(const struct sim_irq *);
void	 sim_irq_check(void);

/* ---- sim_virtio.c ------------------------------------------------------ */
void	 sim_vdev_free(struct sim_vdev *);

/* ---- sim_xen.c --------------------------------------------------------- */
#define SIM_NPORT	4096		/* most that a domain may have */
#define SIM_FIFO_NWORD	1024u
#define SIM_NFIFO	(SIM_NPORT / SIM_FIFO_NWORD)
#define SIM_NPARAM	64
#define SIM_GT_FRAMES	16		/* most that a domain may have */
#define SIM_GT_PERFRAME	512
#define SIM_NOP		64

enum sim_port_state {
	SIM_PORT_FREE, SIM_PORT_UNBOUND, SIM_PORT_BOUND, SIM_PORT_VIRQ,
	SIM_PORT_IPI, SIM_PORT_TAKEN	/* only to push the others up */
};

struct sim_port {
	enum sim_port_state po_state;
	uint16_t	 po_peer;	/* domain */
	uint32_t	 po_remote;	/* port there */
	uint16_t	 po_as;		/* domain 0: acts as this domain */
	uint32_t	 po_virq;
	unsigned int	 po_vcpu;
	unsigned int	 po_priority;	/* FIFO */
	bool		 po_pending;	/* FIFO: the guest has no word yet */
	struct sim_actor *po_actor;	/* domain 0: to kick */
};

#define SIM_NWATCHDOG 2			/* as Xen has */
#define SIM_NMAP	1024

struct sim_map {
	bool		 ma_used, ma_readonly;
	uint16_t	 ma_dom;
	uint32_t	 ma_ref;
	void		*ma_va;
};

#define SIM_NVCPU	64

struct sim_vcpu {
	struct sim_dom	*v_dom;
	struct vcpu_info *v_info;
	bool		 v_registered;	/* it has a place of its own */
	bool		 v_pending;	/* an upcall is due */
	bool		 v_running;	/* .. or is under way */
	struct evtchn_fifo_control_block *v_control;
	uint32_t	 v_tail[EVTCHN_FIFO_MAX_QUEUES];
	struct pv_os_irq *v_irq;
};

#define SIM_NREFUSE	4		/* commands refused at a time */

struct sim_refuse {
	unsigned int	 rf_op, rf_cmd;
	int		 rf_rv;		/* 0: none */
};

struct sim_dom {
	struct sim	*d_sim;
	struct sim_refuse d_refuse[SIM_NREFUSE];
	uint16_t	 d_id;
	/* event channels */
	struct shared_info *d_shared;
	void		*d_shared_xen;	/* Xen's own page, before a guest's */
	struct sim_vcpu	 d_vcpu[SIM_NVCPU];
	unsigned int	 d_nvcpu;
	bool		 d_is_fifo;
	uint32_t	*d_fifo[SIM_NFIFO];	/* pages of event words */
	unsigned int	 d_nfifo;
	uint32_t	*d_tail[SIM_NPORT];	/* of its last queue */
	struct sim_port	 d_port[SIM_NPORT];
	unsigned int	 d_maxport;
	bool		 d_callback;	/* HVM: a callback was set */
	/* grants */
	void		*d_gt[SIM_GT_FRAMES];
	unsigned int	 d_ngt, d_maxgt;
	uint16_t	*d_npin;	/* per entry: maps by peers */
	struct sim_map	 d_map[SIM_NMAP];	/* what this one has mapped */
	/* the rest */
	uint64_t	 d_param[SIM_NPARAM];
	int		 d_shutdown;
	bool		 d_cancel;	/* a suspend */
	bool		 d_starved;	/* gets no memory */
	unsigned int	 d_ngiven;	/* PV: frames that Xen was given */
	unsigned int	 d_nmore;	/* and those allowed later */
	unsigned int	 d_nsuspend;
	uint64_t	 d_watchdog[SIM_NWATCHDOG]; /* when; NEVER: stopped */
	unsigned int	 d_ncall[SIM_NOP];
	char		*d_said;	/* console_io */
	size_t		 d_nsaid;
	struct sim_conn	*d_conn;	/* to the store */
	struct sim_cons	*d_cons;
};

struct sim_dom *sim_dom_find(struct sim *, uint16_t id);
void	 sim_xen_free(struct sim_dom *);
unsigned int sim_xen_check(struct sim_dom *);

/* What the toolstack writes for a guest, new or moved. */
void	 sim_dom_store(struct sim_dom *);

/* ---- sim_suspend.c ----------------------------------------------------- */
long	 sim_suspend(struct sim_dom *);	/* the hypercall's result */

/* ---- sim_evtchn.c ------------------------------------------------------ */
long	 sim_evtchn_op(struct sim_dom *, unsigned int cmd, void *arg);
/*
 * For peers: the other end of a guest's unbound port; 0 or -PV_E*.  The ports
 * of all peers are kept in domain 0, whichever domain they act as.
 */
int	 sim_evtchn_bind(struct sim_dom *, uint16_t as, uint32_t remote,
	    struct sim_actor *, uint32_t *port);
/* For the builder: a guest's port already bound to domain 0. */
uint32_t sim_evtchn_pair(struct sim_dom *, struct sim_actor *, uint32_t *back);
void	 sim_evtchn_close0(struct sim *, uint32_t port);
void	 sim_evtchn_send0(struct sim *, uint32_t port);	/* by domain 0 */
void	 sim_evtchn_raise(struct sim_dom *, uint32_t port);
bool	 sim_evtchn_bit(const volatile unsigned long *map, uint32_t port);
/* Is an upcall due? */
bool	 sim_evtchn_due(const struct sim_vcpu *);
/* Have the vCPU make one. */
void	 sim_evtchn_mark(struct sim_vcpu *);
/* The shared info page has moved: those of its struct vcpu_info in use too. */
void	 sim_evtchn_moved(struct sim_dom *);

/* ---- sim_fifo.c -------------------------------------------------------- */
void	 sim_fifo_raise(struct sim_dom *, uint32_t port);
void	 sim_fifo_unmask(struct sim_dom *, uint32_t port);
void	 sim_fifo_close(struct sim_dom *, uint32_t port);
bool	 sim_fifo_pending(const struct sim_dom *, uint32_t port);
long	 sim_fifo_control(struct sim_dom *, struct evtchn_init_control *);
long	 sim_fifo_expand(struct sim_dom *, const struct evtchn_expand_array *);
long	 sim_fifo_priority(struct sim_dom *,
	    const struct evtchn_set_priority *);

/* ---- sim_gnttab.c ------------------------------------------------------ */
long	 sim_gnttab_op(struct sim_dom *, unsigned int cmd, void *arg,
	    unsigned int n);
/* For peers: host address of a granted page, or NULL. */
void	*sim_gnttab_map(struct sim_dom *, uint16_t as, uint32_t ref,
	    bool readonly);
void	 sim_gnttab_unmap(struct sim_dom *, uint32_t ref, bool readonly);
/* A granted page for as long as a copy takes, or NULL. */
uint8_t	*sim_gnttab_look(struct sim_dom *, uint16_t as, uint32_t ref,
	    bool write);
/* sim_gntmap.c: for guests. */
void	 sim_gntmap_map(struct sim_dom *, struct gnttab_map_grant_ref *);
void	 sim_gntmap_unmap(struct sim_dom *, struct gnttab_unmap_grant_ref *);
void	 sim_gntmap_copy(struct sim_dom *, struct gnttab_copy *);
void	 sim_gntmap_check(const struct sim_dom *);
/* Does an entry grant this frame? */
bool	 sim_gnttab_granted(struct sim_dom *, uint64_t gfn, uint32_t *ref);

/* ---- sim_store.c, sim_conn.c ------------------------------------------- */
struct sim_tree;
void	 sim_store_init(struct sim *);
void	 sim_store_free(struct sim *);
void	 sim_store_watch(struct sim *, const char *path, struct sim_actor *);
void	 sim_store_unwatch(struct sim *, struct sim_actor *);
void	 sim_conn_create(struct sim_dom *);
void	 sim_conn_destroy(struct sim_dom *);
/* Is nothing under way?  A fault if not.  And then: the domain has moved. */
void	 sim_conn_quiet(struct sim_conn *);
void	 sim_conn_move(struct sim_dom *);
unsigned int sim_conn_nwatch(const struct sim_dom *);
/* Tell of watches and transactions that were left. */
void	 sim_conn_check(const struct sim_dom *);
/* A node changed: tell the connections that watch it. */
void	 sim_conn_fire(struct sim *, const char *path);

/* ---- back ends --------------------------------------------------------- */
void	 sim_blk_free(struct sim_blk *);
void	 sim_net_free(struct sim_net *);
void	 sim_line_free(struct sim_line *);
void	 sim_cons_create(struct sim_dom *);
void	 sim_cons_destroy(struct sim_dom *);
void	 sim_cons_move(struct sim_dom *);	/* the domain has moved */

static inline void
sim_inside(void)
{
	sim_world->s_inside++;
}

static inline void
sim_outside(void)
{
	sim_world->s_inside--;
}

#endif /* SIM_INT_H */

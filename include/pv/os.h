/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/os.h -- the port: what libdomus needs from the kernel it lives in.
 *
 * 23 functions in five groups.  A kernel adopts libdomus by writing them in
 * one file (port/stub/os.c is the one to copy) together with os_types.h,
 * which defines, to be embedded by value:
 *
 *	struct pv_os_lock	a spinning lock
 *	struct pv_os_event	something to wait for
 *	struct pv_os_irq	a registered interrupt
 *	struct pv_os_work	deferred work; it must have the members
 *		void	(*pw_fn)(void *);	set by the library
 *		void	 *pw_arg;		set by the library
 *		unsigned int pw_flags;		PV_WORK_*, set by the library
 *	pv_os_ipl_t		the interrupt state that a lock saves
 *
 * For each of them all bytes zero is the initial state, so initialisation
 * can not fail and there is nothing to destroy.
 *
 * Contexts, from the most to the least restricted:
 *
 *   any        interrupt handlers included; must not sleep
 *   deferred   a work without PV_WORK_SLEEPS; must not sleep, may allocate
 *   thread     a work with PV_WORK_SLEEPS or a thread of the kernel; may
 *              call pv_os_wait()
 *
 * Tiers: the functions marked [0] are all that a polled driver needs, with
 * pv_poll() called by the kernel; [1] adds interrupts, [2] mapping back
 * ends and the balloon, [3] PCI.
 */

#ifndef PV_OS_H
#define PV_OS_H

#include <pv/errno.h>
#include <pv/types.h>

#define PV_WORK_SLEEPS	1u	/* pw_flags: the work calls pv_os_wait() */
/*
 * And the work's group, 0 .. 255.  Of works without PV_WORK_SLEEPS those of
 * one group never run at the same time; those of different groups may, each
 * group on a CPU of its own.  The library has a group for each device.
 */
#define PV_WORK_GROUP(n)	((n) % 256u << 8)
#define PV_WORK_GROUP_OF(flags)	((flags) >> 8)

#include <os_types.h>

enum pv_memtype {
	PV_MEM_DEVICE,		/* MMIO, uncached, access width as written */
	PV_MEM_XEN		/* a frame of the hypervisor's: shared info,
				   grant table, store and console rings; pa is
				   gfn << 12 */
};

enum pv_irqkind {
	PV_IRQ_XEN,		/* the Xen event upcall of a vCPU: is_num */
	PV_IRQ_LINE,		/* a wired interrupt, is_num = line; shared:
				   each that is registered for it is called */
	PV_IRQ_MSI		/* a message of is_pci's */
};

struct pv_irqsrc {
	enum pv_irqkind	 is_kind;
	uint32_t	 is_num;
	pv_pci_t	 is_pci;
	/* Set by the port for PV_IRQ_MSI: what the device must write, where. */
	uint64_t	 is_msgaddr;
	uint32_t	 is_msgdata;
};

enum pv_loglevel {
	PV_LOG_ERR,
	PV_LOG_WARN,
	PV_LOG_INFO,
	PV_LOG_DEBUG
};

/* ---- memory ----------------------------------------------------------- */

/*
 * [0] pv_os_alloc -- len bytes, zeroed, aligned for any object
 *
 * len is at least 1.  The memory is never shared with a peer: pages that a
 * peer sees come from pv_os_pages_alloc().
 * Returns NULL when there is no memory; the library unwinds and reports it.
 * Context: deferred, thread.
 */
void	*pv_os_alloc(size_t len);

/*
 * [0] pv_os_free -- give back what pv_os_alloc() returned
 *
 * p may be NULL.  len is the length that was asked for.
 * Context: deferred, thread.
 */
void	 pv_os_free(void *p, size_t len);

/*
 * [0] pv_os_pages_alloc -- npg whole pages, zeroed, page aligned
 *
 * npg is at least 1.  The pages are contiguous in va and in pfn; under Xen
 * PV their machine frames need not be contiguous.  Nothing else of the
 * kernel lives in them, so they may be shown to a peer whole.
 * Returns NULL when there is no memory.
 * Context: deferred, thread.
 */
void	*pv_os_pages_alloc(unsigned int npg);

/*
 * [0] pv_os_pages_free -- give back what pv_os_pages_alloc() returned
 *
 * The library calls it only when no peer can reach the pages any more.
 * Context: deferred, thread.
 */
void	 pv_os_pages_free(void *va, unsigned int npg);

/*
 * [0] pv_os_gfn -- the frame number under which the hypervisor knows a page
 *
 * va is any address inside memory from pv_os_pages_alloc(), or inside a
 * buffer that a consumer passed in a pv_iov; it need not be page aligned.
 * HVM, PVH, QEMU:  guest-physical address >> 12.
 * Xen PV:          the machine frame, p2m[pfn], not the pfn.
 * Example (PV): pfn 0x1234 backed by mfn 0x9abcd; returns gfn 0x9abcd.
 *
 * The answer holds until pv_os_rebind() is called on the page.
 * Failure: none; memory that the port can not translate must not reach the
 *          library (use the bounce DMA back end for it).
 * Context: any.
 */
gfn_t	 pv_os_gfn(const void *va);

/*
 * [0] pv_os_map -- make a physical range addressable
 *
 * pa need not be page aligned; the result points at the byte pa.  Example:
 * pa 0xfeb01010, len 0x20: map page 0xfeb01000, return its va + 0x10.
 * PV_MEM_DEVICE is mapped uncached.  PV_MEM_XEN is ordinary cached memory
 * of the hypervisor's; under Xen PV pa is a machine address.
 * Returns NULL when it can not be mapped.
 * Context: thread.
 */
void	*pv_os_map(pv_pa_t pa, size_t len, enum pv_memtype type);

/*
 * [0] pv_os_unmap -- undo pv_os_map(); va and len as it returned and got
 *
 * Context: thread.
 */
void	 pv_os_unmap(void *va, size_t len);

/*
 * [2] pv_os_rebind -- the page at va is now backed by gfn
 *
 * va is the start of a page of pv_os_pages_alloc().  GFN_NONE: nothing is
 * behind it any more and the kernel must not touch it (balloon, windows).
 * Updates the kernel's own tables (Xen PV: page table and p2m).
 * Returns 0 or -PV_ENOMEM, -PV_EINVAL.
 * Context: thread.
 */
int	 pv_os_rebind(void *va, gfn_t gfn);

/* ---- interrupts and locks --------------------------------------------- */

/*
 * [1] pv_os_irq_attach -- call fn(arg) when the interrupt comes
 *
 * fn runs in interrupt context with local interrupts masked.  The port
 * acknowledges its controller; fn acknowledges the device.  For PV_IRQ_XEN
 * there is one registration per vCPU, and fn runs on that vCPU; a kernel that
 * never attached another has one for vCPU 0.  For PV_IRQ_MSI the port
 * allocates a vector and fills in the message; the library writes it to the
 * device's table.
 * Returns 0, -PV_ENOSYS (no such kind here), -PV_EBUSY, -PV_EINVAL.
 * Context: thread.
 */
int	 pv_os_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src,
	    void (*fn)(void *), void *arg);

/*
 * [1] pv_os_irq_detach -- on return fn is not running and will not run
 *
 * Context: thread.
 */
void	 pv_os_irq_detach(struct pv_os_irq *irq);

/*
 * [0] pv_os_lock -- take a lock, local interrupts masked
 *
 * Spins; never sleeps.  Not recursive.  Returns the interrupt state which
 * pv_os_unlock() puts back.  Locks nest in the order taken.
 * Context: any.
 */
pv_os_ipl_t pv_os_lock(struct pv_os_lock *lk);

/*
 * [0] pv_os_unlock -- release a lock
 *
 * Context: any; the CPU that took it.
 */
void	 pv_os_unlock(struct pv_os_lock *lk, pv_os_ipl_t ipl);

/* ---- time, waiting, deferred work ------------------------------------- */

/*
 * [0] pv_os_now -- nanoseconds since some fixed past moment; never goes back
 *
 * Context: any.
 */
uint64_t pv_os_now(void);

/*
 * [1] pv_os_wait -- sleep until the event is woken or the deadline passes
 *
 * deadline is in the clock of pv_os_now(); UINT64_MAX waits for ever.  A
 * return of 0 consumes one wake.  A port without threads runs due works and
 * pv_poll() here until one of the two comes true; works with PV_WORK_SLEEPS
 * only when none of them is in the middle of such a wait, for they may wait
 * for each other to end.
 * Returns 0 or -PV_ETIMEDOUT.
 * Context: thread.  At most one waiter per event.
 */
int	 pv_os_wait(struct pv_os_event *ev, uint64_t deadline);

/*
 * [1] pv_os_wake -- wake the waiter of an event, or the next one to come
 *
 * Sticky: a wake that comes before the wait is not lost.  Several wakes
 * without a wait between them count once.
 * Context: any.
 */
void	 pv_os_wake(struct pv_os_event *ev);

/*
 * [1] pv_os_defer -- run a work's pw_fn(pw_arg) at least delay_ns from now
 *
 * While the work is pending further calls coalesce; a call with an earlier
 * time moves it forward.  A work that is running may be deferred again (by
 * itself too) and then runs once more.  A work never runs twice at once, nor
 * do two of one group; one thread for all of them will do.
 * With PV_WORK_SLEEPS in pw_flags it runs in thread context and must not
 * keep works without that flag from running.
 * Context: any.
 */
void	 pv_os_defer(struct pv_os_work *work, uint64_t delay_ns);

/*
 * [1] pv_os_cancel -- on return the work is neither pending nor running
 *
 * Called from the work itself it only unmarks it pending.
 * Context: thread.
 */
void	 pv_os_cancel(struct pv_os_work *work);

/* ---- bus access (only with PCI or legacy virtio) ----------------------- */

/*
 * [3] pv_os_pci_read -- configuration space, width 1, 2 or 4 bytes
 *
 * reg is a byte offset aligned to width; values are as the CPU sees them.
 * All ones when there is no such function.
 * Context: any.
 */
uint32_t pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width);

/* [3] pv_os_pci_write -- the other way; Context: any. */
void	 pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
	    uint32_t val);

/* [3] pv_os_pio_read -- an I/O port, width 1, 2 or 4 bytes; Context: any. */
uint32_t pv_os_pio_read(uint16_t port, unsigned int width);

/* [3] pv_os_pio_write -- the other way; Context: any. */
void	 pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val);

/* ---- saying things ----------------------------------------------------- */

/*
 * [0] pv_os_log -- one line of log; fmt has no newline at its end
 *
 * The conversions used are d i u x c s p %, with width, precision, 0, -, and
 * the modifiers l, ll, z and h.  Peers' strings arrive here only sanitised.
 * Context: any.
 */
void	 pv_os_log(enum pv_loglevel level, const char *fmt, va_list ap)
	    __attribute__((__format__(__printf__, 2, 0)));

/*
 * [0] pv_os_panic -- an invariant of our own is broken; never the peer's doing
 *
 * Context: any.
 */
_Noreturn void pv_os_panic(const char *msg);

#endif /* PV_OS_H */

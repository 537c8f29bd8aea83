/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall.h -- the hypercalls that the library makes, each with its types.
 *
 * Above xen_call5(), which the include path chooses: inline assembly in a
 * guest (arch/x86/include), a call of the simulator in a hosted build.  All
 * return 0 (or a value that the name promises) or -PV_E*, for Xen's error
 * numbers are ours.  Structures are those of Xen's public headers, in the
 * ABI of the word size that we are compiled for.
 *
 * Context: any, unless something else is said.
 */

#ifndef HYPERCALL_H
#define HYPERCALL_H

#include <pv/types.h>

#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "xen.h"
#include "xen_call.h"

/* Without a version Xen's headers have the call numbers of 2005. */
_Static_assert(__XEN_INTERFACE_VERSION__ >= 0x00040900,
    "compile with -D__XEN_INTERFACE_VERSION__");

static inline int
hypercall(struct xen *x, unsigned int op, unsigned int cmd, const void *arg)
{
	return (int)xen_call5(x, op, cmd, (unsigned long)(uintptr_t)arg, 0, 0,
	    0);
}

/* ---- version ----------------------------------------------------------- */

/* major << 16 | minor, or -PV_E*. */
static inline int
hypercall_version(struct xen *x)
{
	return hypercall(x, __HYPERVISOR_xen_version, XENVER_version, NULL);
}

/* XENFEAT_* of submap 0. */
static inline int
hypercall_features(struct xen *x, uint32_t *features)
{
	struct xen_feature_info fi = { .submap_idx = 0 };
	int xrc;

	xrc = hypercall(x, __HYPERVISOR_xen_version, XENVER_get_features, &fi);
	if (xrc == 0)
		*features = fi.submap;
	return xrc;
}

/* ---- event channels ---------------------------------------------------- */

static inline int
hypercall_evtchn(struct xen *x, unsigned int cmd, void *arg)
{
	return hypercall(x, __HYPERVISOR_event_channel_op, cmd, arg);
}

static inline int
hypercall_evtchn_alloc(struct xen *x, pv_domid_t peer, evport_t *port)
{
	struct evtchn_alloc_unbound op = {
		.dom = DOMID_SELF, .remote_dom = peer
	};
	int xrc = hypercall_evtchn(x, EVTCHNOP_alloc_unbound, &op);

	*port = xrc == 0 ? EVPORT(op.port) : EVPORT_NONE;
	return xrc;
}

static inline int
hypercall_evtchn_bind(struct xen *x, pv_domid_t peer, evport_t remote,
    evport_t *port)
{
	struct evtchn_bind_interdomain op = {
		.remote_dom = peer, .remote_port = evport_x(remote)
	};
	int xrc = hypercall_evtchn(x, EVTCHNOP_bind_interdomain, &op);

	*port = xrc == 0 ? EVPORT(op.local_port) : EVPORT_NONE;
	return xrc;
}

static inline int
hypercall_evtchn_virq(struct xen *x, uint32_t virq, uint32_t vcpu,
    evport_t *port)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	int xrc = hypercall_evtchn(x, EVTCHNOP_bind_virq, &op);

	*port = xrc == 0 ? EVPORT(op.port) : EVPORT_NONE;
	return xrc;
}

static inline int
hypercall_evtchn_ipi(struct xen *x, uint32_t vcpu, evport_t *port)
{
	struct evtchn_bind_ipi op = { .vcpu = vcpu };
	int xrc = hypercall_evtchn(x, EVTCHNOP_bind_ipi, &op);

	*port = xrc == 0 ? EVPORT(op.port) : EVPORT_NONE;
	return xrc;
}

/* Deliver a port to another vCPU; not for VIRQs of a vCPU and IPIs. */
static inline int
hypercall_evtchn_vcpu(struct xen *x, evport_t port, uint32_t vcpu)
{
	struct evtchn_bind_vcpu op = { .port = evport_x(port), .vcpu = vcpu };

	return hypercall_evtchn(x, EVTCHNOP_bind_vcpu, &op);
}

static inline int
hypercall_evtchn_close(struct xen *x, evport_t port)
{
	struct evtchn_close op = { .port = evport_x(port) };

	return hypercall_evtchn(x, EVTCHNOP_close, &op);
}

static inline int
hypercall_evtchn_send(struct xen *x, evport_t port)
{
	struct evtchn_send op = { .port = evport_x(port) };

	return hypercall_evtchn(x, EVTCHNOP_send, &op);
}

/* Sleep until the port is pending, or for no reason. */
static inline int
hypercall_poll(struct xen *x, evport_t port)
{
	evtchn_port_t ports[] = { evport_x(port) };
	struct sched_poll op = { .nr_ports = 1 };

	set_xen_guest_handle(op.ports, ports);
	return hypercall(x, __HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}

static inline int
hypercall_evtchn_unmask(struct xen *x, evport_t port)
{
	struct evtchn_unmask op = { .port = evport_x(port) };

	return hypercall_evtchn(x, EVTCHNOP_unmask, &op);
}

/* 0 is the highest; FIFO ABI only. */
static inline int
hypercall_evtchn_priority(struct xen *x, evport_t port, uint32_t priority)
{
	struct evtchn_set_priority op = {
		.port = evport_x(port), .priority = priority
	};

	return hypercall_evtchn(x, EVTCHNOP_set_priority, &op);
}

/* Once for each vCPU. */
static inline int
hypercall_evtchn_control(struct xen *x, uint32_t vcpu, gfn_t gfn,
    uint32_t offset)
{
	struct evtchn_init_control op = {
		.control_gfn = gfn_x(gfn), .offset = offset, .vcpu = vcpu
	};

	return hypercall_evtchn(x, EVTCHNOP_init_control, &op);
}

static inline int
hypercall_evtchn_expand(struct xen *x, gfn_t gfn)
{
	struct evtchn_expand_array op = { .array_gfn = gfn_x(gfn) };

	return hypercall_evtchn(x, EVTCHNOP_expand_array, &op);
}

/* ---- vCPUs ------------------------------------------------------------- */

/* Once for each vCPU, which must be down or the one that we run on. */
static inline int
hypercall_vcpu_info(struct xen *x, uint32_t vcpu, gfn_t gfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info op = {
		.mfn = gfn_x(gfn), .offset = offset
	};

	return (int)xen_call5(x, __HYPERVISOR_vcpu_op,
	    VCPUOP_register_vcpu_info, vcpu, (unsigned long)(uintptr_t)&op, 0,
	    0);
}

/* ---- grant table ------------------------------------------------------- */

/* The frames that there are, and that there may be. */
static inline int
hypercall_gnttab_size(struct xen *x, uint32_t *nframe, uint32_t *max)
{
	struct gnttab_query_size op = { .dom = DOMID_SELF };
	int xrc;

	xrc = (int)xen_call5(x, __HYPERVISOR_grant_table_op,
	    GNTTABOP_query_size, (unsigned long)(uintptr_t)&op, 1, 0, 0);
	if (xrc < 0)
		return xrc;
	if (op.status != GNTST_okay)
		return -PV_EINVAL;
	*nframe = op.nr_frames;
	*max = op.max_nr_frames;
	return 0;
}

/* PV: grow to n frames; frame[0 .. n - 1] are where they all lie. */
static inline int
hypercall_gnttab_setup(struct xen *x, uint32_t n, xen_pfn_t *frame)
{
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = n };
	int xrc;

	set_xen_guest_handle(op.frame_list, frame);
	xrc = (int)xen_call5(x, __HYPERVISOR_grant_table_op,
	    GNTTABOP_setup_table, (unsigned long)(uintptr_t)&op, 1, 0, 0);
	if (xrc < 0)
		return xrc;
	return op.status == GNTST_okay ? 0 : -PV_ENOSPC;
}

/*
 * Map, unmap or copy, n of them.  0, or -PV_E* when nothing was looked at; each
 * has a status of its own.
 */
static inline int
hypercall_gnttab(struct xen *x, unsigned int cmd, void *op, unsigned int n)
{
	return (int)xen_call5(x, __HYPERVISOR_grant_table_op, cmd,
	    (unsigned long)(uintptr_t)op, n, 0, 0);
}

/* ---- memory ------------------------------------------------------------ */

static inline int
hypercall_physmap_add(struct xen *x, unsigned int space, unsigned long idx,
    gfn_t gfn)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF, .space = space, .idx = idx,
		.gpfn = (xen_pfn_t)gfn_x(gfn)
	};

	return hypercall(x, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
	    &op);
}

static inline int
hypercall_physmap_remove(struct xen *x, gfn_t gfn)
{
	struct xen_remove_from_physmap op = {
		.domid = DOMID_SELF, .gpfn = (xen_pfn_t)gfn_x(gfn)
	};

	return hypercall(x, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap,
	    &op);
}

/*
 * Put RAM behind a frame that has none; *gfn is its number afterwards (PV: any
 * number before).
 */
static inline int
hypercall_populate_any(struct xen *x, gfn_t *gfn)
{
	xen_pfn_t frame = (xen_pfn_t)gfn_x(*gfn);
	struct xen_memory_reservation op = {
		.nr_extents = 1, .domid = DOMID_SELF
	};
	int xrc;

	set_xen_guest_handle(op.extent_start, &frame);
	xrc = hypercall(x, __HYPERVISOR_memory_op, XENMEM_populate_physmap,
	    &op);
	if (xrc < 0)
		return xrc;
	*gfn = GFN(frame);
	return xrc == 1 ? 0 : -PV_ENOMEM;
}

/* The same of a frame that keeps its number. */
static inline int
hypercall_populate(struct xen *x, gfn_t gfn)
{
	return hypercall_populate_any(x, &gfn);
}

/* How many pages the domain has, or -PV_E*. */
static inline long
hypercall_reservation(struct xen *x)
{
	domid_t self = DOMID_SELF;

	return xen_call5(x, __HYPERVISOR_memory_op, XENMEM_current_reservation,
	    (unsigned long)(uintptr_t)&self, 0, 0, 0);
}

/* Give the RAM behind a frame back to Xen. */
static inline int
hypercall_decrease(struct xen *x, gfn_t gfn)
{
	xen_pfn_t frame = (xen_pfn_t)gfn_x(gfn);
	struct xen_memory_reservation op = {
		.nr_extents = 1, .domid = DOMID_SELF
	};
	int xrc;

	set_xen_guest_handle(op.extent_start, &frame);
	xrc = hypercall(x, __HYPERVISOR_memory_op, XENMEM_decrease_reservation,
	    &op);
	if (xrc < 0)
		return xrc;
	return xrc == 1 ? 0 : -PV_EINVAL;
}

/* ---- HVM and PVH ------------------------------------------------------- */

static inline int
hypercall_hvm_param(struct xen *x, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param op = { .domid = DOMID_SELF, .index = index };
	int xrc;

	xrc = hypercall(x, __HYPERVISOR_hvm_op, HVMOP_get_param, &op);
	if (xrc == 0)
		*value = op.value;
	return xrc;
}

/* ---- the domain's end -------------------------------------------------- */

/* Returns only when it failed. */
static inline int
hypercall_shutdown(struct xen *x, unsigned int reason)
{
	struct sched_shutdown op = { .reason = reason };

	return hypercall(x, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
}

/* So many seconds until the domain ends; 0, or the number of a new timer. */
static inline int
hypercall_watchdog(struct xen *x, uint32_t id, uint32_t seconds)
{
	struct sched_watchdog op = { .id = id, .timeout = seconds };

	return hypercall(x, __HYPERVISOR_sched_op, SCHEDOP_watchdog, &op);
}

/* The hypervisor's own console; bytes taken, or -PV_E*. */
static inline int
hypercall_console_write(struct xen *x, const char *buf, unsigned int len)
{
	return (int)xen_call5(x, __HYPERVISOR_console_io, CONSOLEIO_write, len,
	    (unsigned long)(uintptr_t)buf, 0, 0);
}

#endif /* HYPERCALL_H */

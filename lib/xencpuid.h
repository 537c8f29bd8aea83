/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xencpuid.h -- what Xen says of itself in CPUID.
 *
 * The leaves begin at 0x40000000, or, behind those of another hypervisor that
 * Xen plays (Viridian), at the next n * 0x100 above it.  The first leaf has the
 * highest one's number and the signature; others follow:
 *
 *	base		eax: highest leaf; ebx, ecx, edx: "XenVMMXenVMM"
 *	base + 1	eax: major << 16 | minor
 *	base + 4	HVM: eax: what is there; ebx: vCPU; ecx: domain
 *
 * A hypervisor that plays Xen may say anything.  A leaf is read only when the
 * highest one and the distance to the next base allow for it.
 * Source: xen/include/public/arch-x86/cpuid.h.
 */

#ifndef XENCPUID_H
#define XENCPUID_H

#include <pv/errno.h>
#include <pv/types.h>

struct xencpuid {
	uint32_t	 xc_base;	/* first leaf */
	uint32_t	 xc_last;	/* highest leaf that may be read */
	uint32_t	 xc_version;	/* major << 16 | minor; 0: not told */
	uint32_t	 xc_flags;
#define XENCPUID_UPCALL_VECTOR	0x1	/* HVMOP_set_evtchn_upcall_vector */
#define XENCPUID_VCPU		0x2	/* xc_vcpu is told */
#define XENCPUID_DOMID		0x4	/* xc_domid is told */
	uint32_t	 xc_vcpu;	/* of the CPU that asked */
	uint32_t	 xc_domid;
};

/* The instruction: eax, ebx, ecx, edx of a leaf. */
struct xencpuid_leaf {
	uint32_t	 xl_a, xl_b, xl_c, xl_d;
};

/*
 * Look for Xen, on the CPU that this runs on.  0, or -PV_ENODEV: no base has
 * the signature and room for the leaves that every Xen has.  Context: any.
 */
int	 xencpuid_find(struct xencpuid_leaf (*cpuid)(uint32_t leaf),
	    struct xencpuid *);

#endif /* XENCPUID_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xencpuid.c -- see xencpuid.h.
 */

#include "xencpuid.h"

#define XENCPUID_FIRST	0x40000000u
#define XENCPUID_END	0x40010000u
#define XENCPUID_STEP	0x100u
#define XENCPUID_NEED	2u		/* version, hypercall page */
#define XENCPUID_HVM	4u

/* eax of base + XENCPUID_HVM */
#define XENCPUID_HVM_VCPU	0x08u
#define XENCPUID_HVM_DOMID	0x10u
#define XENCPUID_HVM_UPCALL	0x40u

/* "XenVMMXenVMM" */
static bool
xencpuid_signed(const struct xencpuid_leaf *xl)
{
	return xl->xl_b == 0x566e6558 && xl->xl_c == 0x65584d4d &&
	    xl->xl_d == 0x4d4d566e;
}

static void
xencpuid_hvm(const struct xencpuid_leaf *xl, struct xencpuid *xc)
{
	if (xl->xl_a & XENCPUID_HVM_UPCALL)
		xc->xc_flags |= XENCPUID_UPCALL_VECTOR;
	if (xl->xl_a & XENCPUID_HVM_VCPU) {
		xc->xc_flags |= XENCPUID_VCPU;
		xc->xc_vcpu = xl->xl_b;
	}
	if (xl->xl_a & XENCPUID_HVM_DOMID) {
		xc->xc_flags |= XENCPUID_DOMID;
		xc->xc_domid = xl->xl_c;
	}
}

/* xencpuid_find -- see xencpuid.h */
int
xencpuid_find(struct xencpuid_leaf (*cpuid)(uint32_t leaf),
    struct xencpuid *xc)
{
	struct xencpuid_leaf xl;
	uint32_t base;

	*xc = (struct xencpuid){ 0 };
	for (base = XENCPUID_FIRST; base < XENCPUID_END;
	    base += XENCPUID_STEP) {
		xl = cpuid(base);
		/* peer: the highest leaf may be below its own base. */
		if (xencpuid_signed(&xl) && xl.xl_a >= base + XENCPUID_NEED)
			break;
	}
	if (base == XENCPUID_END)
		return -PV_ENODEV;
	xc->xc_base = base;
	/* peer: leaves of the next base are somebody else's. */
	xc->xc_last = xl.xl_a - base < XENCPUID_STEP ? xl.xl_a :
	    base + XENCPUID_STEP - 1;
	xc->xc_version = cpuid(base + 1).xl_a;
	if (xc->xc_last >= base + XENCPUID_HVM) {
		xl = cpuid(base + XENCPUID_HVM);
		xencpuid_hvm(&xl, xc);
	}
	return 0;
}

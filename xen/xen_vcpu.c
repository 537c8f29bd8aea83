/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_vcpu.c -- where Xen keeps what it tells each vCPU.
 *
 * The shared info page has a struct vcpu_info for the first 32 vCPUs.  Any
 * can be given another place, once and for all, and those above must be.
 * The kernel's interrupt flag is in there (PV), so that of a running vCPU can
 * not move under its feet: vCPU 0 stays where it is, the others are given
 * their place before they start.
 * Source: xen/include/public/vcpu.h.
 */

#include "hypercall.h"

#include "dev.h"

PV_WIRE_ASSERT(struct vcpu_info, 64);
_Static_assert(sizeof(struct vcpu_info) * XEN_VCPU_PERPAGE == PV_PAGE_SIZE,
    "no struct vcpu_info may cross a page");

static struct vcpu_info *
xen_vcpu_place(struct xen *x, unsigned int vcpu)
{
	struct vcpu_info *page = x->x_kept.xk_vcpu[vcpu / XEN_VCPU_PERPAGE];

	return &page[vcpu % XEN_VCPU_PERPAGE];
}

/*
 * xen_vcpu_info -- the struct vcpu_info that Xen uses for a vCPU
 *
 * NULL when it has none.
 * Context: any.
 */
struct vcpu_info *
xen_vcpu_info(struct xen *x, unsigned int vcpu)
{
	if (vcpu < PV_XEN_NVCPU && x->x_kept.xk_registered[vcpu])
		return xen_vcpu_place(x, vcpu);
	if (vcpu < XEN_LEGACY_MAX_VCPUS)
		return &x->x_shared->vcpu_info[vcpu];
	return NULL;
}

/*
 * xen_vcpu_register -- give a vCPU's struct vcpu_info its place
 *
 * The vCPU must be down, unless it was registered before: then nothing
 * happens.  0, or -PV_E* when there is no place for it.
 * Context: thread.
 */
int
xen_vcpu_register(struct xen *x, unsigned int vcpu)
{
	struct xen_kept *xk = &x->x_kept;
	struct vcpu_info *vi;
	void **page;
	bool fresh;
	int rv;

	if (vcpu >= PV_XEN_NVCPU)
		return -PV_ERANGE;
	if (vcpu == 0 || xk->xk_registered[vcpu])
		return 0;
	page = &xk->xk_vcpu[vcpu / XEN_VCPU_PERPAGE];
	fresh = *page == NULL;
	if (fresh)
		*page = pv_os_pages_alloc(1);
	if (*page == NULL)
		return -PV_ENOMEM;
	vi = xen_vcpu_place(x, vcpu);
	rv = hypercall_vcpu_info(x, vcpu, pv_os_gfn(vi),
	    (uint32_t)((uintptr_t)vi & (PV_PAGE_SIZE - 1)));
	xk->xk_registered[vcpu] = rv == 0;
	if (rv < 0 && fresh) {
		pv_os_pages_free(*page, 1);
		*page = NULL;
	}
	return vcpu < XEN_LEGACY_MAX_VCPUS ? 0 : rv;
}

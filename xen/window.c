/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.c -- address space for the pages of other domains; see window.h.
 */

#include "hypercall.h"

#include "dev.h"
#include "window.h"

#define WINDOW_TRIES	3u

static void *
window_page(const struct window *wi, unsigned int i)
{
	return wi->wi_va + (size_t)i * PV_PAGE_SIZE;
}

/* Take the memory away from behind a page. */
static int
window_open(struct xen *x, struct window *wi, unsigned int i)
{
	void *page = window_page(wi, i);
	int rv;

	wi->wi_gfn[i] = pv_os_gfn(page);
	if (xen_pv(x))
		return pv_os_rebind(page, GFN_NONE);
	rv = hypercall_decrease(x, wi->wi_gfn[i]);
	if (rv < 0)
		return rv;
	rv = pv_os_rebind(page, GFN_NONE);
	if (rv < 0 && hypercall_populate(x, wi->wi_gfn[i]) < 0)
		rv = -PV_EIO;
	return rv;
}

/* And put it back; what fails may work at once when it is tried again. */
static int
window_shut(struct xen *x, struct window *wi, unsigned int i)
{
	unsigned int n;
	int rv = -PV_ENOMEM;

	for (n = 0; rv < 0 && n < WINDOW_TRIES; n++)
		rv = xen_pv(x) ? 0 : hypercall_populate(x, wi->wi_gfn[i]);
	if (rv < 0)
		return rv;
	rv = -PV_ENOMEM;
	for (n = 0; rv < 0 && n < WINDOW_TRIES; n++)
		rv = pv_os_rebind(window_page(wi, i), wi->wi_gfn[i]);
	return rv;
}

/* The first n pages are open. */
static void
window_end(struct xen *x, struct window *wi, unsigned int n)
{
	unsigned int i, nlost = 0;

	for (i = 0; i < n; i++)
		nlost += window_shut(x, wi, i) < 0;
	if (nlost == 0)
		pv_os_pages_free(wi->wi_va, wi->wi_npg);
	else
		pv_log(NULL, PV_LOG_WARN, "xen: no memory for %u pages of a "
		    "window; %u pages are lost", nlost, wi->wi_npg);
	pv_os_free(wi->wi_gfn, wi->wi_npg * sizeof(gfn_t));
	*wi = (struct window){ 0 };
}

/*
 * window_create -- npg pages of address space without memory
 *
 * 0 or -PV_E*; then *wi is closed.
 * Context: thread.
 */
int
window_create(struct xen *x, struct window *wi, unsigned int npg)
{
	unsigned int i;
	int rv = 0;

	*wi = (struct window){ .wi_npg = npg };
	wi->wi_gfn = pv_os_alloc(npg * sizeof(gfn_t));
	if (wi->wi_gfn == NULL)
		goto err_gfn;
	wi->wi_va = pv_os_pages_alloc(npg);
	if (wi->wi_va == NULL)
		goto err_pages;
	for (i = 0; i < npg; i++) {
		rv = window_open(x, wi, i);
		if (rv < 0) {
			window_end(x, wi, i);
			return rv;
		}
	}
	return 0;

err_pages:
	pv_os_free(wi->wi_gfn, npg * sizeof(gfn_t));
err_gfn:
	*wi = (struct window){ 0 };
	return -PV_ENOMEM;
}

/*
 * window_destroy -- put memory behind the pages again, and free them
 *
 * Context: thread.
 */
void
window_destroy(struct xen *x, struct window *wi)
{
	if (wi->wi_va != NULL)
		window_end(x, wi, wi->wi_npg);
}

/*
 * window_addr -- where a grant operation maps page i
 *
 * Context: any.
 */
uint64_t
window_addr(struct xen *x, const struct window *wi, unsigned int i)
{
	PV_ASSERT(i < wi->wi_npg);
	if (xen_pv(x))
		return (uintptr_t)window_page(wi, i);
	return gfn_x(wi->wi_gfn[i]) << PV_PAGE_SHIFT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus_list.c -- which devices there are; see xenbus.h.
 *
 * There may be many, and what a change costs must not depend on how many: the
 * watch says which device it is about, and no other is asked for.  All of the
 * directory is only read in the beginning, when a watch's events were merged,
 * and when two new devices come at the same time.
 */

#include "xenbus_var.h"

#define XENBUS_LIST	4096u		/* bytes of a directory's names */

static uint32_t
xenbus_list_hash(const char *name, size_t len)
{
	uint32_t hash = 0;
	size_t i;

	for (i = 0; i < len; i++)
		hash = hash * 31 + (uint8_t)name[i];
	return hash;
}

static struct xenbus_dev *
xenbus_list_find(struct xenbus *xb, const char *name, size_t len)
{
	uint32_t hash = xenbus_list_hash(name, len);
	struct xenbus_dev *xd;
	struct list *p;

	LIST_FOREACH(p, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (xd->xd_hash == hash && !xd->xd_single &&
		    str_eqn(name, len, xd->xd_name))
			return xd;
	}
	return NULL;
}

struct xenbus_dev *
xenbus_list_add(struct xenbus *xb, const struct pv_driver *drv,
    const char *name)
{
	struct xenbus_dev *xd = pv_os_alloc(sizeof(*xd));
	int rv;

	if (xd == NULL)
		return NULL;
	xd->xd_xen = xb->xb_xen;
	xd->xd_driver = drv;
	xd->xd_seen = true;
	xd->xd_hash = xenbus_list_hash(name, str_len(name));
	rv = xs_path_join(xd->xd_name, sizeof(xd->xd_name), "", name);
	if (rv == 0)
		rv = xs_path_join(xd->xd_path, sizeof(xd->xd_path), "device",
		    name);
	if (rv < 0) {
		pv_os_free(xd, sizeof(*xd));
		return NULL;
	}
	pv_lock(&xb->xb_lock);
	list_append(&xb->xb_devs, &xd->xd_link);
	pv_unlock(&xb->xb_lock);
	return xd;
}

/* Who drives devices of a type, or NULL. */
static const struct pv_driver *
xenbus_list_driver(const char *type)
{
	return str_eq(type, "control") ? NULL : pv_conf_find(type);
}

static void
xenbus_list_found(struct xenbus *xb, const struct pv_driver *drv,
    const char *name)
{
	struct xenbus_dev *xd = xenbus_list_find(xb, name, str_len(name));

	if (xd == NULL)
		xd = xenbus_list_add(xb, drv, name);
	if (xd == NULL)
		return;
	xd->xd_seen = true;
	if (xd->xd_dev == NULL)
		__atomic_store_n(&xd->xd_look, true, __ATOMIC_RELEASE);
}

/* ---- all of them ------------------------------------------------------- */

/* The devices of a type; names is a buffer of XENBUS_LIST bytes. */
static int
xenbus_list_type(struct xenbus *xb, const char *type, char *names)
{
	const struct pv_driver *drv = xenbus_list_driver(type);
	char path[XENBUS_KEY], name[PV_DEV_NAME];
	size_t len, i;
	int rv;

	if (drv == NULL)
		return 0;
	rv = xs_path_join(path, sizeof(path), "device", type);
	if (rv == 0)
		rv = xs_ls(xb->xb_xen, XS_NOTRANS, path, names, XENBUS_LIST,
		    &len);
	if (rv < 0)
		return rv == -PV_ENOENT ? 0 : rv;
	for (i = 0; i < len; i += str_len(names + i) + 1) {
		if (names[i] != '\0' && xs_path_join(name, sizeof(name), type,
		    names + i) == 0)
			xenbus_list_found(xb, drv, name);
	}
	return 0;
}

/* Read all of "device" into xd_seen; bufs are two buffers. */
static int
xenbus_list_read(struct xenbus *xb, char *bufs)
{
	size_t len = 0, i;
	int rv;

	rv = xs_ls(xb->xb_xen, XS_NOTRANS, "device", bufs, XENBUS_LIST, &len);
	if (rv == -PV_ENOENT)
		rv = 0;
	for (i = 0; rv == 0 && i < len; i += str_len(bufs + i) + 1) {
		if (bufs[i] != '\0')
			rv = xenbus_list_type(xb, bufs + i,
			    bufs + XENBUS_LIST);
	}
	return rv;
}

/* Begin to compare: nobody was seen yet, and what is new will be. */
static void
xenbus_list_begin(struct xenbus *xb)
{
	bool all = __atomic_exchange_n(&xb->xb_check, false, __ATOMIC_ACQ_REL);
	struct xenbus_dev *xd;
	struct list *p;

	pv_lock(&xb->xb_lock);
	xb->xb_new[0] = '\0';
	pv_unlock(&xb->xb_lock);
	LIST_FOREACH(p, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		xd->xd_seen = false;
		if (all)
			__atomic_store_n(&xd->xd_check, true,
			    __ATOMIC_RELEASE);
	}
}

void
xenbus_list_scan(struct xenbus *xb)
{
	char *bufs = pv_os_alloc(2 * XENBUS_LIST);
	struct list *p, *next;
	struct xenbus_dev *xd;
	int rv = -PV_ENOMEM;

	xenbus_list_begin(xb);
	if (bufs != NULL) {
		rv = xenbus_list_read(xb, bufs);
		pv_os_free(bufs, 2 * XENBUS_LIST);
	}
	if (rv < 0) {
		/* Half a listing must not unplug what is in the other. */
		pv_log(NULL, PV_LOG_WARN, "xenbus: can not list the devices "
		    "(error %d)", -rv);
		if (rv != -PV_EIO) {
			__atomic_store_n(&xb->xb_rescan, true,
			    __ATOMIC_RELEASE);
			pv_os_defer(&xb->xb_work, XENBUS_LATER);
		}
		return;
	}
	LIST_FOREACH_SAFE(p, next, &xb->xb_devs) {
		xd = LIST_ENTRY(p, struct xenbus_dev, xd_link);
		if (!xd->xd_seen && !xd->xd_single)
			xenbus_remove(xb, xd, false);
	}
}

/* ---- one of them ------------------------------------------------------- */

void
xenbus_list_new(struct xenbus *xb)
{
	const struct pv_driver *drv;
	char name[PV_DEV_NAME], *id = name;

	pv_lock(&xb->xb_lock);
	__builtin_memcpy(name, xb->xb_new, sizeof(name));
	xb->xb_new[0] = '\0';
	pv_unlock(&xb->xb_lock);
	while (*id != '\0' && *id != '/')
		id++;
	if (id[0] == '\0' || id[1] == '\0')
		return;
	*id = '\0';
	drv = xenbus_list_driver(name);
	*id = '/';
	if (drv != NULL)
		xenbus_list_found(xb, drv, name);
}

/* Note a name that is not known; a second one: look at all.  Lock: held. */
static void
xenbus_list_note_new(struct xenbus *xb, const char *name, size_t len)
{
	if (len >= sizeof(xb->xb_new))
		return;
	if (xb->xb_new[0] == '\0') {
		__builtin_memcpy(xb->xb_new, name, len);
		xb->xb_new[len] = '\0';
	} else if (!str_eqn(name, len, xb->xb_new)) {
		__atomic_store_n(&xb->xb_rescan, true, __ATOMIC_RELEASE);
	}
}

/*
 * The change at path, "<type>/<id>" or below it, of len bytes up to there, may
 * be one of the listing: what is new, gone, or has another back end.
 */
static bool
xenbus_list_note(struct xenbus *xb, const char *path, size_t len)
{
	struct xenbus_dev *xd;
	bool concerns = true;

	pv_lock(&xb->xb_lock);
	xd = xenbus_list_find(xb, path, len);
	if (xd == NULL)
		xenbus_list_note_new(xb, path, len);
	else
		concerns = xd->xd_dev == NULL || path[len] == '\0' ||
		    str_prefix(path + len + 1, "backend");
	if (xd != NULL && concerns)
		__atomic_store_n(&xd->xd_check, true, __ATOMIC_RELEASE);
	pv_unlock(&xb->xb_lock);
	return concerns;
}

void
xenbus_list_changed(void *arg, const char *path)
{
	struct xenbus *xb = arg;
	const char *name = path;
	size_t len = 0;

	if (str_prefix(path, "device/"))
		name += str_len("device/");
	while (name[len] != '\0' && name[len] != '/')
		len++;
	if (name[len] == '\0') {
		xenbus_rescan(xb->xb_xen);	/* above all devices */
		return;
	}
	for (len++; name[len] != '\0' && name[len] != '/'; len++)
		continue;
	if (xenbus_list_note(xb, name, len))
		pv_os_defer(&xb->xb_work, 0);
}

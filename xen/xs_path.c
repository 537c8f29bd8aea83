/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_path.c -- paths, numbers and error names of XenStore; no state.
 */

#include "xs.h"

/* The names that the store knows; xen/include/public/io/xs_wire.h. */
static const struct {
	const char	*name;
	int		 error;
} xs_path_errors[] = {
	{ "EINVAL", PV_EINVAL },
	{ "EACCES", PV_EACCES },
	{ "EEXIST", PV_EEXIST },
	{ "EISDIR", PV_EISDIR },
	{ "ENOENT", PV_ENOENT },
	{ "ENOMEM", PV_ENOMEM },
	{ "ENOSPC", PV_ENOSPC },
	{ "EQUOTA", PV_ENOSPC },	/* oxenstored's word for it */
	{ "EIO", PV_EIO },
	{ "ENOTEMPTY", PV_EBUSY },
	{ "ENOSYS", PV_ENOSYS },
	{ "EROFS", PV_EROFS },
	{ "EBUSY", PV_EBUSY },
	{ "EAGAIN", PV_EAGAIN },
	{ "EISCONN", PV_EBUSY },
	{ "E2BIG", PV_E2BIG },
	{ "EPERM", PV_EPERM }
};

/*
 * xs_path_join -- dir/key into buf, or key alone when dir is empty
 *
 * 0 or -PV_E2BIG.
 * Context: any.
 */
int
xs_path_join(char *buf, size_t size, const char *dir, const char *key)
{
	struct strbuf sb;

	str_begin(&sb, buf, size);
	str_add(&sb, dir);
	if (dir[0] != '\0')
		str_add(&sb, "/");
	str_add(&sb, key);
	return sb.sb_over ? -PV_E2BIG : 0;
}

/*
 * xs_path_error -- the number of an error that the store names
 *
 * Negative, as everywhere; -PV_EIO for a name that is not known.
 * Context: any.
 */
int
xs_path_error(const char *name, size_t len)
{
	size_t i;

	if (len > 0 && name[len - 1] == '\0')
		len--;
	for (i = 0; i < PV_NELEM(xs_path_errors); i++) {
		if (str_eqn(name, len, xs_path_errors[i].name))
			return -xs_path_errors[i].error;
	}
	return -PV_EIO;
}

/*
 * xs_read_num -- dir/key as a number within lo..hi
 *
 * 0; -PV_ENOENT: not there; -PV_EINVAL, -PV_ERANGE: there, and wrong; or what
 * the store says.
 * Context: thread.
 */
int
xs_read_num(struct xen *x, const struct xs_trans *t, const char *dir,
    const char *key, uint64_t lo, uint64_t hi, uint64_t *v)
{
	char path[XS_PATHMAX], val[32];
	size_t len;
	int rv;

	rv = xs_path_join(path, sizeof(path), dir, key);
	if (rv == 0)
		rv = xs_read(x, t, path, val, sizeof(val), &len);
	if (rv < 0)
		return rv == -PV_E2BIG ? -PV_EINVAL : rv;
	/* peer: not NUL-terminated, any bytes, any size of number. */
	return str_num(val, len, lo, hi, v);
}

/*
 * xs_write_num -- write a number, decimal
 *
 * Context: thread.
 */
int
xs_write_num(struct xen *x, const struct xs_trans *t, const char *dir,
    const char *key, uint64_t v)
{
	struct strbuf sb;
	char val[24];

	str_begin(&sb, val, sizeof(val));
	str_addu(&sb, v);
	return xs_write_str(x, t, dir, key, val);
}

/*
 * xs_write_str -- write a string, without a NUL
 *
 * Context: thread.
 */
int
xs_write_str(struct xen *x, const struct xs_trans *t, const char *dir,
    const char *key, const char *val)
{
	char path[XS_PATHMAX];
	int rv;

	rv = xs_path_join(path, sizeof(path), dir, key);
	if (rv < 0)
		return rv;
	return xs_write(x, t, path, val, str_len(val));
}

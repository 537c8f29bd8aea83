/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h -- paths as text.
 */

#ifndef PATH_H
#define PATH_H

#include <pv/types.h>

/*
 * Make a path absolute and plain: relative ones begin at the root; repeated
 * and trailing slashes and "." go away, ".." takes the name before it away
 * and stops at the root.  Returns 0, or -PV_EINVAL when it does not fit in
 * size bytes.  Context: any.
 */
int	 path_plain(const char *path, char *buf, size_t size);

/*
 * Does a plain path lie on or below another?  Returns what follows (at least
 * "/"), or NULL.  Context: any.
 */
const char *path_below(const char *path, const char *top);

#endif /* PATH_H */

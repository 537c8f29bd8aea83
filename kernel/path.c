/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c -- paths as text; see path.h.
 */

#include <path.h>

#include <pv/errno.h>
#include <string.h>

/* The length of the name at s, up to a slash or the end. */
static size_t
path_namelen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' && s[n] != '/')
		n++;
	return n;
}

int
path_plain(const char *path, char *buf, size_t size)
{
	size_t n, len = 0;

	for (;; path += n) {
		while (*path == '/')
			path++;
		n = path_namelen(path);
		if (n == 0)
			break;
		if (n == 1 && path[0] == '.')
			continue;
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len > 0 && buf[--len] != '/')
				;
			continue;
		}
		if (n + 2 > size - len)
			return -PV_EINVAL;
		buf[len++] = '/';
		memcpy(buf + len, path, n);
		len += n;
	}
	if (size < 2)
		return -PV_EINVAL;
	if (len == 0)
		buf[len++] = '/';
	buf[len] = '\0';
	return 0;
}

const char *
path_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1)				/* "/" */
		return path;
	if (strncmp(path, top, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return "/";
	return path[len] == '/' ? path + len : NULL;
}

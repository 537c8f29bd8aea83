/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * errno.c -- where errno is, and what its numbers mean.
 */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <sched.h>

struct errno_text {
	int		 et_num;
	const char	*et_text;
};

static const struct errno_text errno_table[] = {
	{ 0, "no error" },
	{ EPERM, "not permitted" },
	{ ENOENT, "no such file or device" },
	{ EINTR, "interrupted" },
	{ EIO, "input/output error" },
	{ ENXIO, "device is gone" },
	{ E2BIG, "too long" },
	{ EAGAIN, "try again" },
	{ ENOMEM, "out of memory" },
	{ EACCES, "permission denied" },
	{ EBUSY, "busy" },
	{ EEXIST, "exists already" },
	{ ENODEV, "no such device" },
	{ ENOTDIR, "not a directory" },
	{ EISDIR, "is a directory" },
	{ EINVAL, "invalid argument" },
	{ EFBIG, "file too large" },
	{ ENOSPC, "no space left" },
	{ EROFS, "read-only" },
	{ ERANGE, "out of range" },
	{ ENAMETOOLONG, "name too long" },
	{ ENOSYS, "not implemented" },
	{ ENOTEMPTY, "directory not empty" },
	{ ELOOP, "too many symbolic links" },
	{ EPROTO, "protocol error" },
	{ EOVERFLOW, "value too large" },
	{ EOPNOTSUPP, "not supported" },
	{ EADDRINUSE, "address in use" },
	{ ENETUNREACH, "network unreachable" },
	{ ECONNABORTED, "connection aborted" },
	{ ECONNRESET, "connection reset" },
	{ ENOBUFS, "no buffer space" },
	{ ENOTCONN, "not connected" },
	{ ETIMEDOUT, "timed out" },
	{ ECONNREFUSED, "connection refused" },
	{ EHOSTUNREACH, "host unreachable" },
	{ ECANCELED, "cancelled" }
};

int *
libc_errno(void)
{
	return thread_errno();
}

char *
strerror(int num)
{
	const char *text = "unknown error";
	size_t i;

	for (i = 0; i < PV_NELEM(errno_table); i++) {
		if (errno_table[i].et_num == num)
			text = errno_table[i].et_text;
	}
	return (char *)(uintptr_t)text;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv/errno.h -- error numbers.  Functions return 0, a count, or -PV_E*.
 *
 * The numbers are those of the Xen ABI (xen/include/public/errno.h), so the
 * result of a hypercall passes up unchanged.
 */

#ifndef PV_ERRNO_H
#define PV_ERRNO_H

#define PV_EPERM	1	/* not permitted */
#define PV_ENOENT	2	/* no such node, file or device */
#define PV_ESRCH	3	/* no such domain */
#define PV_EINTR	4	/* interrupted */
#define PV_EIO		5	/* the device reported an error */
#define PV_ENXIO	6	/* device is gone or broken */
#define PV_E2BIG	7	/* list or value too long, or over quota */
#define PV_EAGAIN	11	/* try again later: ring full, conflict */
#define PV_ENOMEM	12	/* no memory */
#define PV_EACCES	13	/* permission denied */
#define PV_EFAULT	14	/* bad address */
#define PV_EBUSY	16	/* the peer still holds it */
#define PV_EEXIST	17	/* exists already */
#define PV_ENODEV	19	/* no such device */
#define PV_EISDIR	21	/* is a directory */
#define PV_EINVAL	22	/* bad argument or bad value */
#define PV_ENOSPC	28	/* no space: table, ring or disk full */
#define PV_EROFS	30	/* read-only */
#define PV_ERANGE	34	/* number out of range */
#define PV_ENOSYS	38	/* hypercall or operation not there */
#define PV_EPROTO	71	/* the peer broke the protocol */
#define PV_EOPNOTSUPP	95	/* the peer does not support the operation */
#define PV_ETIMEDOUT	110	/* deadline passed */
#define PV_ECANCELED	125	/* device was disconnected or suspended */

#endif /* PV_ERRNO_H */

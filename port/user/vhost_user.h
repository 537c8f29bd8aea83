/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhost_user.h -- a fourth transport of virtio devices: vhost-user, from the
 * driver's side (QEMU's docs/interop/vhost-user.rst).  The device is another
 * process behind a Unix socket: a disk of qemu-storage-daemon, a port of a
 * switch.
 *
 * It has the memory of os.h whole and for as long as it runs: unlike a device
 * of a hypervisor's it can not be kept from any of it, and what it says of its
 * queues is checked as that of any other device.
 */

#ifndef VHOST_USER_H
#define VHOST_USER_H

#include <pv/pv.h>

struct vhost_user;

struct vhost_user_config {
	const char	*vc_path;	/* of the socket, where it listens */
	uint32_t	 vc_type;	/* of the device: 1 net, 2 block, .. */
	unsigned int	 vc_size;	/* largest queue; 0: 256 entries */
	bool		 vc_polled;	/* it need not tell of its answers: the
					   program looks.  Not for back ends of
					   QEMU's library */
};

/*
 * Connect to a back end and make its device; the client's functions are called
 * from os_run().  0 with *vup set; -PV_ENODEV: nobody listens there, or no
 * driver for it; -PV_EPROTO; -PV_ENOMEM.  Context: thread.
 */
int	 vhost_user_attach(const struct vhost_user_config *,
	    const struct pv_client *, struct vhost_user **vup);
/* Its device goes down.  Context: thread. */
void	 vhost_user_detach(struct vhost_user *);

#endif /* VHOST_USER_H */

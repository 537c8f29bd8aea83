/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h -- parts of the guest that are started from main.c, in order.
 */

#ifndef KERNEL_H
#define KERNEL_H

#include <boot.h>

/*
 * What this image is: apps/main.c, or the main.c of a test.  Called on the
 * first thread with threads, time and console working; may return.
 */
void	 guest_main(const struct boot_info *);

/* net/: lwIP and its interfaces.  net_up/net_down are pv_client members. */
void	 net_init(void);
void	 net_up(struct pv_net *);
void	 net_down(struct pv_net *);

/*
 * fs/: mount the root file system as the command line says (root=, root.rw),
 * waiting for its disk.  0, or -PV_E* after a log line that says what to do;
 * the guest goes on without files then.  Context: thread with 32 KiB of
 * stack, after pv_attach().
 */
int	 fs_root_mount(void);
/* Until that has been tried, or the deadline.  Context: thread. */
void	 fs_root_wait(uint64_t deadline);

/* Find virtio devices: PCI, and virtio_mmio.device= of the command line. */
void	 probe_virtio(const struct pv_client *);

/* apps/: the shell thread on the console. */
void	 shell_start(void);

#endif /* KERNEL_H */

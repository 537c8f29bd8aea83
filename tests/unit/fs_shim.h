/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_shim.h -- beneath the file-system port in a process: one thread, memory
 * from malloc, and disks that are image files.
 */

#ifndef FS_SHIM_H
#define FS_SHIM_H

#include <pv/types.h>

struct fs_shim_disk {
	char		 name[16];
	char		 path[256];	/* the image */
	bool		 ro;
	uint32_t	 bsize;
	bool		 gone;		/* everything fails with -PV_ENXIO */
	bool		 candiscard;
	long		 writes_left;	/* then -PV_EIO; -1: no end */
	/* counted */
	unsigned long	 nread, nwrite, nflush;
	uint64_t	 ndiscard;	/* sectors */
	unsigned int	 nopen;
};

extern struct fs_shim_disk fs_shim_disk;
extern char fs_shim_log[65536];		/* klog() lines, '\n' after each */
extern uint64_t fs_shim_ram;		/* what mm_stat() tells */

void	 fs_shim_reset(const char *image);

#endif /* FS_SHIM_H */

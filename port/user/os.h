/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h -- what a program has beside pv/ when libdomus runs in it: memory, and
 * the loop that everything runs in.
 *
 * One thread.  All memory that a device may see is one file in memory (memfd),
 * which vhost_user.c shows to its back end whole: what the program keeps there
 * the back end can read and write.  An address in it is the same here and on
 * the wire.  Of hostile back ends see docs/trust.md.
 */

#ifndef OS_H
#define OS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Get npg pages for pv_os_pages_alloc().  0, or -1 with errno.  Call it once,
 * before anything else of the library.
 */
int	 os_init(size_t npg);
/* The memory: address, bytes, and the file that it is in. */
struct os_memory {
	void		*om_base;
	size_t		 om_len;
	int		 om_fd;
};
const struct os_memory *os_memory(void);

/*
 * Run what is due and what files have for it, until nothing is or the moment
 * until (of pv_os_now()) has passed; sleeps meanwhile.
 */
void	 os_run(uint64_t until);

/*
 * Call ow_fn(ow_arg) from os_run() when the file can be read.  Of 256 files at
 * most; one more is a panic.
 */
struct os_watch {
	int		 ow_fd;
	void		(*ow_fn)(void *);
	void		*ow_arg;
	struct os_watch	*ow_next;
};
void	 os_watch(struct os_watch *);
void	 os_unwatch(struct os_watch *);	/* idempotent */

#endif /* OS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cons.h -- the character devices of the guest: one console becomes the tty,
 * the others are lines that the operator reads and writes by name.
 *
 * console=NAME on the command line, a name or label, says which becomes the
 * tty; console=serial leaves it to the serial port.
 */

#ifndef CONS_H
#define CONS_H

#include <pv/cons.h>

void	 cons_up(struct pv_cons *);		/* pv_client members; thread */
void	 cons_down(struct pv_cons *);

struct cons_info {
	char		 ci_name[24];
	char		 ci_label[PV_CONS_LABEL];
	uint32_t	 ci_flags;	/* PV_CONS_* */
	bool		 ci_tty;
	uint16_t	 ci_cols, ci_rows;
	uint64_t	 ci_rxbyte, ci_txbyte;
	size_t		 ci_waiting;	/* bytes of input not read */
};
/* The n-th: 0 or -PV_ENOENT.  Context: thread. */
int	 cons_info(unsigned int n, struct cons_info *);
/*
 * A line by name or label.  read: input that has come, or until the deadline;
 * the bytes (0: none came).  write: all of it; the deadline too.
 * -PV_ENOENT: no such line; -PV_EBUSY: it is the tty; -PV_ENXIO: it went
 * away; -PV_ETIMEDOUT: the host does not read.  Context: thread.
 */
int	 cons_read(const char *name, char *buf, size_t size,
	    uint64_t deadline);
int	 cons_write(const char *name, const char *buf, size_t len,
	    uint64_t deadline);

#endif /* CONS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tty.h -- the operator's console: bytes in and out, over whichever struct
 * pv_cons (or serial port) is there.  Output is buffered without blocking:
 * when nobody reads, the oldest output is dropped and counted.
 */

#ifndef TTY_H
#define TTY_H

#include <pv/cons.h>

void	 tty_init(void);
void	 tty_attach(struct pv_cons *);		/* pc_cons_up of the first */
void	 tty_detach(struct pv_cons *);
void	 tty_input(int ch);			/* any context: a byte came */
/* Wait for a byte: 0..255, or -PV_ETIMEDOUT.  Context: thread. */
int	 tty_getc(uint64_t deadline);
/* Any context.  A new line without a return before it gets one. */
void	 tty_write(const char *buf, size_t len);
/* The two halves of tty_write(), for who holds a lock: put, let go, flush. */
void	 tty_put(const char *buf, size_t len);
void	 tty_flush(void);
/*
 * Wait until all output so far has been taken by the peer, or the deadline;
 * a thread that prints much calls this now and then to be polite.
 */
int	 tty_drain(uint64_t deadline);
/* The same bytes, past all buffers, for a panic: needs no lock. */
void	 tty_emergency(const char *buf, size_t len);
uint64_t tty_dropped(void);			/* bytes of output lost */

#endif /* TTY_H */

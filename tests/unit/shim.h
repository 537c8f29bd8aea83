/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shim.h -- a machine for the kernel's unit tests: arch.h in a process, with
 * time that only moves when told, one CPU, and interrupts when told.
 *
 * panic() ends in cmocka's mock_assert(), for expect_assert_failure().
 */

#ifndef SHIM_H
#define SHIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <boot.h>

#define SHIM_RAM	(16u << 20)	/* bytes, at physical address 0 */

extern uint64_t shim_now, shim_wall;
extern uint64_t shim_timer;		/* armed for; UINT64_MAX: is not */
extern char shim_text[4096];		/* what arch_early_write() got */
extern char shim_log[4096];		/* lines of klog(), '\n' after each */

void	 shim_reset(void);
void	 shim_ram(struct boot_info *, uint64_t len);
/* Let time pass on this CPU: timer interrupts come when due. */
void	 shim_run(uint64_t ns);
/* Call fn(arg) as an interrupt handler. */
void	 shim_interrupt(void (*fn)(void *), void *arg);

#endif /* SHIM_H */

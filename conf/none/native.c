/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c -- without options NATIVE: no serial port to type at, no clock
 * chip.
 */

#include <arch.h>
#include <pv/errno.h>

#include "../../arch/x86/mode.h"

/* arch_serial_attach -- see arch.h: there is none */
int
arch_serial_attach(void (*input)(int ch))
{
	(void)input;
	return -PV_ENODEV;
}

/* rtc_read -- the time is not known */
uint64_t
rtc_read(void)
{
	return 0;
}

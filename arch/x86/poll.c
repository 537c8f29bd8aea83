/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c -- waiting for another CPU without spinning.
 */

#include <arch.h>

__attribute__((__weak__)) bool
arch_vcpu_runs(unsigned int cpu)
{
	(void)cpu;
	return true;
}

bool
arch_poll_begin(void)
{
	return false;
}

void
arch_poll(void)
{
}

void
arch_kick(unsigned int cpu)
{
	(void)cpu;
}

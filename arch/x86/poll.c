/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c -- waiting for another CPU without spinning, under Xen: each CPU has
 * a port that it sleeps on and that others send to.
 */

#include <arch.h>
#include <klog.h>
#include <sched.h>

#include <pv/xen.h>

#include "mode.h"

static struct pv_evtchn *poll_port[CPU_MAX];

/*
 * poll_attach -- a CPU can sleep for locks from now on, as vCPU of that number
 *
 * Context: thread, boot.
 */
void
poll_attach(unsigned int cpu, unsigned int vcpu)
{
	struct pv_evtchn *port;
	int rv = pv_evtchn_poll(vcpu, &port);

	if (rv != 0)
		klog(PV_LOG_WARN, "CPU %u: no port to wait on (error %d): "
		    "spin locks spin", cpu, -rv);
	else
		__atomic_store_n(&poll_port[cpu], port, __ATOMIC_RELEASE);
}

/*
 * poll_detach -- the CPU is down
 *
 * Context: thread, on another CPU.
 */
void
poll_detach(unsigned int cpu)
{
	pv_evtchn_close(poll_port[cpu]);
	poll_port[cpu] = NULL;
}

bool
arch_poll_begin(void)
{
	struct pv_evtchn *port = poll_port[arch_cpu()->cpu_id];

	if (port == NULL)
		return false;
	pv_evtchn_forget(port);
	return true;
}

void
arch_poll(void)
{
	pv_evtchn_wait(poll_port[arch_cpu()->cpu_id]);
}

void
arch_kick(unsigned int cpu)
{
	pv_evtchn_send(poll_port[cpu]);
}

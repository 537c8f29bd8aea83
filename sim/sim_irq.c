/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_irq.c -- interrupts of devices: lines, which stay raised until their
 * device lets go, and messages.
 */

#include <pv/os.h>

#include "sim_int.h"

#define SIM_MSG_ADDR	0xfee00000u

int
sim_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src)
{
	struct sim_irq *iq;
	unsigned int i;

	for (i = 0; i < SIM_NIRQ; i++) {
		iq = &sim_world->s_irq[i];
		if (iq->iq_irq == NULL)
			break;
	}
	if (i == SIM_NIRQ)
		return -PV_ENOSPC;
	if (sim_fail_now("irq_attach"))
		return -PV_ENOSPC;
	iq->iq_irq = irq;
	iq->iq_dom = sim_world->s_curdom;
	iq->iq_line = src->is_kind == PV_IRQ_LINE;
	iq->iq_num = iq->iq_line ? src->is_num : i;
	iq->iq_pending = false;
	src->is_msgaddr = SIM_MSG_ADDR;
	src->is_msgdata = 0x4000 + i;
	return 0;
}

bool
sim_irq_detach(struct pv_os_irq *irq)
{
	unsigned int i;

	for (i = 0; i < SIM_NIRQ; i++) {
		if (sim_world->s_irq[i].iq_irq != irq)
			continue;
		sim_world->s_irq[i].iq_irq = NULL;
		return true;
	}
	return false;
}

void
sim_irq_level(unsigned int line, bool up)
{
	sim_world->s_level[line] += up ? 1 : -1;
}

void
sim_irq_message(uint64_t addr, uint32_t data)
{
	if (addr != SIM_MSG_ADDR || data < 0x4000 || data >= 0x4000 + SIM_NIRQ)
		sim_bug("a message 0x%x to 0x%llx", (unsigned int)data,
		    (unsigned long long)addr);
	else
		sim_world->s_irq[data - 0x4000].iq_pending = true;
}

bool
sim_irq_due(const struct sim_irq *iq)
{
	if (iq->iq_irq == NULL)
		return false;
	if (iq->iq_line)
		return sim_world->s_level[iq->iq_num] > 0;
	return iq->iq_pending;
}

void
sim_irq_check(void)
{
	unsigned int i;

	for (i = 0; i < SIM_NIRQ; i++) {
		if (sim_world->s_irq[i].iq_irq != NULL)
			sim_bug("an interrupt is still attached");
	}
}

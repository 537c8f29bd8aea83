/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch_port.h -- what port/guest needs of the processor and of nobody else:
 * frames, windows, interrupt sources and I/O ports.  arch/x86/port.c.
 */

#ifndef ARCH_PORT_H
#define ARCH_PORT_H

#include <pv/os.h>

/* The contracts are those of pv_os_gfn() and its neighbours in pv/os.h. */
gfn_t	 arch_gfn(const void *va);
void	*arch_map(pv_pa_t pa, size_t len, enum pv_memtype);
void	 arch_unmap(void *va, size_t len);
int	 arch_rebind(void *va, gfn_t);
int	 arch_irq_attach(struct pv_os_irq *, struct pv_irqsrc *);
void	 arch_irq_detach(struct pv_os_irq *);
uint32_t arch_pio_read(uint16_t port, unsigned int width);
void	 arch_pio_write(uint16_t port, unsigned int width, uint32_t);

#endif /* ARCH_PORT_H */

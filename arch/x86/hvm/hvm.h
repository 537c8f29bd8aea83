/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm.h -- inside arch/x86/hvm: PVH, HVM, QEMU and other machines with a
 * virtual processor of their own.
 */

#ifndef ARCH_HVM_H
#define ARCH_HVM_H

#include <pv/types.h>

#include "../mode.h"

struct xencpuid;

/* desc.c: GDT, TSS, IDT, %gs. */
void	 desc_init(void);

/* memmap.c: command line and RAM, from whoever loaded us. */
void	 memmap_init(uint32_t magic, uint64_t info);

/* mm.c */
void	 hvm_mm_init(void);
int	 hvm_mm_map(uintptr_t va, gfn_t, unsigned int flags);
void	 hvm_mm_unmap(uintptr_t va);
gfn_t	 hvm_mm_gfn(uint64_t pfn);
int	 hvm_mm_rebind(void *va, gfn_t);

/* xenhvm.c: Xen beneath a hardware-virtualized guest. */
bool	 xenhvm_detect(void);
void	 xenhvm_init(void);
long	 xenhvm_param(unsigned int op, uint32_t index, uint64_t *value);
extern struct xencpuid xenhvm_cpuid;

/* xenirq.c: how it interrupts. */
void	 xenirq_init(void);
int	 xenirq_attach(unsigned int vcpu);

/* lapic.c */
bool	 lapic_init(void);
bool	 lapic_present(void);
void	 lapic_eoi(void);

/* ioapic.c */
void	 ioapic_init(void);
int	 ioapic_enable(unsigned int line, unsigned int vec, bool level);
void	 ioapic_disable(unsigned int line);

/* power.c */
void	 power_shutdown(enum mode_shutdown, int status);

#endif /* ARCH_HVM_H */

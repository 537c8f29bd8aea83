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

/* desc.c: GDT, TSS, IDT, %gs; the other CPUs' are made, then loaded there. */
void	 desc_init(void);
int	 desc_prepare(unsigned int cpu);
void	 desc_load(unsigned int cpu);

/* memmap.c: command line and RAM, from whoever loaded us. */
void	 memmap_init(uint32_t magic, uint64_t info);
extern uint64_t memmap_rsdp;		/* where ACPI's tables begin, or 0 */

/* madt.c: the processors' APIC ids. */
unsigned int madt_read(uint32_t *ids, unsigned int max);
const uint8_t *madt_open(uint64_t pa, const char *sig, uint32_t *len);
const uint8_t *madt_open_table(const char *sig, uint32_t *len);
void	 madt_close(const uint8_t *, uint32_t len);

/* smp.c: the other processors. */
int	 hvm_smp_start(unsigned int cpu, void *stack_top);

/* mm.c */
void	 hvm_mm_init(void);
int	 hvm_mm_map(uintptr_t va, gfn_t, unsigned int flags);
void	 hvm_mm_unmap(uintptr_t va);
gfn_t	 hvm_mm_gfn(uint64_t pfn);
int	 hvm_mm_rebind(void *va, gfn_t);
void	 hvm_mm_flush(void);

/* xenhvm.c: Xen beneath a hardware-virtualized guest. */
bool	 xenhvm_detect(void);
void	 xenhvm_init(void);
int	 xenhvm_suspend(struct pv_xen_boot *);
long	 xenhvm_param(unsigned int op, uint32_t index, uint64_t *value);
extern struct xencpuid xenhvm_cpuid;

/* xenirq.c: how it interrupts. */
void	 xenirq_init(void);
int	 xenirq_attach(unsigned int vcpu);

/* lapic.c */
bool	 lapic_init(void);
bool	 lapic_present(void);
void	 lapic_eoi(void);
uint32_t lapic_id(void);
void	 lapic_send(uint32_t id, uint32_t what);
#define LAPIC_INIT	0x4500u		/* what: a vector, or one of these */
#define LAPIC_STARTUP	0x4600u		/* + page number */

/* ioapic.c */
void	 ioapic_init(void);
void	 ioapic_add(uint64_t pa, unsigned int first);
int	 ioapic_enable(unsigned int line, unsigned int vec, bool level);
void	 ioapic_disable(unsigned int line);

/* power.c */
void	 power_shutdown(enum mode_shutdown, int status);

#endif /* ARCH_HVM_H */

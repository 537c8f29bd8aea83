/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.h -- inside arch/x86/pv.
 *
 * Here, and only here, mfn is the machine frame and pfn our own number.
 */

#ifndef ARCH_PV_H
#define ARCH_PV_H

#include <pv/types.h>

struct pv_xen_boot;
struct shared_info;
struct start_info;
struct trap_info;

/* mm.c */
extern unsigned long *pv_mm_p2m;	/* pfn -> mfn */
extern uint64_t pv_mm_npfn;

void	 pv_mm_early(const struct start_info *);
void	 pv_mm_init(const struct start_info *, uintptr_t end);
uint64_t pv_mm_mfn_to_pfn(uint64_t mfn);
/* One entry of the live page tables, through Xen. */
int	 pv_mm_set(uintptr_t va, uint64_t pte);
int	 pv_mm_map(uintptr_t va, gfn_t, unsigned int flags);
void	 pv_mm_unmap(uintptr_t va);
gfn_t	 pv_mm_gfn(uint64_t pfn);
int	 pv_mm_rebind(void *va, gfn_t);

void	 pv_mm_publish(struct shared_info *);
void	 pv_mm_resume(void);
void	 pv_mm_flush(void);
uint64_t pv_mm_cr3(void);		/* of all vCPUs, as Xen wants it */

/* start.c */
unsigned int pv_trap_table(struct trap_info *);
/* What start_info says: to begin with, and after a resume. */
void	 pv_boot_rings(const struct start_info *, struct pv_xen_boot *);
void	 pv_early_out(const struct start_info *, uintptr_t base);

/* save.c: save, restore and migration. */
void	 pv_save_init(struct start_info *);
int	 pv_save_suspend(struct pv_xen_boot *);

/* smp.c: the other vCPUs. */
int	 pv_smp_start(unsigned int cpu, void *stack_top);

/* irq.S: the interrupt flag. */
extern char pv_irq_begin[], pv_irq_end[];
unsigned long pv_irq_save(void);
unsigned long pv_irq_masked(void);
unsigned long pv_irq_unmask(void);

/* traps.S: where Xen enters. */
void	 pv_trap_256(void);
void	 pv_trap_257(void);
void	 pv_syscall(void);

#endif /* ARCH_PV_H */

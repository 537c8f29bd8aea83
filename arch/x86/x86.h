/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86.h -- single instructions, as functions.
 */

#ifndef X86_H
#define X86_H

#include <pv/types.h>

struct x86_cpuid {
	uint32_t	 a, b, c, d;
};

static inline struct x86_cpuid
x86_cpuid(uint32_t leaf, uint32_t sub)
{
	struct x86_cpuid r;

	__asm__ __volatile__("cpuid" : "=a" (r.a), "=b" (r.b), "=c" (r.c),
	    "=d" (r.d) : "0" (leaf), "2" (sub));
	return r;
}

static inline void
x86_outb(uint16_t port, uint8_t v)
{
	__asm__ __volatile__("outb %0, %1" : : "a" (v), "Nd" (port));
}

static inline void
x86_outw(uint16_t port, uint16_t v)
{
	__asm__ __volatile__("outw %0, %1" : : "a" (v), "Nd" (port));
}

static inline void
x86_outl(uint16_t port, uint32_t v)
{
	__asm__ __volatile__("outl %0, %1" : : "a" (v), "Nd" (port));
}

static inline uint8_t
x86_inb(uint16_t port)
{
	uint8_t v;

	__asm__ __volatile__("inb %1, %0" : "=a" (v) : "Nd" (port));
	return v;
}

static inline uint16_t
x86_inw(uint16_t port)
{
	uint16_t v;

	__asm__ __volatile__("inw %1, %0" : "=a" (v) : "Nd" (port));
	return v;
}

static inline uint32_t
x86_inl(uint16_t port)
{
	uint32_t v;

	__asm__ __volatile__("inl %1, %0" : "=a" (v) : "Nd" (port));
	return v;
}

static inline uint64_t
x86_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ __volatile__("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
x86_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ __volatile__("wrmsr" : : "c" (msr), "a" ((uint32_t)v),
	    "d" ((uint32_t)(v >> 32)) : "memory");
}

/* Ordered after all earlier loads, so that clock readings do not go back. */
static inline uint64_t
x86_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ __volatile__("lfence\n\trdtsc" : "=a" (lo), "=d" (hi) : :
	    "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t
x86_read_cr0(void)
{
	uint64_t v;

	__asm__ __volatile__("movq %%cr0, %0" : "=r" (v));
	return v;
}

static inline uint64_t
x86_read_cr4(void)
{
	uint64_t v;

	__asm__ __volatile__("movq %%cr4, %0" : "=r" (v));
	return v;
}

static inline uint64_t
x86_read_cr2(void)
{
	uint64_t v;

	__asm__ __volatile__("movq %%cr2, %0" : "=r" (v));
	return v;
}

static inline uint64_t
x86_read_cr3(void)
{
	uint64_t v;

	__asm__ __volatile__("movq %%cr3, %0" : "=r" (v));
	return v;
}

static inline void
x86_write_cr3(uint64_t v)
{
	__asm__ __volatile__("movq %0, %%cr3" : : "r" (v) : "memory");
}

static inline void
x86_invlpg(uintptr_t va)
{
	__asm__ __volatile__("invlpg (%0)" : : "r" (va) : "memory");
}

static inline void
x86_pause(void)
{
	__asm__ __volatile__("pause" : : : "memory");
}

static inline void
x86_barrier(void)
{
	__asm__ __volatile__("" : : : "memory");
}

#endif /* X86_H */

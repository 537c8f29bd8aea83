/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.h -- the only door to memory that a peer can write.
 *
 * A peer may change any byte of a shared page at any moment.  So each value
 * is read once, by one access of its own width, into private memory, and
 * checked there; nothing is read back that we wrote there ourselves.
 *
 * On x86 an ordinary load is an acquire and an ordinary store a release; the
 * builtins make the compiler keep the order too and are right on every
 * architecture.  shm_mb() is the full barrier that the notification protocols
 * need between publishing an index and reading the peer's.
 *
 * In hosted builds shared pages are poisoned for the address sanitizer and
 * SHM_RAW marks these functions as the only ones it does not instrument: a
 * plain dereference of a shared page is a test failure.  shm_trace() (hosted
 * only) reports each read, by which double fetches are found; with length 0 it
 * tells of a write to come: before each of both a simulated peer may act.
 */

#ifndef SHM_H
#define SHM_H

#include <pv/types.h>

#ifdef PV_HOSTED
void shm_trace(const void *p, size_t len);
#define SHM_RAW static __attribute__((__noinline__, __unused__, \
    __no_sanitize__("address", "thread")))
#else
#define SHM_RAW static inline
#define shm_trace(p, len) ((void)0)
#endif

#define SHM_ACCESSORS(bits)						\
SHM_RAW uint##bits##_t							\
shm_read##bits(const volatile uint##bits##_t *p)			\
{									\
	shm_trace((const void *)(uintptr_t)p, sizeof(*p));		\
	return __atomic_load_n(p, __ATOMIC_RELAXED);			\
}									\
SHM_RAW void								\
shm_write##bits(volatile uint##bits##_t *p, uint##bits##_t v)		\
{									\
	shm_trace((const void *)(uintptr_t)p, 0);			\
	__atomic_store_n(p, v, __ATOMIC_RELAXED);			\
}									\
SHM_RAW uint##bits##_t							\
shm_load_acquire##bits(const volatile uint##bits##_t *p)		\
{									\
	shm_trace((const void *)(uintptr_t)p, sizeof(*p));		\
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);			\
}									\
SHM_RAW void								\
shm_store_release##bits(volatile uint##bits##_t *p, uint##bits##_t v)	\
{									\
	shm_trace((const void *)(uintptr_t)p, 0);			\
	__atomic_store_n(p, v, __ATOMIC_RELEASE);			\
}									\
/* Returns true when *p was want and is now v. */			\
SHM_RAW bool								\
shm_cas##bits(volatile uint##bits##_t *p, uint##bits##_t want,		\
    uint##bits##_t v)							\
{									\
	return __atomic_compare_exchange_n(p, &want, v, false,		\
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);			\
}

SHM_ACCESSORS(8)
SHM_ACCESSORS(16)
SHM_ACCESSORS(32)

/*
 * Eight bytes that the peer has no reason to look at yet; by two stores where
 * the machine has none so wide.
 */
SHM_RAW void
shm_put64(volatile void *p, uint64_t v)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	*(volatile uint64_t *)p = v;
}

/* All three return the word as it was before. */
SHM_RAW uint32_t
shm_xchg32(volatile uint32_t *p, uint32_t v)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

SHM_RAW uint32_t
shm_or32(volatile uint32_t *p, uint32_t bits)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

SHM_RAW uint32_t
shm_and32(volatile uint32_t *p, uint32_t bits)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	return __atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST);
}

/* Words of the event-channel bitmaps: unsigned long, changed atomically. */
SHM_RAW unsigned long
shm_readl(const volatile unsigned long *p)
{
	shm_trace((const void *)(uintptr_t)p, sizeof(*p));
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

SHM_RAW unsigned long
shm_xchgl(volatile unsigned long *p, unsigned long v)
{
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

/* Both return the word as it was before. */
SHM_RAW unsigned long
shm_orl(volatile unsigned long *p, unsigned long bits)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

SHM_RAW unsigned long
shm_andl(volatile unsigned long *p, unsigned long bits)
{
	shm_trace((const void *)(uintptr_t)p, 0);
	return __atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST);
}

static inline void
shm_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Between an index that was read and the entries it covers. */
static inline void
shm_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void
shm_wmb(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/*
 * Copy len bytes out of, or into, shared memory.  The bytes may change while
 * they are copied; each is read once.  Widest aligned accesses first: four
 * words at a time, for most of what is copied are pages; then single ones, of
 * which descriptors are made.
 */
#define SHM_WORD	sizeof(unsigned long)

SHM_RAW void
shm_copy_in(void *dst, const volatile void *src, size_t len)
{
	const volatile unsigned char *s = src;
	unsigned char *d = dst;

	shm_trace((const void *)(uintptr_t)src, len);
	while (len >= 4 * SHM_WORD && (uintptr_t)s % SHM_WORD == 0) {
		const volatile unsigned long *p = (const volatile void *)s;
		unsigned long a = p[0], b = p[1], c = p[2], e = p[3];

		__builtin_memcpy(d, &a, SHM_WORD);
		__builtin_memcpy(d + SHM_WORD, &b, SHM_WORD);
		__builtin_memcpy(d + 2 * SHM_WORD, &c, SHM_WORD);
		__builtin_memcpy(d + 3 * SHM_WORD, &e, SHM_WORD);
		s += 4 * SHM_WORD;
		d += 4 * SHM_WORD;
		len -= 4 * SHM_WORD;
	}
	while (len >= SHM_WORD && (uintptr_t)s % SHM_WORD == 0) {
		unsigned long w = *(const volatile unsigned long *)
		    (const volatile void *)s;

		__builtin_memcpy(d, &w, SHM_WORD);
		s += SHM_WORD;
		d += SHM_WORD;
		len -= SHM_WORD;
	}
	while (len >= 4 && ((uintptr_t)s & 3) == 0) {
		uint32_t w = *(const volatile uint32_t *)(const volatile
		    void *)s;

		__builtin_memcpy(d, &w, 4);
		s += 4;
		d += 4;
		len -= 4;
	}
	while (len-- > 0)
		*d++ = *s++;
}

SHM_RAW void
shm_copy_out(volatile void *dst, const void *src, size_t len)
{
	volatile unsigned char *d = dst;
	const unsigned char *s = src;

	while (len >= 4 * SHM_WORD && (uintptr_t)d % SHM_WORD == 0) {
		volatile unsigned long *p = (volatile void *)d;
		unsigned long a, b, c, e;

		__builtin_memcpy(&a, s, SHM_WORD);
		__builtin_memcpy(&b, s + SHM_WORD, SHM_WORD);
		__builtin_memcpy(&c, s + 2 * SHM_WORD, SHM_WORD);
		__builtin_memcpy(&e, s + 3 * SHM_WORD, SHM_WORD);
		p[0] = a;
		p[1] = b;
		p[2] = c;
		p[3] = e;
		s += 4 * SHM_WORD;
		d += 4 * SHM_WORD;
		len -= 4 * SHM_WORD;
	}
	while (len >= SHM_WORD && (uintptr_t)d % SHM_WORD == 0) {
		unsigned long w;

		__builtin_memcpy(&w, s, SHM_WORD);
		*(volatile unsigned long *)(volatile void *)d = w;
		s += SHM_WORD;
		d += SHM_WORD;
		len -= SHM_WORD;
	}
	while (len >= 4 && ((uintptr_t)d & 3) == 0) {
		uint32_t w;

		__builtin_memcpy(&w, s, 4);
		*(volatile uint32_t *)(volatile void *)d = w;
		s += 4;
		d += 4;
		len -= 4;
	}
	while (len-- > 0)
		*d++ = *s++;
}

SHM_RAW void
shm_zero(volatile void *dst, size_t len)
{
	volatile unsigned char *d = dst;

	while (len >= SHM_WORD && (uintptr_t)d % SHM_WORD == 0) {
		*(volatile unsigned long *)(volatile void *)d = 0;
		d += SHM_WORD;
		len -= SHM_WORD;
	}
	while (len-- > 0)
		*d++ = 0;
}

#endif /* SHM_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.h -- what lwIP wants to know of the compiler and the platform.
 */

#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rand.h>

#define LWIP_NO_INTTYPES_H	1
#define LWIP_NO_CTYPE_H		1
#define LWIP_NO_UNISTD_H	1
#define LWIP_TIMEVAL_PRIVATE	0
#define LWIP_ERR_T		int

#define X8_F			"02x"
#define U16_F			"u"
#define S16_F			"d"
#define X16_F			"x"
#define U32_F			"u"
#define S32_F			"d"
#define X32_F			"x"
#define SZT_F			"lu"

#define BYTE_ORDER		LITTLE_ENDIAN

void	 sys_arch_diag(const char *, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
_Noreturn void sys_arch_assert(const char *, const char *, int);

#define LWIP_RAND()		rand_u32()
#define LWIP_PLATFORM_DIAG(x)	do { sys_arch_diag x; } while (0)
#define LWIP_PLATFORM_ASSERT(x)	sys_arch_assert((x), __FILE__, __LINE__)

#endif /* ARCH_CC_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/types.h -- types of the system interface. */

#ifndef LIBC_SYS_TYPES_H
#define LIBC_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef long		 ssize_t;
typedef int64_t		 off_t;
typedef int64_t		 off64_t;
typedef int64_t		 loff_t;
typedef int64_t		 time_t;
typedef long		 suseconds_t;
typedef unsigned int	 mode_t;
typedef uint64_t	 dev_t;
typedef uint64_t	 ino_t;
typedef unsigned long	 nlink_t;
typedef long		 blksize_t;
typedef int64_t		 blkcnt_t;
typedef unsigned int	 uid_t;
typedef unsigned int	 gid_t;
typedef int		 pid_t;
typedef unsigned char	 u_char;
typedef unsigned short	 u_short;
typedef unsigned int	 u_int;
typedef unsigned long	 u_long;
typedef uint8_t		 u_int8_t;
typedef uint16_t	 u_int16_t;
typedef uint32_t	 u_int32_t;
typedef uint64_t	 u_int64_t;

#endif /* LIBC_SYS_TYPES_H */

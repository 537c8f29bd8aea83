/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inet.h -- byte order, for the journal code of e2fsprogs.
 */

#ifndef E2_INET_H
#define E2_INET_H

#define htons(n)	((unsigned short)__builtin_bswap16(n))
#define ntohs(n)	((unsigned short)__builtin_bswap16(n))
#define htonl(n)	((unsigned int)__builtin_bswap32(n))
#define ntohl(n)	((unsigned int)__builtin_bswap32(n))

#endif /* E2_INET_H */

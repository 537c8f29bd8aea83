/* SPDX-License-Identifier: BSD-2-Clause */
/* ctype.h -- ASCII only. */

#ifndef LIBC_CTYPE_H
#define LIBC_CTYPE_H

int	 isalnum(int);
int	 isalpha(int);
int	 isblank(int);
int	 iscntrl(int);
int	 isdigit(int);
int	 isgraph(int);
int	 islower(int);
int	 isprint(int);
int	 ispunct(int);
int	 isspace(int);
int	 isupper(int);
int	 isxdigit(int);
int	 tolower(int);
int	 toupper(int);

#endif /* LIBC_CTYPE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdio.h -- formatting, and the two streams that there are.  What is
 * written to them goes to the kernel's log, line by line.
 */

#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define FILE	struct libc_file	/* nobody looks inside */

extern FILE *const stdin, *const stdout, *const stderr;

#define EOF		(-1)
#define BUFSIZ		1024
#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2

#define LIBC_FORMAT(f, a) __attribute__((__format__(__printf__, f, a)))

int	 printf(const char *, ...) LIBC_FORMAT(1, 2);
int	 fprintf(FILE *, const char *, ...) LIBC_FORMAT(2, 3);
int	 sprintf(char *, const char *, ...) LIBC_FORMAT(2, 3);
int	 snprintf(char *, size_t, const char *, ...) LIBC_FORMAT(3, 4);
int	 vprintf(const char *, va_list) LIBC_FORMAT(1, 0);
int	 vfprintf(FILE *, const char *, va_list) LIBC_FORMAT(2, 0);
int	 vsprintf(char *, const char *, va_list) LIBC_FORMAT(2, 0);
int	 vsnprintf(char *, size_t, const char *, va_list) LIBC_FORMAT(3, 0);

int	 fputc(int, FILE *);
int	 fputs(const char *, FILE *);
int	 putc(int, FILE *);
int	 putchar(int);
int	 puts(const char *);
size_t	 fwrite(const void *, size_t, size_t, FILE *);
int	 fflush(FILE *);
void	 perror(const char *);

#endif /* LIBC_STDIO_H */

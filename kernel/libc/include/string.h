/* SPDX-License-Identifier: BSD-2-Clause */
/* string.h -- memory and strings; kernel/libc/string.c. */

#ifndef LIBC_STRING_H
#define LIBC_STRING_H

#include <stddef.h>

void	*memcpy(void *restrict, const void *restrict, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	 memcmp(const void *, const void *, size_t);
void	*memchr(const void *, int, size_t);

size_t	 strlen(const char *);
size_t	 strnlen(const char *, size_t);
int	 strcmp(const char *, const char *);
int	 strncmp(const char *, const char *, size_t);
char	*strcpy(char *restrict, const char *restrict);
char	*strncpy(char *restrict, const char *restrict, size_t);
char	*strcat(char *restrict, const char *restrict);
char	*strncat(char *restrict, const char *restrict, size_t);
char	*strchr(const char *, int);
char	*strrchr(const char *, int);
char	*strstr(const char *, const char *);
size_t	 strspn(const char *, const char *);
size_t	 strcspn(const char *, const char *);
char	*strpbrk(const char *, const char *);
char	*strtok_r(char *restrict, const char *restrict, char **restrict);
char	*strdup(const char *);
char	*strndup(const char *, size_t);
char	*strerror(int);

#include <strings.h>

#endif /* LIBC_STRING_H */

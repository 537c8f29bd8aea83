/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unistd.h -- types and constants; the calls that libraries make for
 * information.  There are no file descriptors.
 */

#ifndef LIBC_UNISTD_H
#define LIBC_UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO	0
#define STDOUT_FILENO	1
#define STDERR_FILENO	2
#define R_OK		4
#define W_OK		2
#define X_OK		1
#define F_OK		0
#define _SC_PAGESIZE	30
#define _SC_NPROCESSORS_ONLN 84
#define _SC_NPROCESSORS_CONF 83

/* As in stdio.h. */
#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2

uid_t	 getuid(void);			/* all 0 */
uid_t	 geteuid(void);
gid_t	 getgid(void);
gid_t	 getegid(void);
pid_t	 getpid(void);
long	 sysconf(int);
unsigned int sleep(unsigned int);
int	 usleep(unsigned int);

#endif /* LIBC_UNISTD_H */

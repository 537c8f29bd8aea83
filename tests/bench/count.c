/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c -- a TCG plugin for QEMU that counts the guest's instructions.
 *
 *	-plugin count.so,out=FILE,ask=FIFO,at=NAME:HEX,at=...
 *
 * FILE gets, in time order, "at NAME COUNT" when the instruction at a virtual
 * address is executed for the first time, or when somebody writes NAME and a
 * newline to the FIFO, and at the end "all COUNT": the instructions of all
 * virtual CPUs until then.  Who asks is told in parts too, before that: of
 * each CPU "at NAME_cpuN_KIND COUNT", what Xen executed there, programs in the
 * lower half of the address space, kernels in the upper, and how many
 * hypercalls these made.
 *
 * The few functions of QEMU's plugin interface that it needs are declared
 * here, as its documentation has them: Debian packages no header.
 */

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void	 qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
	    void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void	 qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *,
	    void (*)(unsigned int, void *), enum qemu_plugin_cb_flags, void *);
void	 qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
	    void (*)(unsigned int, void *), enum qemu_plugin_cb_flags, void *);
void	 qemu_plugin_register_atexit_cb(qemu_plugin_id_t,
	    void (*)(qemu_plugin_id_t, void *), void *);
size_t	 qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t	 qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
	    const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

#define COUNT_NAT	16u
#define COUNT_NCPU	64u
#define COUNT_NAME	64u
#define COUNT_XEN_VA	0xffff800000000000u	/* Xen's, under PV guests, .. */
#define COUNT_KERNEL_VA	0xffff880000000000u	/* .. up to here */

enum count_kind { COUNT_PROGRAM, COUNT_KERNEL, COUNT_XEN, COUNT_CALL,
	COUNT_NKIND };
static const char *const count_kind[] = { "program", "kernel", "xen",
	"call" };

struct count_at {
	const char	*at_name;
	uint64_t	 at_va;
	uint64_t	 at_rest;	/* counted with its block, not run */
	bool		 at_seen;
};

__attribute__((__visibility__("default"))) int qemu_plugin_version =
    PLUGIN_VERSION;
__attribute__((__visibility__("default"))) int qemu_plugin_install(
    qemu_plugin_id_t id, const void *info, int argc, char **argv);

static struct count_at count_at[COUNT_NAT];
static unsigned int count_nat;
static uint64_t count_of[COUNT_NCPU][COUNT_NKIND];
static FILE *count_out, *count_ask;

static uint64_t
count_all(void)
{
	uint64_t all = 0;
	unsigned int n, kind;

	for (n = 0; n < COUNT_NCPU; n++)
		for (kind = 0; kind < COUNT_CALL; kind++)
			all += __atomic_load_n(&count_of[n][kind],
			    __ATOMIC_RELAXED);
	return all;
}

/* arg: so many instructions, of a kind. */
static void
count_block(unsigned int cpu, void *arg)
{
	uintptr_t n = (uintptr_t)arg;

	if (cpu < COUNT_NCPU)
		count_of[cpu][n % COUNT_NKIND] += n / COUNT_NKIND;
}

static void *
count_arg(uint64_t va, size_t n)
{
	enum count_kind kind = va < COUNT_XEN_VA ? COUNT_PROGRAM :
	    va < COUNT_KERNEL_VA ? COUNT_XEN : COUNT_KERNEL;

	return (void *)(uintptr_t)(n * COUNT_NKIND + kind);
}

/* PV kernels call by syscall, others by vmcall or vmmcall. */
static bool
count_is_call(const struct qemu_plugin_insn *insn)
{
	const uint8_t *p = qemu_plugin_insn_data(insn);
	size_t n = qemu_plugin_insn_size(insn);

	if (n == 2 && p[0] == 0x0f && p[1] == 0x05)
		return qemu_plugin_insn_vaddr(insn) >= COUNT_KERNEL_VA;
	return n == 3 && p[0] == 0x0f && p[1] == 0x01 &&
	    (p[2] == 0xc1 || p[2] == 0xd9);
}

static void
count_reached(unsigned int cpu, void *arg)
{
	struct count_at *at = arg;

	if (__atomic_exchange_n(&at->at_seen, true, __ATOMIC_RELAXED))
		return;
	fprintf(count_out, "at %s %" PRIu64 "\n", at->at_name,
	    count_all() - at->at_rest);
	fflush(count_out);
}

static void
count_parts(const char *name)
{
	unsigned int n, kind;

	for (n = 0; n < COUNT_NCPU; n++)
		for (kind = 0; kind < COUNT_NKIND; kind++)
			if (count_of[n][kind] != 0)
				fprintf(count_out, "at %s_cpu%u_%s %" PRIu64
				    "\n", name, n, count_kind[kind],
				    count_of[n][kind]);
}

/* The thread that is asked. */
static void *
count_answer(void *arg)
{
	char name[COUNT_NAME];

	while (fgets(name, sizeof(name), count_ask) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		count_parts(name);
		fprintf(count_out, "at %s %" PRIu64 "\n", name, count_all());
		fflush(count_out);
	}
	return NULL;
}

/* Signals are QEMU's own business. */
static bool
count_listen(void)
{
	sigset_t all, was;
	pthread_t thread;
	int rv;

	if (count_ask == NULL)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	rv = pthread_create(&thread, NULL, count_answer, NULL);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rv == 0;
}

/* Note when it is reached, if that is wanted. */
static void
count_watch(struct qemu_plugin_insn *insn, uint64_t rest)
{
	unsigned int k;

	for (k = 0; k < count_nat; k++) {
		if (count_at[k].at_va != qemu_plugin_insn_vaddr(insn))
			continue;
		count_at[k].at_rest = rest;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, count_reached,
		    QEMU_PLUGIN_CB_NO_REGS, &count_at[k]);
	}
}

static void
count_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), i;
	struct qemu_plugin_insn *insn;

	if (n == 0)
		return;
	insn = qemu_plugin_tb_get_insn(tb, 0);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block,
	    QEMU_PLUGIN_CB_NO_REGS,
	    count_arg(qemu_plugin_insn_vaddr(insn), n));
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		count_watch(insn, n - i);
		if (count_is_call(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
			    count_block, QEMU_PLUGIN_CB_NO_REGS,
			    (void *)(uintptr_t)(COUNT_NKIND + COUNT_CALL));
	}
}

static void
count_end(qemu_plugin_id_t id, void *arg)
{
	fprintf(count_out, "all %" PRIu64 "\n", count_all());
	fclose(count_out);
}

static bool
count_option(char *text)
{
	char *colon;

	if (strncmp(text, "out=", 4) == 0) {
		count_out = fopen(text + 4, "w");
		return count_out != NULL;
	}
	if (strncmp(text, "ask=", 4) == 0) {
		count_ask = fopen(text + 4, "r+");	/* never at its end */
		return count_ask != NULL;
	}
	colon = strchr(text, ':');
	if (strncmp(text, "at=", 3) != 0 || colon == NULL ||
	    count_nat == COUNT_NAT)
		return false;
	count_at[count_nat].at_name = strndup(text + 3,
	    (size_t)(colon - text - 3));
	count_at[count_nat++].at_va = strtoull(colon + 1, NULL, 16);
	return true;
}

int
qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
    char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!count_option(argv[i])) {
			fprintf(stderr, "count: can not use %s\n", argv[i]);
			return -1;
		}
	}
	if (count_out == NULL) {
		fprintf(stderr, "count: out=FILE is needed\n");
		return -1;
	}
	if (!count_listen()) {
		fprintf(stderr, "count: no thread\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, count_translated);
	qemu_plugin_register_atexit_cb(id, count_end, NULL);
	return 0;
}

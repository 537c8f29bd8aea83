# SPDX-License-Identifier: BSD-2-Clause
# nm -n output -> the assembly of the symbol table; see arch/x86/backtrace.c.
# The addresses are left to the assembler, so no 64-bit arithmetic is needed.

BEGIN { n = 0; off = 0 }

$2 ~ /^[Tt]$/ && $3 !~ /^\.L/ {
	if ($1 == last)
		next
	last = $1
	addr[n] = $1
	name[n++] = $3
}
END {
	print "\t.section .ksyms, \"a\"\n\t.balign 4"
	print "\t.globl ksyms_count, ksyms_addr, ksyms_name, ksyms_text"
	printf "ksyms_count:\n\t.long %d\nksyms_addr:\n", n
	for (i = 0; i < n; i++)
		printf "\t.long 0x%s - 0xffffffff80400000\n", addr[i]
	print "ksyms_name:"
	for (i = 0; i < n; i++) {
		printf "\t.long %d\n", off
		off += length(name[i]) + 1
	}
	print "ksyms_text:"
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", name[i]
	print "\t.section .note.GNU-stack, \"\", @progbits"
}

# SPDX-License-Identifier: BSD-2-Clause
# Domus.  `make help` lists the targets; sources are listed in build/files.mk.

OUT ?= out
CC ?= gcc
XEN_INCLUDE ?= /usr/include

all: image				## the guest image (the default)

include build/common.mk
include build/files.mk
include build/lib.mk
include build/guest.mk
include build/host.mk
include build/user.mk
include build/fio.mk

.PHONY: all help image lib check unit conf style layers readme man xen qemu fuzz \
	size install clean

image: $(KOUT)/domus-x86_64.elf		## the guest of conf/$(CONF): GENERIC boots every way
lib: $(OUT)/libdomus.a			## the library for embedders

check: style layers man readme unit conf	## style, layers, unit, loop, evil tests
	@tools/sum-results $(OUT)/results/check

style:					## the mechanical part of CODING_STYLE
	@tools/check-style
layers: $(OUT)/libdomus.a		## who may include and call whom
	@tools/check-layers $(OUT)/lib
readme:					## the README's example compiles
	@tools/check-readme $(CC)
# The images that it makes share the objects of this one.
conf: image				## tests of tools/config and of conf/
	@tools/run-host tests/conf/t_config $(OUT)/results/check/t_config
man:					## manual pages are well-formed
	@mandoc -Tlint -Wwarning man/*.[1-9]

clean:					## remove what make built (not out/deps)
	rm -rf $(OUT)/guest $(OUT)/conf $(OUT)/lib $(OUT)/user $(OUT)/host $(OUT)/results \
	    $(OUT)/include $(OUT)/tests $(OUT)/*.elf $(OUT)/*.a

help:					## this list
	@awk -F':.*## *' '/^[a-z]+:.*##/ { printf "%-10s %s\n", $$1, $$2 }' \
	    Makefile build/*.mk

# SPDX-License-Identifier: BSD-2-Clause
# fio, unpatched, which lab tests run in Linux guests: one static program.
# FIO_DIR= names sources that are there already.

FIO_DIR ?= $(OUT)/deps/src/fio-3.33
fio-without := lex http numa rdma rados rbd gfapi pmem libnfs xnvme libzbc \
	tcmalloc dfs shm native

$(FIO_DIR)/configure:
	@tools/fetch source fio >/dev/null
$(OUT)/fio/fio: | $(FIO_DIR)/configure
	$(call say,MAKE,$@)mkdir -p $(@D)/tree && cd $(@D)/tree && \
	    { $(abspath $(FIO_DIR))/configure --build-static \
	    $(fio-without:%=--disable-%) && $(MAKE) -s fio; } >../log 2>&1 || \
	    { tail -n 20 ../log; exit 1; }
	$(Q)strip -o $@ $(@D)/tree/fio

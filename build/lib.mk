# SPDX-License-Identifier: BSD-2-Clause
# libdomus.a: one relocatable object in which only pv_* symbols are global, so
# that its short internal names never meet an embedder's.

LIB_CFLAGS = -O2 -g -fno-pic -fno-omit-frame-pointer -mno-red-zone \
	-mgeneral-regs-only $(FREESTANDING) $(WARN) $(LIB_INC) $(ALL_DRIVERS) \
	-Iport/guest -Iarch/x86/include

lib-objs := $(libdomus-srcs:%.c=$(OUT)/lib/%.o)

$(OUT)/lib/%.o: %.c | $(XEN_LINK)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(LIB_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/libdomus.o: $(lib-objs)
	$(call say,LD,$@)ld -r -o $@ $(lib-objs)
	$(Q)nm --defined-only $@ | awk '$$3 ~ /^pv_/ && $$3 !~ /^pv_os_/ \
	    { print $$3 }' > $@.syms
	$(Q)objcopy --keep-global-symbols=$@.syms $@

$(OUT)/libdomus.a: $(OUT)/libdomus.o
	$(call say,AR,$@)rm -f $@; ar rcsD $@ $<

-include $(lib-objs:.o=.d)

DESTDIR ?=
PREFIX ?= /usr/local
install: lib				## library, headers, manual pages
	install -d $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/pv
	install -m 644 $(OUT)/libdomus.a $(DESTDIR)$(PREFIX)/lib
	install -m 644 include/pv/*.h $(DESTDIR)$(PREFIX)/include/pv
	for s in 1 3 4 5 8; do \
		set -- man/*.$$s; test -e "$$1" || continue; \
		install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; \
		install -m 644 "$$@" $(DESTDIR)$(PREFIX)/share/man/man$$s; \
	done

size: $(OUT)/libdomus.a			## text, data, bss of each driver
	@size $(filter $(OUT)/lib/dev/%,$(lib-objs)) $(OUT)/libdomus.o

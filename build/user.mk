# SPDX-License-Identifier: BSD-2-Clause
# Programs that have libdomus in them, with devices over vhost-user: port/user.

USER_CFLAGS = -O2 -g -std=gnu11 -fno-common $(WARN) $(LIB_INC) $(ALL_DRIVERS) \
	-Iport/user

user-srcs := $(libdomus-srcs) $(wildcard port/user/*.c)
user-objs := $(user-srcs:%.c=$(OUT)/user/%.o)

$(OUT)/user/%.o: %.c | $(XEN_LINK)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@
$(OUT)/user/core/conf.o: $(dev-srcs)

$(OUT)/user/vq_native: $(OUT)/user/tests/bench/vq_native.o $(user-objs)
	$(call say,LD,$@)$(CC) -o $@ $^

-include $(user-objs:.o=.d) $(OUT)/user/tests/bench/vq_native.d

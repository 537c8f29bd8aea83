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

# One program has the simulated Xen under the library, which is compiled as it
# is shipped; only the simulator's own functions are those of the host tests.
SIMUSER_CFLAGS = $(subst -Iport/user,-Iport/host -Isim,$(USER_CFLAGS)) \
	-D_GNU_SOURCE
simuser-srcs := $(libdomus-srcs) $(wildcard sim/*.c) port/host/os.c
simuser-objs := $(simuser-srcs:%.c=$(OUT)/simuser/%.o)

$(OUT)/simuser/%.o: %.c | $(XEN_LINK)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(SIMUSER_CFLAGS) $(simuserflags-$<) -MMD -MP \
	    -c $< -o $@
simuserflags-sim/sim_mem.c := -DPV_HOSTED
$(OUT)/simuser/core/conf.o: $(dev-srcs)

$(OUT)/user/attach_sim: $(OUT)/simuser/tests/bench/attach_sim.o $(simuser-objs)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -o $@ $^

-include $(simuser-objs:.o=.d) $(OUT)/simuser/tests/bench/attach_sim.d

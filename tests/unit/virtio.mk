# SPDX-License-Identifier: BSD-2-Clause
# Tests of virtio/ without a simulated device.
unit-tests += t_vq
t_vq-srcs := virtio/vq.c virtio/vq_split.c virtio/vq_packed.c
f_vq-srcs := virtio/vq.c virtio/vq_split.c virtio/vq_packed.c tests/unit/trace.c

// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/opening.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container/task_tree.h"

namespace reprise::preflight {

std::string descriptor_of(const std::filesystem::path& process, int number) {
  return container::describe_process(process) + ", descriptor " + std::to_string(number);
}

bool is_same_opening(pid_t one, int descriptor, pid_t other, int others) {
  return ::syscall(SYS_kcmp, one, other, KCMP_FILE, descriptor, others) == 0;
}

}  // namespace reprise::preflight

// SPDX-License-Identifier: Apache-2.0
//
// Which process is the node's own containerd.
//
// Any pod may call a process of its own so, with any command line, from a program whose path exists
// on the node as well. What is taken here is started as root and told to end: it must be what
// nobody but root of the node can have started.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::install {

struct ContainerdProcess {
  pid_t pid = 0;
  sys::UniqueFd directory;  // of it in /proc: nothing can be read there once it has ended
  sys::UniqueFd program;    // the file that it runs, O_PATH
  std::filesystem::path program_path;  // on the node, where the same file lies
  std::string unit;                    // of systemd; empty where it is none
};

// Of those that run as root, in the user, pid and mount namespace of process 1 and with its root
// directory, the first whose main file is `config`. kNotFound: there is none; the error names the
// files of others, and the processes that are called so and are not taken, with the reason.
base::Result<ContainerdProcess> containerd_process(const std::filesystem::path& proc,
                                                   const std::filesystem::path& config);

}  // namespace reprise::install

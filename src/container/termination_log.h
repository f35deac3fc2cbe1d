// SPDX-License-Identifier: Apache-2.0
//
// The file on the host in which a pod's container may say why it ended. The container writes it, as
// much as it likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::container {

// The kubelet reads the last 4096 bytes (MaxContainerTerminationMessageLength in its
// pkg/kubelet/container/runtime.go); a program may read back more of what it wrote.
inline constexpr std::size_t kTerminationLogKept = std::size_t{64} << 10;

// Its end.
struct TerminationLog {
  std::uint64_t begin = 0;  // how much of the file came before
  std::string text;         // kTerminationLogKept bytes at most
};

// Empty where there is no regular file: nobody reads what is said there.
base::Result<TerminationLog> read_termination_log(const std::filesystem::path& file);
// In place, since it is mounted; what came before is a hole, so that who has it open goes on where
// it was. The text alone where the file system has no files of that size; nothing where there is no
// regular file.
base::Result<void> write_termination_log(const std::filesystem::path& file,
                                         const TerminationLog& log);

}  // namespace reprise::container

// SPDX-License-Identifier: Apache-2.0
//
// What does not come back although nothing is refused for it (not_kept.def), and what of that can
// be seen in a container.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::preflight {

enum class NotKept : std::uint8_t {
#define NOT_KEPT(key, what, becomes) key,
#include "preflight/not_kept.def"
#undef NOT_KEPT
};

struct NotKeptRow {
  NotKept key;
  std::string_view what;
  std::string_view becomes;
};
std::span<const NotKeptRow> not_kept();

struct SeenLoss {
  std::string subject;  // "process 12 (worker)"
  const NotKeptRow* row = nullptr;
};
// kHarmful leaves out what no program notices.
enum class Losses : std::uint8_t { kHarmful, kAll };
// Of the processes of `init`'s tree, each row once, with the first that has it: a system call per
// process, for kAll also a file. Changes nothing; what cannot be read is left out.
std::vector<SeenLoss> seen_losses(pid_t init, Losses which);

}  // namespace reprise::preflight

// SPDX-License-Identifier: Apache-2.0
#include "runtime/killed.h"

#include <filesystem>
#include <system_error>

#include "host/identity.h"
#include "sys/files.h"

namespace reprise::runtime {
namespace {

std::filesystem::path kill_note_of(const Call& call, const host::Identity& who) {
  return call.layout.run / "killed" / who.file_name;
}

}  // namespace

void note_kill(const Call& call, const host::Identity& who) {
  std::error_code unknown;
  if (!std::filesystem::exists(call.layout.marker_of(who), unknown)) return;
  const std::filesystem::path note = kill_note_of(call, who);
  if (sys::make_directories(note.parent_path())) static_cast<void>(sys::replace_file(note, ""));
}

bool take_kill(const Call& call, const host::Identity& who) {
  std::error_code ignored;
  return std::filesystem::remove(kill_note_of(call, who), ignored);
}

}  // namespace reprise::runtime

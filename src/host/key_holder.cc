// SPDX-License-Identifier: Apache-2.0
#include "host/key_holder.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "oci/runtime.h"
#include "sys/file_lock.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::host {

using base::ContainerId;
using base::ErrorCode;
using base::Result;

namespace {

struct Holder {
  ContainerId id;
  sys::ProcessRef maker;  // who makes it, before runc remembers it
};

// nullopt where there is none, or half of a file, which nobody holds anything by.
Result<std::optional<Holder>> load_holder(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return std::nullopt;
  std::istringstream words(REPRISE_PASS(sys::read_file(file)));
  Holder holder;
  std::string id;
  words >> id >> holder.maker.pid >> holder.maker.start_ticks;
  if (!words) return std::nullopt;
  holder.id = REPRISE_TRY(ContainerId::parse(id), "reading '" + file.string() + "'");
  return std::optional(std::move(holder));
}

Result<bool> lives(const Holder& holder, const oci::Runtime& runtime) {
  if (holder.maker.pid != ::getpid() && sys::is_alive(holder.maker)) return true;
  const auto state = runtime.state_of(holder.id);
  if (state) return sys::is_alive(state->init);
  if (state.error().code() == ErrorCode::kNotFound) return false;
  return std::unexpected(state.error());
}

}  // namespace

Result<std::optional<ContainerId>> take_key(const Layout& layout, const Identity& who,
                                            const oci::Runtime& runtime) {
  constexpr std::chrono::seconds kPatience{10};
  const std::filesystem::path file = layout.holder_of(who.key);
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(file.string() + ".lock", kPatience),
                                         "asking who has the key");
  const auto holder = REPRISE_PASS(load_holder(file));
  if (holder && holder->id != who.id)
    if (REPRISE_PASS(lives(*holder, runtime))) return std::optional<ContainerId>(holder->id);
  const sys::ProcessRef self = REPRISE_PASS(sys::process_ref(::getpid()));
  REPRISE_PASS(sys::replace_file(file, who.id.str() + " " + std::to_string(self.pid) + " " +
                                           std::to_string(self.start_ticks) + "\n"));
  return std::optional<ContainerId>();
}

}  // namespace reprise::host

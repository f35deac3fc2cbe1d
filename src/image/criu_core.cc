// SPDX-License-Identifier: Apache-2.0
#include "image/criu_core.h"

#include "criu_core.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::Result;

namespace {

Result<criu::Core> parse_core(std::string_view file) {
  const std::string_view message =
      REPRISE_PASS(only_message(file, kCriuImageMagic, kCoreMagic, "a core image"));
  criu::Core core;
  if (!core.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return damaged("a core image");
  return core;
}

}  // namespace

Result<std::vector<CriuLimit>> decode_core_limits(std::string_view file) {
  const criu::Core core = REPRISE_PASS(parse_core(file));
  std::vector<CriuLimit> limits;
  for (const criu::Rlimit& limit : core.tc().rlimits().rlimits())
    limits.push_back({.soft = limit.cur(), .hard = limit.max()});
  return limits;
}

Result<std::string> set_timer_threads(std::string_view file,
                                      const std::map<std::uint32_t, std::int32_t>& threads) {
  constexpr std::uint32_t kNobody = 1;  // SIGEV_NONE
  constexpr std::uint32_t kThread = 4;  // SIGEV_THREAD_ID
  criu::Core core = REPRISE_PASS(parse_core(file));
  if (core.tc().timers().posix().empty()) return std::string(file);
  for (criu::PosixTimer& timer : *core.mutable_tc()->mutable_timers()->mutable_posix()) {
    const auto thread = threads.find(timer.id());
    if (thread == threads.end() && timer.notify() == kThread) return damaged("a list of timers");
    if (thread == threads.end()) continue;
    timer.set_notify(thread->second == 0 ? kNobody : kThread);
    timer.clear_notify_thread();
    if (thread->second != 0) timer.set_notify_thread(thread->second);
  }
  constexpr std::size_t kMagics = 8;
  std::string changed(file.substr(0, kMagics));
  append_message(changed, core.SerializeAsString());
  return changed;
}

}  // namespace reprise::image

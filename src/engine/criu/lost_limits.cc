// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/lost_limits.h"

#include <algorithm>
#include <system_error>

#include "image/criu_core.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

namespace {

// By the numbers of the kernel, which are the same on every architecture that CRIU runs on.
constexpr std::array<const char*, RLIM_NLIMITS> kNames = {
    "CPU time",       "file size",     "data size",         "stack size",
    "core size",      "resident set",  "processes",         "open files",
    "locked memory",  "address space", "file locks",        "pending signals",
    "message queues", "nice priority", "realtime priority", "realtime time"};

std::string to_text(rlim64_t value) {
  return value == RLIM64_INFINITY ? "unlimited" : std::to_string(value);
}

// The highest of all processes.
Result<HardLimits> saved_limits(const std::filesystem::path& images) {
  HardLimits highest{};
  std::error_code error;
  for (std::filesystem::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with("core-")) continue;
    const std::string file = REPRISE_PASS(sys::read_file(entry->path()));
    const auto limits = REPRISE_TRY(image::decode_core_limits(file),
                                    "reading '" + entry->path().filename().string() + "'");
    for (std::size_t i = 0; i < std::min(limits.size(), highest.size()); ++i)
      highest[i] = std::max<rlim64_t>(highest[i], limits[i].hard);
  }
  if (error) return base::fail_errno(error.value(), "reading '" + images.string() + "'");
  return highest;
}

}  // namespace

HardLimits own_hard_limits() {
  HardLimits limits{};
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    rlimit64 limit{};
    ::getrlimit64(static_cast<__rlimit_resource>(i), &limit);
    limits[static_cast<std::size_t>(i)] = limit.rlim_max;
  }
  return limits;
}

Result<std::string> limits_above(const std::filesystem::path& images, const HardLimits& ours) {
  const HardLimits saved = REPRISE_PASS(saved_limits(images));
  std::string text;
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (saved[i] <= ours[i]) continue;
    text += text.empty() ? "" : ", ";
    text += std::string(kNames[i]) + " (" + to_text(saved[i]) + ", here " + to_text(ours[i]) + ")";
  }
  return text;
}

}  // namespace reprise::engine

// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/flight.h"

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "image/criu_flight.h"
#include "sys/files.h"

namespace reprise::engine {

using base::ErrorCode;
using base::Result;

namespace {

Result<std::vector<std::string>> lists_of_descriptors(const std::filesystem::path& spool) {
  std::vector<std::string> lists;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(spool, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().string().starts_with("fdinfo-"))
      lists.push_back(REPRISE_PASS(sys::read_file(entry->path())));
  if (error) return base::fail_errno(error.value(), "reading '" + spool.string() + "'");
  return lists;
}

}  // namespace

Result<void> order_flight(const std::filesystem::path& spool) {
  const std::filesystem::path file = spool / "sk-queues.img";
  const Result<std::string> queues = sys::read_file(file);
  if (!queues && queues.error().code() == ErrorCode::kNotFound) return {};
  if (!queues) return std::unexpected(queues.error());
  constexpr std::size_t kMagics = 8;
  if (queues->size() <= kMagics) return {};
  const std::string files = REPRISE_PASS(sys::read_file(spool / "files.img"));
  auto ordered = image::order_messages(files, REPRISE_PASS(lists_of_descriptors(spool)), *queues);
  if (!ordered && ordered.error().code() == ErrorCode::kUnsupported)
    return std::unexpected(std::move(ordered).error().with_hint(
        "try again when the program has received it, which takes a moment only as a rule"));
  if (!ordered) return std::unexpected(std::move(ordered).error());
  if (*ordered == *queues) return {};
  return sys::replace_file(file, *ordered);
}

}  // namespace reprise::engine

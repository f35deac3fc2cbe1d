// SPDX-License-Identifier: Apache-2.0
#include "preflight/memory_limit.h"

#include <nlohmann/json.hpp>
#include <string>

#include "json/reader.h"
#include "sys/files.h"

namespace reprise::preflight {

using base::Result;
using nlohmann::json;

bool suffices(const MemoryLimit& limit, std::uint64_t needed, bool host_swaps) {
  const auto fits = [needed](std::int64_t bytes) {
    return bytes < 0 || static_cast<std::uint64_t>(bytes) >= needed;
  };
  if (limit.memory <= 0 || fits(limit.memory)) return true;
  // What does not fit into memory need not be there.
  return host_swaps && limit.swap != 0 && fits(limit.swap);
}

Result<MemoryLimit> parse_memory_limit(std::string_view config) {
  try {
    const json parsed = json_reader::parse(config);
    const json::json_pointer place("/linux/resources/memory");
    const json memory = parsed.contains(place) ? parsed.at(place) : json();
    if (memory.is_null()) return MemoryLimit{};
    return MemoryLimit{.memory = memory.value("limit", std::int64_t{0}),
                       .swap = memory.value("swap", std::int64_t{0})};
  } catch (const json::exception& error) {
    return base::fail(base::ErrorCode::kCorrupt,
                      std::string("not an OCI configuration: ") + error.what());
  }
}

Result<MemoryLimit> load_memory_limit(const std::filesystem::path& bundle) {
  const std::string text = REPRISE_PASS(sys::read_file(bundle / "config.json"));
  return parse_memory_limit(text);
}

}  // namespace reprise::preflight

// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/event_lines.h"

#include <algorithm>
#include <utility>

namespace reprise::kube {

Result<void> EventLines::add(std::string_view piece, const OnLine& on_line) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (begun_.size() + std::min(end, piece.size()) > kLongest)
      return base::fail(base::ErrorCode::kCorrupt, "an object of a watch is longer than " +
                                                       std::to_string(kLongest) + " bytes");
    begun_.append(piece.substr(0, end));
    if (end == std::string_view::npos) return {};
    piece.remove_prefix(end + 1);
    const std::string line = std::exchange(begun_, {});
    if (!line.empty()) REPRISE_PASS(on_line(line));
  }
  return {};
}

}  // namespace reprise::kube

// SPDX-License-Identifier: Apache-2.0
//
// The node's sessions as metrics.
#pragma once

#include <cstdint>
#include <set>

#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/metrics.h"

namespace reprise::daemon {

// Counts one that has ended; `bytes` is what a checkpoint has.
void count_session(Metrics& metrics, const catalog::SessionRow& row, std::uint64_t bytes);

// Counts each session once that ends from now on. For one thread at a time.
class SessionMetrics {
 public:
  explicit SessionMetrics(Metrics& metrics) : metrics_(metrics) {}
  // Reads what the catalog says since the last time. Of the first time nothing is counted.
  base::Result<void> read(catalog::Catalog& catalog);

 private:
  Metrics& metrics_;
  bool began_ = false;
  std::set<std::string> ended_;  // of those that the catalog still tells
};

}  // namespace reprise::daemon

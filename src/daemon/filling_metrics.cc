// SPDX-License-Identifier: Apache-2.0
#include "daemon/filling_metrics.h"

#include "host/filling.h"

namespace reprise::daemon {

base::Result<void> measure_fillings(Metrics& metrics, const host::Layout& layout) {
  const auto fillings = REPRISE_PASS(host::fillings(layout));
  double missing = 0;
  for (const host::UnderWay& one : fillings) missing += static_cast<double>(one.progress.missing);
  metrics.set("reprise_filling_containers", {}, static_cast<double>(fillings.size()));
  metrics.set("reprise_filling_missing_bytes", {}, missing);
  return {};
}

}  // namespace reprise::daemon

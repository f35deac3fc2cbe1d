// SPDX-License-Identifier: Apache-2.0
#include "session/promised_signal.h"

#include <filesystem>
#include <system_error>

#include "base/fault.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

Result<void> deliver_signal(const host::Layout& layout, const host::WorkerRequest& request) {
  const auto delivered = layout.session_run_directory(request.session) / "signal-delivered";
  std::error_code unknown;
  const int signal = request.is_restore() ? 0 : request.checkpoint().signal;
  if (signal == 0 || std::filesystem::exists(delivered, unknown)) return {};
  REPRISE_PASS(host::runtime_of(layout, request).kill(request.container, signal));
  // For whoever settles this session if we are killed next: an application that gets its stop
  // signal twice may take that for an order to end at once.
  REPRISE_PASS(sys::replace_file(delivered, ""));
  return base::fault_point("signal-delivered");
}

}  // namespace reprise::session

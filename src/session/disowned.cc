// SPDX-License-Identifier: Apache-2.0
#include "session/disowned.h"

#include "base/clock.h"
#include "host/continuation_note.h"
#include "oci/state.h"
#include "session/failure_log.h"

namespace reprise::session {

using base::Result;

void disown(const host::Layout& layout, const host::WorkerRequest& request,
            catalog::Catalog* catalog) {
  const auto note = [&]() -> Result<void> {
    const auto state = REPRISE_PASS(host::runtime_of(layout, request).state_of(request.container));
    return host::write_note(state.bundle, {.state = host::ContinuationNote::State::kDropped,
                                           .time = base::now_unix_millis()});
  };
  log_failure(note(), "the container's directory does not tell that it ran on");
  if (catalog != nullptr)
    log_failure(catalog->drop_continuation(host::key_of(request)),
                "the continuation was not dropped");
}

}  // namespace reprise::session

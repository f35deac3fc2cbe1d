// SPDX-License-Identifier: Apache-2.0
#include "session/verdict.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "catalog/catalog.h"
#include "host/layout.h"
#include "session/disowned.h"
#include "session/recovery.h"
#include "session/seal_hold.h"
#include "session/sealed.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::session {

using base::Result;

bool may_end_without_session(const host::Layout& layout, const store::StoreConfig& config,
                             const base::SessionId& session, std::chrono::milliseconds patience) {
  const auto ask = [&]() -> Result<bool> {
    // An empty place where the store was is no answer.
    REPRISE_PASS(store::open_existing_catalog(config));
    const auto store = REPRISE_PASS(store::open_store(config));
    return REPRISE_PASS(find_sealed(*store, layout, session)).has_value();
  };
  constexpr std::chrono::milliseconds kInterval{200};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  // It was settled already, or never was: what is known of it goes last.
  const auto request = load_request(layout, session);
  if (!request && request.error().error_number() == ENOENT) return false;
  Result<bool> sealed = ask();
  while (!sealed && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kInterval);
    sealed = ask();
  }
  if (!request) return sealed.value_or(false);
  if (!sealed) disown(layout, *request, nullptr);
  settle_tasks(layout, *request, sealed.value_or(false));
  return sealed.value_or(false);
}

}  // namespace reprise::session

// SPDX-License-Identifier: Apache-2.0
#include "daemon/status_service.h"

#include <utility>

#include "base/log.h"
#include "daemon/filling_metrics.h"
#include "store/key_source.h"
#include "store/open_catalog.h"

namespace reprise::daemon {

using base::Result;
using http::PlainAnswer;

Result<std::unique_ptr<StatusService>> StatusService::start(
    const std::string& address, Metrics& metrics, const ClusterView& view, host::Layout layout,
    store::StoreConfig store, std::string node) {
  std::unique_ptr<StatusService> service(
      new StatusService(metrics, view, std::move(layout), std::move(store), std::move(node)));
  service->look();  // what has ended so far was told by the agent before
  service->server_ = REPRISE_PASS(http::start_plain_server(
      address, [it = service.get()](const std::string& path) { return it->answer(path); }));
  return service;
}

StatusService::StatusService(Metrics& metrics, const ClusterView& view, host::Layout layout,
                             store::StoreConfig store, std::string node)
    : metrics_(metrics),
      view_(view),
      layout_(std::move(layout)),
      store_(std::move(store)),
      node_(std::move(node)),
      sessions_(metrics) {
  metrics_.set("reprise_build_info", {{"version", REPRISE_VERSION}}, 1);
}

PlainAnswer StatusService::answer(const std::string& path) {
  if (path == "/healthz") return {.body = "ok\n"};
  if (path == "/readyz") {
    if (!view_.is_in_step()) return {.status = 503, .body = "not in step with the API server\n"};
    if (const auto keys = store::key_ids(store_); !keys)
      return {.status = 503,
              .body = "no store key, so nothing is claimed: " + keys.error().message() + "\n"};
    return {.body = "ok\n"};
  }
  if (path != "/metrics")
    return {.status = 404, .body = "there are /healthz, /readyz and /metrics\n"};
  const std::lock_guard hold(looking_);
  look();
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_.text()};
}

void StatusService::look() {
  metrics_.set("reprise_in_step", {}, view_.is_in_step() ? 1 : 0);
  metrics_.clear("reprise_checkpoints");
  for (const CheckpointObject& checkpoint : view_.checkpoints())
    if (checkpoint.node == node_)
      metrics_.add("reprise_checkpoints", {{"phase", to_string(checkpoint.phase)}});
  base::warn_and_ignore(measure_fillings(metrics_, layout_), "metrics tell nothing new of memory");
  auto catalog = store::open_catalog(store_);
  const Result<void> read =
      catalog ? sessions_.read(*catalog) : std::unexpected(std::move(catalog).error());
  base::warn_and_ignore(read, "metrics tell nothing new of sessions");
}

}  // namespace reprise::daemon

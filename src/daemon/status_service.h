// SPDX-License-Identifier: Apache-2.0
//
// What an agent tells of itself over HTTP: /healthz (it lives), /readyz (it knows the cluster, and
// has a key), /metrics.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "daemon/metrics.h"
#include "daemon/session_metrics.h"
#include "host/layout.h"
#include "http/plain_server.h"
#include "store/store_config.h"

namespace reprise::daemon {

class StatusService {
 public:
  // `metrics` and `view` outlive it. `address`: HOST:PORT. kInvalidInput, kBusy as
  // http::start_plain_server().
  static base::Result<std::unique_ptr<StatusService>> start(
      const std::string& address, Metrics& metrics, const ClusterView& view, host::Layout layout,
      store::StoreConfig store, std::string node);

 private:
  StatusService(Metrics& metrics, const ClusterView& view, host::Layout layout,
                store::StoreConfig store, std::string node);
  http::PlainAnswer answer(const std::string& path);
  void look();

  Metrics& metrics_;
  const ClusterView& view_;
  host::Layout layout_;
  store::StoreConfig store_;
  std::string node_;
  std::mutex looking_;
  SessionMetrics sessions_;
  std::unique_ptr<http::PlainServer> server_;  // last: it calls us until it has ended
};

}  // namespace reprise::daemon

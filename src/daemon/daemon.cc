// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/log.h"
#include "config/config.h"
#include "daemon/answers.h"
#include "daemon/checkpoint_requests.h"
#include "daemon/claims_here.h"
#include "daemon/cluster_view.h"
#include "daemon/expiry.h"
#include "daemon/far_claims.h"
#include "daemon/fetches.h"
#include "daemon/holds.h"
#include "daemon/leftovers.h"
#include "daemon/metrics.h"
#include "daemon/peer_service.h"
#include "daemon/promises.h"
#include "daemon/question_server.h"
#include "daemon/remote_copies.h"
#include "daemon/status_service.h"
#include "host/agent_link.h"
#include "host/agent_presence.h"
#include "host/layout.h"
#include "kube/access.h"
#include "kube/client.h"
#include "store/key_source.h"
#include "store/open_catalog.h"
#include "usage/usage.h"

namespace reprise::daemon {

using base::LogLevel;
using base::Result;

namespace {

struct Options {
  std::string node;
  std::string kubeconfig;
  std::string peer_listen = "0.0.0.0:7434";  // 7433 is the example of `reprise store serve`
  std::string peer_address;
  std::string status_listen = "127.0.0.1:7435";
  std::int64_t hold_pods = host::kAgentAwayPatience.count();  // seconds
};

constexpr int kLongestHold = 86'400;  // a day

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Result<kube::Access> access_of(const Options& options, const sys::Environment& environment) {
  if (!options.kubeconfig.empty()) return kube::from_kubeconfig(options.kubeconfig);
  return kube::in_cluster(sys::variable(environment, "KUBERNETES_SERVICE_HOST"),
                          sys::variable(environment, "KUBERNETES_SERVICE_PORT"));
}

Result<PeerOptions> peer_options(const Options& options, const std::string& server) {
  const HostAndPort listen = REPRISE_PASS(parse_host_and_port(options.peer_listen));
  PeerOptions peer{.host = listen.host, .port = listen.port, .address = options.peer_address};
  if (peer.address.empty())
    peer.address = REPRISE_TRY(address_towards(server), "finding this node's address");
  return peer;
}

// Before any thread, so that all of them leave these signals to us.
sigset_t block_ends() {
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  return ends;
}

void warn_of_unreadable_keys(const store::StoreConfig& store) {
  const auto unreadable = store::unreadable_keys(store);
  base::warn_and_ignore(unreadable, "keys of other nodes are not used");
  if (!unreadable) return;
  for (const base::Error& one : *unreadable)
    base::log(LogLevel::kWarn, "a key is not used: " + one.message(), {{"hint", one.hint()}});
}

auto counter_of(Metrics& metrics) {
  return [&metrics](std::string_view method, long status) {
    metrics.add("reprise_api_requests_total",
                {{"method", method}, {"code", std::to_string(status)}});
  };
}

Result<void> serve(const Options& options, const sys::Environment& environment) {
  const sigset_t ends = block_ends();
  const config::Config config = REPRISE_PASS(config::load(environment));
  const store::StoreConfig store = config::store_config(config, environment);
  const host::Layout layout = host::Layout::of(store.root, environment);
  // What runs on the node is noted there from now on; without it nobody would know what began anew.
  REPRISE_TRY(store::open_catalog(store), "making the store");
  warn_of_unreadable_keys(store);
  REPRISE_TRY(host::expect_agent(store.root, std::chrono::seconds(options.hold_pods)),
              "noting that this node has an agent");
  const auto access = REPRISE_TRY(access_of(options, environment), "finding the API server");
  Metrics metrics;
  const auto client =
      REPRISE_PASS(kube::Client::open(access, "reprised", {.on_answer = counter_of(metrics)}));
  REPRISE_PASS(layout.create());
  ClusterView view(*client, options.node, host::policy_flag_of(layout));
  JudgedEndings endings;
  const auto peers =
      REPRISE_TRY(PeerService::start(REPRISE_PASS(peer_options(options, client->server())), view,
                                     store, options.node),
                  "serving other nodes");
  const auto own = REPRISE_PASS(parse_host_and_port(peers->peer().address));
  Fetches fetches(*client, view, store, config, options.node, own.port);
  PodEvents events(*client, options.node);
  std::mutex moving;
  Holds holds(std::chrono::seconds(options.hold_pods));
  Answers answers(*client, view, endings, fetches, events, moving, holds, store, options.node);
  const auto server = REPRISE_PASS(QuestionServer::start(layout, answers, metrics));
  const auto status = REPRISE_TRY(
      StatusService::start(options.status_listen, metrics, view, layout, store, options.node),
      "telling how it is");
  const Promises promises(*client, view, endings, events, layout, store, options.node,
                          peers->peer());
  const ClaimsHere claims(*client, view, moving, store, options.node);
  const FarClaims far(*client, view, options.node);
  const Leftovers leftovers(view, store, options.node);
  const Expiry expiry(*client, view, store, options.node);
  const RemoteCopies copies(*client, view, store, config, options.node);
  const CheckpointRequests requests(*client, view, layout, options.node);
  base::log(
      LogLevel::kInfo, "ready",
      {{"node", options.node}, {"server", client->server()}, {"peer", peers->peer().address}});
  int signal = 0;
  ::sigwait(&ends, &signal);
  base::log(LogLevel::kInfo, "ending", {{"signal", std::to_string(signal)}});
  return {};
}

}  // namespace

int run_daemon(int argc, char** argv, const sys::Environment& environment) {
  Options options;
  options.node = host_name();
  CLI::App app(
      "The agent of a Kubernetes node: answers the runtime, and keeps the Checkpoints of "
      "the node's pods.",
      "reprised");
  app.set_version_flag("--version", REPRISE_VERSION);
  app.add_option("--node", options.node, "The node's name in the cluster")->capture_default_str();
  app.add_option("--kubeconfig", options.kubeconfig,
                 "How to reach the API server; without it as a pod does");
  app.add_option("--peer-listen", options.peer_listen,
                 "ADDRESS:PORT at which other nodes' agents get what they have claimed")
      ->capture_default_str();
  app.add_option("--peer-address", options.peer_address,
                 "How they reach it, HOST or HOST:PORT; without it by the address from which this "
                 "node reaches the API server");
  app.add_option("--status-listen", options.status_listen,
                 "ADDRESS:PORT of /healthz, /readyz and /metrics, without TLS")
      ->capture_default_str();
  app.add_option(
         "--hold-pods", options.hold_pods,
         "Seconds for which a pod that opted in waits where it is not known what it goes on "
         "from: while this agent is away, the API server does not answer, or refuses. Then "
         "it begins anew. 0: at once")
      ->check(CLI::Range(0, kLongestHold))
      ->capture_default_str();
  if (const auto status = usage::parse(app, {argv + 1, argv + argc}, std::cout, std::cerr))
    return *status;
  base::open_log("/dev/stderr");
  if (const auto served = serve(options, environment); !served) {
    const base::Error& error = served.error();
    base::log(LogLevel::kError, error.message(), {{"hint", error.hint()}});
    return base::exit_code(error.code());
  }
  return 0;
}

}  // namespace reprise::daemon

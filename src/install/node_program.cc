// SPDX-License-Identifier: Apache-2.0
#include "install/node_program.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <thread>

#include "base/log.h"
#include "crypto/keys.h"
#include "hands/hands.h"
#include "host/agent_presence.h"
#include "host/layout.h"
#include "install/bundle.h"
#include "install/cluster_key.h"
#include "install/node_remote.h"
#include "install/registration.h"
#include "kube/access.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "usage/usage.h"

namespace reprise::install {

using base::fail_errno;
using base::LogLevel;
using base::Result;
using std::filesystem::path;

namespace {

// Where programs of the bundle look for their loader: it cannot be elsewhere (tools/agent-image).
constexpr const char* kHome = "/opt/reprise";
constexpr const char* kKeyFile = "/etc/reprise/store.key";
constexpr const char* kSettings = "/etc/reprise";
constexpr const char* kKeyLaid = "/opt/reprise/.key-laid";

struct Options {
  path config = "/etc/containerd/config.toml";
  Restart restart = Restart::kSystemd;
  std::string secret;
  NodeRemote remote;
  path remote_secret;
  path store = "/var/lib/reprise";
  path run = "/run/reprise";
  bool with_checkpoints = false;
};

RegistrationOptions registration_of(const Options& options) {
  return {.config = options.config,
          .restart = options.restart,
          .runtime = path(kHome) / "current/reprise-runtime",
          .stamp = path(kHome) / ".registered"};
}

// From here on all paths are the host's. What is ours to read is held open before.
Result<void> enter_host() {
  const sys::UniqueFd host = REPRISE_PASS(sys::open_file("/proc/1/ns/mnt", O_RDONLY));
  struct stat own{}, theirs{};
  if (::stat("/proc/self/ns/mnt", &own) == 0 && ::fstat(host.get(), &theirs) == 0 &&
      own.st_ino == theirs.st_ino)
    return {};
  if (::setns(host.get(), CLONE_NEWNS) != 0)
    return fail_errno(errno, "entering the node (the pod must be privileged, with hostPID)");
  return {};
}

Result<crypto::SecretText> key_of_cluster(const Options& options,
                                          const sys::Environment& environment) {
  if (options.secret.empty()) return crypto::SecretText();
  const auto access =
      REPRISE_TRY(kube::in_cluster(sys::variable(environment, "KUBERNETES_SERVICE_HOST"),
                                   sys::variable(environment, "KUBERNETES_SERVICE_PORT")),
                  "finding the API server");
  const auto client = REPRISE_PASS(kube::Client::open(access, "reprise-node"));
  return cluster_key(*client, options.secret);
}

// Nobody but root may see what is in them.
Result<void> make_private(const path& directory) {
  REPRISE_PASS(sys::make_directories_durably(directory));
  if (::chmod(directory.c_str(), sys::kPrivateDir) != 0)
    return fail_errno(errno, "setting the mode of '" + directory.string() + "'");
  return {};
}

// It may be a file system of its own, which stays.
Result<void> remove_directory(const path& directory) {
  if (!REPRISE_PASS(sys::exists(directory))) return {};
  REPRISE_PASS(sys::empty_directory(directory));
  if (::rmdir(directory.c_str()) != 0 && errno != EBUSY)
    return fail_errno(errno, "removing '" + directory.string() + "'");
  return {};
}

Result<void> lay_cluster_key(const crypto::SecretText& key) {
  if (key.empty()) return {};
  const bool was_there = REPRISE_PASS(sys::exists(kKeyFile));
  // Before the key: `remove` takes away only what we have laid.
  if (!was_there) REPRISE_PASS(sys::replace_file(kKeyLaid, ""));
  return lay_key(key, kKeyFile);
}

// Read before the node is entered: the Secret is mounted in our container.
Result<NodeRemote> remote_of(const Options& options) {
  NodeRemote remote = options.remote;
  REPRISE_TRY(check_place(remote), "looking at the nodes' remote");
  if (!options.remote_secret.empty())
    remote.secret = REPRISE_TRY(read_remote_secret(options.remote_secret),
                                "reading the credentials of the nodes' remote");
  return remote;
}

Result<void> lay_node_remote(const NodeRemote& remote) {
  const bool laid = REPRISE_TRY(lay_remote(remote, kSettings), "configuring the nodes' remote");
  if (!laid && !remote.url.empty())
    base::log(LogLevel::kWarn, "this node has a configuration of its own, whose remotes count",
              {{"file", std::string(kSettings) + "/reprise.toml"}});
  return {};
}

Result<void> install_node(const Options& options, const sys::Environment& environment) {
  const path here = REPRISE_PASS(sys::executable_directory());
  const sys::UniqueFd source = REPRISE_PASS(sys::open_file(here, O_RDONLY | O_DIRECTORY));
  const crypto::SecretText key = REPRISE_PASS(key_of_cluster(options, environment));
  const NodeRemote remote = REPRISE_PASS(remote_of(options));
  REPRISE_PASS(enter_host());
  const path from = path("/proc/self/fd") / std::to_string(source.get());
  REPRISE_PASS(lay_bundle(from, here.filename().string(), kHome));
  REPRISE_PASS(lay_cluster_key(key));
  REPRISE_PASS(lay_node_remote(remote));
  REPRISE_PASS(make_private(options.store));
  REPRISE_PASS(make_private(options.run));
  const Registered registered = REPRISE_PASS(register_handler(registration_of(options)));
  base::log(LogLevel::kInfo, "installed",
            {{"bundle", here.filename().string()},
             {"containerd_restarted", registered.restarted ? "yes" : "no"}});
  return {};
}

Result<void> remove_node(const Options& options) {
  REPRISE_PASS(enter_host());
  // First of all: its agent is gone, and pods are not to wait for it while they keep us waiting.
  REPRISE_PASS(host::expect_no_agent(options.store));
  const Registered registered = REPRISE_PASS(unregister_handler(registration_of(options)));
  REPRISE_PASS(lay_node_remote({}));
  if (options.with_checkpoints) {
    REPRISE_PASS(remove_directory(options.store));
    REPRISE_PASS(crypto::forget_given_key(kKeyFile));
    if (REPRISE_PASS(sys::exists(kKeyLaid))) {
      REPRISE_PASS(sys::remove_tree(kKeyFile));
      ::rmdir(path(kKeyFile).parent_path().c_str());  // fails if anything else is in it
    }
  }
  REPRISE_PASS(remove_directory(options.run));
  REPRISE_PASS(remove_bundles(kHome));
  base::log(LogLevel::kInfo, "removed",
            {{"containerd_restarted", registered.restarted ? "yes" : "no"}});
  return {};
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

void await(const sigset_t& ends) {
  int signal = 0;
  ::sigwait(&ends, &signal);
}

// On the node, with the node's view of cgroups, where a private one is in force.
Result<void> serve_agent(const sys::Environment& environment) {
  const sigset_t ends = block_ends();
  const sys::UniqueFd cgroups = REPRISE_PASS(sys::open_file("/proc/1/ns/cgroup", O_RDONLY));
  REPRISE_PASS(enter_host());
  if (::setns(cgroups.get(), CLONE_NEWCGROUP) != 0)
    return fail_errno(errno, "entering the node's namespace of cgroups");
  REPRISE_TRY(hands::leave_cgroups(), "leaving the container's cgroups");
  const auto layout = host::Layout::of(Options().store, environment);
  std::atomic<bool> stop = false;
  const std::jthread waits([&] {
    await(ends);
    stop = true;
  });
  auto served = hands::serve(layout, stop);
  // It waits for the signal otherwise.
  if (!served) ::kill(::getpid(), SIGTERM);
  return served;
}

void add_options(CLI::App& command, Options& options) {
  command.add_option("--containerd-config", options.config, "containerd's main file")
      ->capture_default_str();
  command
      .add_option("--containerd-restart", options.restart,
                  "How containerd is started again where it must be: by its systemd unit, by a "
                  "signal, after which something else starts it, or never, which is by hand")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Restart>{{"systemd", Restart::kSystemd},
                                                                 {"signal", Restart::kSignal},
                                                                 {"never", Restart::kNever}})
              // Its own shows the numbers behind the words, and these as characters.
              .description("{systemd,signal,never}"))
      ->default_str("systemd");
  command.add_option("--store", options.store, "Where checkpoints are kept")->capture_default_str();
}

int report(const Result<void>& done) {
  if (done) return 0;
  base::log(LogLevel::kError, done.error().message(), {{"hint", done.error().hint()}});
  return base::exit_code(done.error().code());
}

}  // namespace

int run_node_program(int argc, char** argv, const sys::Environment& environment) {
  Options options;
  CLI::App app("Puts Reprise on a node of Kubernetes, and takes it away.", "reprise-node");
  app.require_subcommand(1);
  CLI::App* install = app.add_subcommand(
      "install",
      "Lay the programs below /opt/reprise, register runtime handler 'reprise' in containerd, and "
      "make what they need. Again, it does what is left to do");
  add_options(*install, options);
  install->add_option("--key-secret", options.secret,
                      "Secret of our namespace that holds the key of all nodes' stores; made if "
                      "there is none. Without it each node has a key of its own");
  install->add_option(
      "--remote-url", options.remote.url,
      "Where what is saved goes besides, from where it comes when its node is gone: "
      "s3://BUCKET/PREFIX. Without it nowhere");
  install->add_option("--remote-endpoint", options.remote.endpoint,
                      "The remote's server, where it is not Amazon's");
  install->add_option("--remote-region", options.remote.region, "The remote's region");
  install->add_option("--remote-secret", options.remote_secret,
                      "Directory with its credentials: access-key, secret-key; session-token and "
                      "ca.crt if they are needed");
  CLI::App* remove = app.add_subcommand(
      "remove", "Undo it. Refused while containers of runtime class 'reprise' are on the node");
  add_options(*remove, options);
  remove->add_flag("--with-checkpoints", options.with_checkpoints,
                   "What was saved, too, and its key: it is gone for good");
  const CLI::App* serve = app.add_subcommand(
      "serve", "Have running containers of pods saved when the node's agent asks, until SIGTERM");
  app.add_subcommand("stay", "Do nothing until SIGTERM");
  if (const auto status = usage::parse(app, {argv + 1, argv + argc}, std::cout, std::cerr))
    return *status;
  base::open_log("/dev/stderr");
  if (*install) return report(install_node(options, environment));
  if (*remove) return report(remove_node(options));
  if (*serve) return report(serve_agent(environment));
  await(block_ends());
  return 0;
}

}  // namespace reprise::install

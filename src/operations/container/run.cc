// SPDX-License-Identifier: Apache-2.0
#include "operations/container/run.h"

#include <map>

#include "oci/annotations.h"
#include "operations/container/containers.h"
#include "operations/container/runtime_choice.h"
#include "podman/command_line.h"
#include "store/open_catalog.h"
#include "sys/child.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// What would go wrong only when the container is stopped.
Result<void> check_arguments(const std::vector<std::string>& args) {
  std::map<std::string, std::string> annotations;
  for (const podman::OptionWord& option : podman::parse_options(args, 0).options) {
    if (option.name == "--runtime")
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, "under another OCI runtime there is no checkpoint")
              .with_hint("leave '--runtime' out, or use 'podman run'; REPRISE_RUNTIME names "
                         "another place of Reprise's runtime"));
    if (option.name != "--annotation" || !option.value) continue;
    const std::size_t equals = option.value->find('=');
    if (equals == std::string::npos) continue;  // Podman will say so
    annotations[option.value->substr(0, equals)] = option.value->substr(equals + 1);
  }
  return oci::check_annotations(annotations);
}

}  // namespace

Result<RunOutcome> run_container(const Node& node, const std::vector<std::string>& arguments,
                                 podman::ErrorOutput podman_errors, Progress& progress) {
  REPRISE_PASS(check_arguments(arguments));
  const std::string runtime = REPRISE_PASS(choose_runtime(node));
  // Before the container is made, which notes that its life begins, but makes no store.
  if (const auto made = store::open_catalog(node.store); !made)
    progress.warn("the container's history is not written: " + made.error().message(), "");
  sys::RunResult result =
      REPRISE_PASS(podman::run(podman::detached_run_command(runtime, arguments), podman_errors));
  RunOutcome outcome{.status = result.status.exit_code, .out = std::move(result.out), .new_id = {}};
  if (result.status.signal != 0) outcome.status = 128 + result.status.signal;
  if (!result.status.success()) return outcome;
  // `podman run --help`, for one, succeeds without a container.
  std::string id = sys::last_line(outcome.out);
  if (id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos)
    outcome.new_id = std::move(id);
  return outcome;
}

Result<void> record_new_container(const Node& node, const std::string& id) {
  const Result<podman::ContainerInfo> info = podman::inspect(id);
  if (!info && info.error().code() == ErrorCode::kNotFound) return {};
  if (!info) return std::unexpected(info.error());
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  return record_container(catalog, *info);
}

}  // namespace reprise::operations

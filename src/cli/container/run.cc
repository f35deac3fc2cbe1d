// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/output.h"
#include "oci/annotations.h"
#include "operations/container/containers.h"
#include "operations/container/runtime_choice.h"
#include "podman/client.h"
#include "podman/command_line.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

// A container whose command ended at once and that had --rm is gone by now: nothing to record.
Result<void> record_new_container(const Context& context, const std::string& id) {
  const Result<podman::ContainerInfo> info = podman::inspect(id);
  if (!info && info.error().code() == ErrorCode::kNotFound) return {};
  if (!info) return std::unexpected(info.error());
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.node.store));
  return operations::record_container(catalog, *info);
}

bool asks_for(const podman::OptionWords& parsed, std::string_view long_name, char short_name) {
  return std::ranges::any_of(parsed.options, [&](const podman::OptionWord& option) {
    return option.name == long_name || option.short_flags.find(short_name) != std::string::npos;
  });
}

void print_notes(Context& context, const std::vector<std::string>& args, const std::string& id) {
  const podman::OptionWords parsed = podman::parse_options(args, 0);
  if (asks_for(parsed, "--interactive", 'i') || asks_for(parsed, "--tty", 't'))
    context.io.err << "note: it runs in the background; 'podman attach " << operations::short_id(id)
                   << "' connects you to it\n";
  if (asks_for(parsed, "--rm", '\0'))
    context.io.err
        << "note: because of --rm it is removed at every stop; 'reprise restore' makes it "
           "again from its checkpoint\n";
}

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

Result<int> run(const std::vector<std::string>& args, Context& context) {
  REPRISE_TRY(check_arguments(args), "cannot run");
  const std::string runtime = REPRISE_TRY(operations::choose_runtime(context.node), "cannot run");
  // Before the container is made, which notes that its life begins, but makes no store.
  if (const auto made = store::open_catalog(context.node.store); !made)
    context.io.err << "warning: the container's history is not written: " << made.error().message()
                   << '\n';
  const sys::RunResult result = REPRISE_TRY(
      podman::run(podman::detached_run_command(runtime, args), podman::ErrorOutput::kPass),
      "cannot run");
  context.io.out << result.out << std::flush;
  if (!result.status.success())
    return result.status.signal != 0 ? 128 + result.status.signal : result.status.exit_code;
  const std::string id = podman::last_line(result.out);
  // `podman run --help`, for one, succeeds without a container.
  if (const bool is_id = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos;
      !is_id)
    return kDone;
  print_notes(context, args, id);
  const Result<void> recorded = record_new_container(context, id);
  if (!recorded) {
    context.io.err << "warning: 'reprise restore' will not be able to make it again: "
                   << recorded.error().message() << '\n';
    if (!recorded.error().hint().empty())
      context.io.err << "hint: " << recorded.error().hint() << '\n';
  }
  return kDone;
}

}  // namespace

constinit const Command kRun = {
    .path = "run",
    .summary = "Start a container that is checkpointed when it is stopped",
    .details = R"(
Usage: reprise run [podman run options] IMAGE [COMMAND...]

Everything is passed on to 'podman run -d', with the runtime of Reprise and the annotation
reprise.dev/on-stop=checkpoint. Prints the container's id. The exit status is Podman's.
The container always runs in the background; 'podman attach' connects you to it.

REPRISE_RUNTIME names another OCI runtime (a name or a path).

Example:
  reprise run --name counter IMAGE sh -c 'while sleep 1; do echo $((n+=1)); done'
)",
    .pass_through = run,
};

}  // namespace reprise::cli

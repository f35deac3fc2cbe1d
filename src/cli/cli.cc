// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <algorithm>

#include "cli/command.h"
#include "cli/output.h"
#include "host/layout.h"
#include "operations/transfer/background_upload.h"
#include "session/recovery.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

struct Found {
  const Command* command = nullptr;
  std::size_t words = 0;  // of `args` that name it
};

Found find_command(const std::vector<std::string>& args) {
  for (const Command& command : commands()) {
    if (!args.empty() && args[0] == command.path) return {&command, 1};
    if (args.size() > 1 && args[0] + " " + args[1] == command.path) return {&command, 2};
  }
  return {};
}

bool is_noun(std::string_view word) {
  return std::ranges::any_of(commands(), [&](const Command& command) {
    return command.path.starts_with(std::string(word) + " ");
  });
}

void print_overview(std::ostream& out, std::string_view noun) {
  if (noun.empty()) out << "Reprise: a container that is stopped takes up where it was.\n\n";
  out << "Usage: reprise " << (noun.empty() ? "" : std::string(noun) + " ")
      << "COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands()) {
    if (!noun.empty() && !command.path.starts_with(std::string(noun) + " ")) continue;
    std::string path(command.path);
    path.resize(std::max<std::size_t>(path.size(), 20), ' ');
    out << "  " << path << command.summary << '\n';
  }
  out << "\n'reprise COMMAND --help' explains one command. 'reprise --version' prints the "
         "version.\n";
}

Result<void> check_ready(const Command& command, const Context& context) {
  if (command.rights == Rights::kAnybody) return {};
  if (context.io.user == 0) {
    REPRISE_PASS(context.config);
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::kDenied, "needs root: 'reprise " + std::string(command.path) +
                                    "' works on containers and checkpoints of root")
          .with_hint("run it with sudo"));
}

// What is shown and done next should not stem from sessions that nobody cares for any more.
void settle_abandoned(const Context& context) {
  if (const auto settled = session::settle_abandoned(context.node.layout, context.node.store);
      !settled)
    context.io.err << "warning: an abandoned session was not settled: " << settled.error().message()
                   << '\n';
}

// Of what an upload left that was killed, or that gave up.
void upload_in_background(const Context& context) {
  const auto started = operations::start_upload(context.node.layout, context.node.store,
                                                context.config->upload_remotes());
  if (!started)
    context.io.err << "warning: nothing is uploaded: " << started.error().message() << '\n';
}

Result<int> run_configured(const Command& command, std::vector<std::string> args,
                           Context& context) {
  const std::string name = "reprise " + std::string(command.path);
  Runner runner;
  const bool runs = REPRISE_PASS(parse_arguments(
      {.name = name,
       .summary = std::string(command.summary),
       .details = std::string(command.details)},
      std::move(args), [&](Arguments& declared) { runner = command.configure(declared); },
      context.io.out));
  if (!runs) return kDone;
  REPRISE_PASS(check_ready(command, context));
  if (command.rights == Rights::kAnybody) return runner(context);
  settle_abandoned(context);
  Result<int> status = runner(context);
  if (command.path != kStoreUpload.path) upload_in_background(context);
  return status;
}

Result<int> run_passing_through(const Command& command, const std::vector<std::string>& args,
                                Context& context) {
  if (!args.empty() && args[0] == "--help") {
    context.io.out << command.summary << "\n" << command.details;
    return kDone;
  }
  REPRISE_PASS(check_ready(command, context));
  return command.pass_through(args, context);
}

Result<int> dispatch(std::vector<std::string> args, Context& context) {
  std::ostream& out = context.io.out;
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_overview(out, "");
    return args.empty() ? base::exit_code(ErrorCode::kInvalidInput) : kDone;
  }
  if (args[0] == "--version") {
    out << "reprise " << REPRISE_VERSION << '\n';
    return kDone;
  }
  const Found found = find_command(args);
  if (found.command != nullptr) {
    args.erase(args.begin(), args.begin() + static_cast<std::ptrdiff_t>(found.words));
    if (found.command->pass_through != nullptr)
      return run_passing_through(*found.command, args, context);
    return run_configured(*found.command, std::move(args), context);
  }
  if (is_noun(args[0]) && (args.size() == 1 || args[1] == "--help")) {
    print_overview(out, args[0]);
    return args.size() == 1 ? base::exit_code(ErrorCode::kInvalidInput) : kDone;
  }
  const std::string what = is_noun(args[0]) ? args[0] + " " + args[1] : args[0];
  return std::unexpected(Error(ErrorCode::kInvalidInput, "there is no command '" + what + "'")
                             .with_hint("'reprise --help' lists them"));
}

}  // namespace

int run_cli(std::vector<std::string> args, const sys::Environment& environment, Io& io) {
  const Result<config::Config> config = config::load(environment);
  const store::StoreConfig store =
      config::store_config(config ? *config : config::Config(), environment);
  Context context{.io = io,
                  .environment = environment,
                  .node = {.layout = host::Layout::of(store.root, environment),
                           .store = store,
                           .config = config.value_or(config::Config()),
                           .runtime = sys::variable(environment, "REPRISE_RUNTIME")},
                  .config = config};
  const Result<int> status = dispatch(std::move(args), context);
  if (status) return *status;
  print_error(io.err, status.error());
  return base::exit_code(status.error().code());
}

}  // namespace reprise::cli

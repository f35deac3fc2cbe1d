// SPDX-License-Identifier: Apache-2.0
#include "kubectl/program.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>

#include "kubectl/commands.h"
#include "usage/usage.h"

namespace reprise::kubectl {

using base::Result;

namespace {

struct Options {
  std::string kubeconfig, context, name_space, subject;
  bool json = false;
};

Result<int> obey(const Options& given, std::ostream& out, std::ostream& err,
                 Result<int> (*command)(const Asked&)) {
  const Subject subject = REPRISE_PASS(parse_subject(given.subject));
  // kubectl says of a file that is not there that it has no current context.
  if (std::error_code unknown;
      !given.kubeconfig.empty() && !std::filesystem::exists(given.kubeconfig, unknown))
    return base::fail(base::ErrorCode::kNotFound,
                      "there is no file '" + given.kubeconfig + "' (--kubeconfig)");
  Asked asked{.subject = subject,
              .name_space = given.name_space,
              .json = given.json,
              .api = Api(given.kubeconfig, given.context),
              .out = out,
              .err = err};
  const bool is_node = asked.subject.kind == Subject::Kind::kNode;
  if (asked.name_space.empty() && !is_node)
    asked.name_space = REPRISE_PASS(asked.api.own_namespace());
  return command(asked);
}

}  // namespace

bool is_called_so(const std::string& argument_zero) {
  return std::filesystem::path(argument_zero).filename() == "kubectl-reprise";
}

int run(std::vector<std::string> args, std::ostream& out, std::ostream& err) {
  Options options;
  CLI::App app("What a cluster knows of checkpoints of pods.", "kubectl reprise");
  app.set_version_flag("--version", REPRISE_VERSION);
  app.require_subcommand(1);
  app.add_option("-n,--namespace", options.name_space, "The pod's; else the context's");
  app.add_option("--kubeconfig", options.kubeconfig, "As for kubectl");
  app.add_option("--context", options.context, "As for kubectl");
  app.fallthrough();
  CLI::App* doctor_command = app.add_subcommand(
      "doctor",
      "Whether a pod is saved when it ends, and goes on in its replacement, or whether a node does "
      "that; if not, why. The exit status is 1 then");
  CLI::App* lives_command =
      app.add_subcommand("lives", "What pods of this name were saved as, and went on from");
  CLI::App* checkpoint_command =
      app.add_subcommand("checkpoint",
                         "Save a pod now; it runs on. What is saved stays in the store of its "
                         "node. The exit status is "
                         "1 if it was not saved");
  for (CLI::App* command : {checkpoint_command, doctor_command, lives_command}) {
    const bool has_nodes = command == doctor_command;
    command
        ->add_option(
            has_nodes ? "POD|NODE" : "POD", options.subject,
            std::string("POD, or deployment/NAME, statefulset/NAME, job/NAME for their pods") +
                (has_nodes ? ", or node/NAME" : ""))
        ->required();
    command->add_flag("--json", options.json, "As JSON");
  }
  if (const auto status = usage::parse(app, std::move(args), out, err)) return *status;
  const auto command = *doctor_command ? doctor : *lives_command ? lives : checkpoint;
  const Result<int> done = obey(options, out, err, command);
  if (done) return *done;
  err << "kubectl reprise: " << done.error().message() << "\n";
  if (!done.error().hint().empty()) err << "hint: " << done.error().hint() << "\n";
  return base::exit_code(done.error().code());
}

}  // namespace reprise::kubectl

// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/checkpoint/archive_notes.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/transfer/image_transfer.h"
#include "operations/transfer/transfer.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string checkpoint;
  std::string remote;
  bool json = false;
};

Result<int> run_to_image(const Options& options, Context& context) {
  const auto [written, volumes_left_out] = REPRISE_TRY(
      operations::push_image(context.node, options.checkpoint, options.remote, context.progress),
      "cannot push '" + options.checkpoint + "'");
  print_volumes_left_out(context, volumes_left_out);
  if (options.json)
    print_json(context.io.out, {{"checkpoint", options.checkpoint},
                                {"remote", options.remote},
                                {"digest", written.digest},
                                {"bytes", written.bytes}});
  else
    context.io.out << options.remote << ": " << format_bytes(written.bytes) << "; 'podman pull "
                   << options.remote
                   << "' makes an image of it that 'podman container restore' takes\n";
  return kDone;
}

Result<int> run(const Options& options, Context& context) {
  if (exchange::is_oci_place(options.remote)) return run_to_image(options, context);
  const operations::PushedCheckpoint done = REPRISE_TRY(
      operations::push(context.node, options.checkpoint, options.remote, context.progress),
      "cannot push '" + options.checkpoint + "'");
  if (options.json)
    print_json(context.io.out, {{"checkpoint", done.id.str()},
                                {"remote", done.remote},
                                {"packs", done.pushed.packs},
                                {"bytes", done.pushed.bytes}});
  else
    context.io.out << done.id.str() << ": at '" << done.remote << "', "
                   << format_bytes(done.pushed.bytes) << " uploaded\n";
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->checkpoint, kNamedCheckpoint).required();
  arguments.add_option(
      "REMOTE", options->remote,
      "name of a remote, a URL, oci:DIRECTORY[:TAG] or oci-archive:FILE[:TAG]; the remote that is "
      "configured if there is only one");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointPush = {
    .path = "checkpoint push",
    .summary = "Copy a checkpoint to a remote",
    .details =
        R"(Only what the remote lacks is uploaded, everything encrypted; what is damaged is not. One that was
interrupted goes on where it was. Remotes: docs/configuration.md.

oci:DIRECTORY[:TAG] is an OCI image layout, to which an image of Podman's form is added, and
oci-archive:FILE[:TAG] a new archive of one; tools of containers copy both to a registry. They hold
the checkpoint whole, and not encrypted.

Example:
  reprise checkpoint push before-upgrade depot
  reprise checkpoint push before-upgrade oci:/srv/images:counter)",
    .configure = configure,
};

}  // namespace reprise::cli

// SPDX-License-Identifier: Apache-2.0
//
// Started by hand, and by sessions and commands with --patient.
#include <memory>

#include "cli/command.h"
#include "operations/transfer/upload.h"

namespace reprise::cli {
namespace {

using operations::UploadPatience;

Result<int> upload(UploadPatience patience, Context& context) {
  const auto print = [&](const base::CheckpointId& id, const std::string& remote) {
    context.io.out << id.str() << ": at '" << remote << "'\n";
  };
  REPRISE_PASS(operations::upload_missing(context.node, patience, print, context.progress));
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto patient = std::make_shared<bool>(false);
  arguments.add_flag("--patient", *patient, "when a remote does not answer, try again for an hour");
  return [patient](Context& context) {
    return upload(*patient ? UploadPatience::kSome : UploadPatience::kNone, context);
  };
}

}  // namespace

constinit const Command kStoreUpload = {
    .path = "store upload",
    .summary = "Upload what the remotes with 'upload = true' lack",
    .details =
        R"(Sessions and commands start this on their own, in the background. If another one uploads already,
there is nothing to do.

Example:
  reprise store upload)",
    .configure = configure,
};

}  // namespace reprise::cli

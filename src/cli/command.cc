// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "operations/store/waiting.h"

namespace reprise::cli {

std::span<const Command> commands() {
  static const std::vector<Command> kAll = {kRun,
                                            kStop,
                                            kStart,
                                            kPs,
                                            kCheckpointCreate,
                                            kCheckpointLs,
                                            kCheckpointShow,
                                            kCheckpointPin,
                                            kCheckpointUnpin,
                                            kCheckpointRm,
                                            kCheckpointVerify,
                                            kCheckpointExport,
                                            kCheckpointImport,
                                            kCheckpointPush,
                                            kCheckpointPull,
                                            kRestore,
                                            kLives,
                                            kLogs,
                                            kStoreInit,
                                            kStoreStat,
                                            kStorePrune,
                                            kStoreGc,
                                            kStoreVerify,
                                            kStoreRepair,
                                            kStoreRotateKey,
                                            kStoreServe,
                                            kStoreUpload,
                                            kConfigShow,
                                            kDoctor};
  return kAll;
}

void print_no_store(Context& context) {
  context.io.err
      << "note: there is no store at '" << context.node.layout.store.string()
      << "' yet; the first checkpoint makes it. If there was one, is its disk mounted?\n";
}

namespace {

void print_waiting(Context& context, const Result<std::vector<operations::Waiting>>& found) {
  constexpr std::size_t kMost = 5;
  if (!found) context.io.err << "warning: " << found.error().message() << '\n';
  if (!found) return;
  for (std::size_t i = 0; i < found->size() && i < kMost; ++i)
    context.io.err << "note: " << (*found)[i].what << ": " << (*found)[i].remedy << '\n';
  if (found->size() > kMost) context.io.err << "note: and " << found->size() - kMost << " more\n";
}

}  // namespace

void print_unreadable_rows(Context& context) {
  print_waiting(context, operations::unreadable_rows(context.node));
}

void print_failing_uploads(Context& context) {
  print_waiting(context, operations::failing_uploads(context.node));
}

void print_set_aside(Context& context) {
  print_waiting(context, operations::set_aside(context.node.layout));
}

}  // namespace reprise::cli

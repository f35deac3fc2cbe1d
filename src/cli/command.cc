// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

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

}  // namespace reprise::cli

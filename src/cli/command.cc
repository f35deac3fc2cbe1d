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

}  // namespace reprise::cli

// SPDX-License-Identifier: Apache-2.0
//
// One command of `reprise`: how it is called and what it does. A file per command; the table is in
// command.cc.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "config/config.h"
#include "operations/node.h"
#include "sys/environment.h"

namespace reprise::cli {

using base::Result;

// What every command works with.
struct Context {
  Io& io;
  const sys::Environment& environment;
  operations::Node node;
  // For commands that need root: what they would do without it might be wrong.
  Result<config::Config> config;
  ProgressLine progress{io};
};

// Does the work and returns the exit status.
using Runner = std::function<Result<int>(Context&)>;

// How people name a checkpoint (operations/container/named_checkpoint.h).
inline constexpr const char* kNamedCheckpoint =
    "id, unique beginning of one, or tag; or a container's name: its newest";
inline constexpr const char* kNamedCheckpoints =
    "ids, unique beginnings of ids, or tags; or containers' names: their newest";

inline constexpr int kDone = 0;
inline constexpr int kNotAsAsked = 1;

enum class Rights : unsigned char { kAnybody, kRoot };

struct Command {
  std::string_view path;  // "stop", "checkpoint create"
  std::string_view summary;
  std::string_view details;  // behind the options in --help: what to know, and an example
  Rights rights = Rights::kRoot;
  // Declares options and arguments; the runner sees their values.
  Runner (*configure)(Arguments& arguments) = nullptr;
  // Instead of `configure`, for a command whose arguments belong to another program.
  Result<int> (*pass_through)(const std::vector<std::string>& args, Context& context) = nullptr;
};

std::span<const Command> commands();

// That there is no store yet, which is no error: there is nothing to be shown then.
void print_no_store(Context& context);

// What lists leave out, and what waits until a person has looked after it
// (operations/store/waiting.h).
void print_unreadable_rows(Context& context);
void print_set_aside(Context& context);
void print_failing_uploads(Context& context);

// Defined in the file of each command.
extern const Command kRun, kStop, kStart, kPs, kCheckpointCreate, kCheckpointLs, kCheckpointShow,
    kCheckpointPin, kCheckpointUnpin, kCheckpointRm, kCheckpointVerify, kCheckpointExport,
    kCheckpointImport, kCheckpointPush, kCheckpointPull, kRestore, kLives, kLogs, kStoreInit,
    kStoreStat, kStorePrune, kStoreGc, kStoreVerify, kStoreRepair, kStoreRotateKey, kStoreServe,
    kStoreUpload, kConfigShow, kDoctor;

}  // namespace reprise::cli

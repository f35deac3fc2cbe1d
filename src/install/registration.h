// SPDX-License-Identifier: Apache-2.0
//
// Our runtime handler in the configuration of containerd: put there, seen to be understood, and
// taken away.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "install/containerd.h"

namespace reprise::install {

struct RegistrationOptions {
  std::filesystem::path config = "/etc/containerd/config.toml";
  Restart restart = Restart::kSystemd;
  std::filesystem::path runtime;  // what handler `reprise` starts
  // Says what containerd was last started with.
  std::filesystem::path stamp;
};

struct Registered {
  bool changed = false;    // something was written
  bool restarted = false;  // and containerd was started again
};

// Registers the handler: from version 2 on as a file of its own beside the main one, which gets a
// line that imports it if it must. An older containerd takes the whole of a plugin's settings from
// the last file that has any, so there it is a block at the main file's end. A main file that is
// changed is kept beside it, as it was, under the name `config.toml.before-reprise`.
//
// containerd itself is asked whether it understands the new files; if not, the old ones are put
// back and nothing is restarted. Containers survive the restart, which is left out where containerd
// has been started since.
base::Result<Registered> register_handler(const RegistrationOptions& options);

// kBusy while there are containers of ours, which nobody could stop any more.
base::Result<Registered> unregister_handler(const RegistrationOptions& options);

}  // namespace reprise::install

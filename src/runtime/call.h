// SPDX-License-Identifier: Apache-2.0
//
// One call of the runtime, and what every verb needs of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/layout.h"
#include "oci/runtime.h"
#include "runtime/arguments.h"
#include "store/store_config.h"
#include "sys/environment.h"

namespace reprise::runtime {

struct Call {
  Arguments arguments;
  host::Layout layout;
  store::StoreConfig store;
  // Why the configuration is not understood: then the store is that of before, or the default one.
  std::optional<base::Error> misconfigured = std::nullopt;
  sys::Environment environment = {};  // that names the configuration
  // Ours becomes the container's log: nothing of us belongs there.
  bool stderr_is_logged = false;

  [[nodiscard]] oci::Runtime runtime() const {
    return {.program = layout.runc, .state_args = arguments.state_globals()};
  }
};

// Becomes runc with the same arguments. Returns (127) only if runc cannot be executed.
int pass_through(const Call& call);

// Says something in the caller's log (the file of --log, in the format of --log-format), which is
// where Podman and the shims look for the reasons of a runtime. Never on stdout or stderr, which
// are the container's.
enum class Severity : std::uint8_t { kInfo, kWarning, kError };
void tell_caller(const Call& call, Severity severity, const std::string& text);

// Says why a call comes to nothing, in the caller's log and on stderr, as runc does: conmon hands
// that on where nobody reads the log. Returns the exit status.
int refuse(const Call& call, const base::Error& error);

// Settles what sessions left behind whose processes were all killed, by a worker; blocks while it
// does, some seconds at most. `ours`: a session of the container whose lock the caller holds. Costs
// a look into one directory if there is nothing. What fails is told to the caller's log only.
void settle_abandoned(const Call& call, const std::optional<base::SessionId>& ours = std::nullopt);

// The same for all sessions of which the catalog knows, also those that ended with the host.
void recover(const Call& call, const std::optional<base::SessionId>& ours = std::nullopt);

// The handlers of the verbs that are not only runc's. Each returns an exit status.
int create(const Call& call);
int start(const Call& call);
int execute(const Call& call);  // `exec`
int state(const Call& call);
int kill(const Call& call);
int remove(const Call& call);           // `delete`
int pause_or_resume(const Call& call);  // `pause`, `resume`
int checkpoint(const Call& call);       // `checkpoint`, of whoever calls that himself

}  // namespace reprise::runtime

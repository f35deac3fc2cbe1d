// SPDX-License-Identifier: Apache-2.0
//
// Sessions that nobody cares for any more, told by their locks.
#pragma once

#include <filesystem>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/layout.h"
#include "host/request.h"

namespace reprise::host {

// Held by the processes of a session as long as one of them lives.
std::filesystem::path session_lock_file(const std::filesystem::path& session_run_directory);

// What a session was asked to do, for whoever settles it.
std::filesystem::path request_file(const std::filesystem::path& session_run_directory);

// Writes that down before anybody begins with it, so that a session whose worker never came to life
// can be settled: nothing of it was begun as long as there is the file "unbegun", which the worker
// removes first of all. The session's lock is free afterwards.
base::Result<void> note_request(const Layout& layout, const WorkerRequest& request);
std::filesystem::path unbegun_marker(const std::filesystem::path& session_run_directory);

// Sessions that have a run directory but no process. One that is just being begun may be among
// them: look again with its lock held. Those of which it is not known are among them as well.
base::Result<std::vector<base::SessionId>> abandoned_sessions(const Layout& layout);

}  // namespace reprise::host

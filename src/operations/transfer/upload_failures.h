// SPDX-License-Identifier: Apache-2.0
//
// Which uploads fail, and why: nobody watches the process that uploads, so it writes that down in
// the store, for whoever asks later, until one succeeds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/result.h"
#include "host/layout.h"
#include "operations/node.h"

namespace reprise::operations {

struct UploadFailure {
  std::string remote;
  base::UnixMillis since = 0;  // none has succeeded since
  base::UnixMillis last = 0;   // when it was tried last
  std::string reason;
  std::string hint;
  std::vector<base::CheckpointId> lacking = {};  // what is not there, oldest first
};

// For whoever has lock_uploads(). What was noted of that remote is replaced, but for its `since`.
base::Result<void> note_upload_failure(const host::Layout& layout, const std::string& remote,
                                       const base::Error& error);
// Success if nothing was noted.
base::Result<void> forget_upload_failure(const host::Layout& layout, const std::string& remote);

// Of remotes that are to get checkpoints on their own, and lack some; sorted by name. kCorrupt,
// with a hint, if the note is none.
base::Result<std::vector<UploadFailure>> upload_failures(const Node& node);

// The note: JSON, docs/format/catalog.md. Fields that a later version adds do not matter.
std::string encode(const std::vector<UploadFailure>& failures);
base::Result<std::vector<UploadFailure>> decode_upload_failures(std::string_view text);

}  // namespace reprise::operations

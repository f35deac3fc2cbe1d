// SPDX-License-Identifier: Apache-2.0
//
// Uploads what the remotes with 'upload = true' lack, one after the other, oldest first, until
// nothing is left.
#pragma once

#include <functional>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

// When a remote does not answer, or somebody changes what lies there: for more than an hour, or not
// at all.
enum class UploadPatience : unsigned char { kNone, kSome };

using Uploaded = std::function<void(const base::CheckpointId& id, const std::string& remote)>;

// Blocks. `uploaded` is called after each. Success at once if another process uploads already: it
// uploads these as well. One that is damaged or gone keeps no other from being uploaded; the first
// error is returned all the same, with the step "cannot upload".
base::Result<void> upload_missing(const Node& node, UploadPatience patience,
                                  const Uploaded& uploaded, Progress& progress);

}  // namespace reprise::operations

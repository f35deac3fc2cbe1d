// SPDX-License-Identifier: Apache-2.0
//
// A file that becomes an object part by part.
#pragma once

#include <string>

#include "remote/internal/s3_client.h"
#include "sys/unique_fd.h"

namespace reprise::remote {

// Sends `file` of `bytes`, which are more than one part. Parts that an unfinished upload of the
// same name holds are not sent again if they are the file's; uploads that hold others are ended.
// Progress counts parts.
Result<void> upload_in_parts(S3Client& client, const std::string& name, const sys::UniqueFd& file,
                             std::uint64_t bytes, const Progress& progress);

// Ends the uploads in parts to names that begin with `prefix` and were begun before `before`, by
// the server's clock. Returns how many there were.
Result<std::uint64_t> drop_uploads(S3Client& client, const std::string& prefix,
                                   base::UnixMillis before);

}  // namespace reprise::remote

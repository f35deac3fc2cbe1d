// SPDX-License-Identifier: Apache-2.0
#include "remote/open.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;

Result<std::unique_ptr<ObjectStore>> open_remote(const RemoteConfig& config) {
  constexpr std::string_view kFile = "file://";
  if (config.url.starts_with("file:///")) return open_directory(config.url.substr(kFile.size()));
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "'" + config.url + "' is no URL of a remote")
          .with_hint("use file:///DIRECTORY"));
}

}  // namespace reprise::remote

// SPDX-License-Identifier: Apache-2.0
#include "engine/masked_files.h"

#include <string>
#include <system_error>
#include <vector>

#include "image/criu_own_mounts.h"
#include "sys/files.h"

namespace reprise::engine {

using base::Result;

Result<void> mask_by_own_device(const std::filesystem::path& images) {
  std::vector<std::filesystem::path> files;  // first, since the directory changes below
  std::error_code error;
  for (std::filesystem::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().string().starts_with("mountpoints-"))
      files.push_back(entry->path());
  if (error) return base::fail_errno(error.value(), "reading '" + images.string() + "'");
  for (const std::filesystem::path& file : files) {
    const std::string text = REPRISE_PASS(sys::read_file(file));
    const auto edited =
        REPRISE_TRY(image::unhook_masked_files(text), "reading '" + file.filename().string() + "'");
    if (edited) REPRISE_PASS(sys::replace_file(file, *edited));
  }
  return {};
}

}  // namespace reprise::engine

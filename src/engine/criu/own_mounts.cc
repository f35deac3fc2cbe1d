// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/own_mounts.h"

#include <string>
#include <system_error>
#include <vector>

#include "sys/files.h"

namespace reprise::engine {

using base::Result;

Result<OutsideMounts> mount_own(const std::filesystem::path& images,
                                const std::vector<std::string>& cgroup_mounts,
                                const image::Rename& container, const OutsideMounts& elsewhere) {
  std::vector<std::filesystem::path> files;  // first, since the directory changes below
  std::error_code error;
  for (std::filesystem::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().string().starts_with("mountpoints-"))
      files.push_back(entry->path());
  if (error) return base::fail_errno(error.value(), "reading '" + images.string() + "'");
  OutsideMounts mounts;
  std::vector<std::string> moved;
  for (const auto& [destination, place] : elsewhere) {
    moved.push_back(destination);
    mounts.emplace_back(image::by_name(destination), place);
  }
  for (const std::filesystem::path& file : files) {
    const std::string text = REPRISE_PASS(sys::read_file(file));
    const image::OwnMounts own =
        REPRISE_TRY(image::own_mounts(text, cgroup_mounts, container, moved),
                    "reading '" + file.filename().string() + "'");
    if (own.changed) REPRISE_PASS(sys::replace_file(file, own.file));
    for (const image::CgroupMount& mount : own.cgroups) {
      const std::string hierarchy = std::filesystem::path(mount.place).filename().string();
      mounts.emplace_back(mount.name, "/sys/fs/cgroup/" + hierarchy + mount.cgroup);
    }
  }
  return mounts;
}

}  // namespace reprise::engine

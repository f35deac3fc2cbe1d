// SPDX-License-Identifier: Apache-2.0
#include "container/internal/tar_command.h"

#include <utility>

namespace reprise::container {

sys::SpawnOptions tar_command(TarDoes does, const std::filesystem::path& archive,
                              const std::filesystem::path& directory,
                              const std::vector<std::string>& more) {
  sys::SpawnOptions tar;
  tar.argv = {"tar",         "--file",           archive.string(),
              "--directory", directory.string(), "--numeric-owner"};
  const auto add = [&tar](const std::vector<std::string>& words) {
    tar.argv.insert(tar.argv.end(), words.begin(), words.end());
  };
  // It compares neither attributes nor ACLs, whatever one asks for.
  if (does != TarDoes::kCompare) add({"--xattrs", "--xattrs-include=*", "--acls"});
  switch (does) {
    case TarDoes::kCreate:
      // In records of 64 KiB, since they go through a pipe.
      add({"--create", "--sparse", "--one-file-system", "--warning=no-file-ignored",
           "--blocking-factor=128"});
      break;
    case TarDoes::kExtract:
      add({"--extract", "--same-permissions", "--same-owner"});
      break;
    case TarDoes::kCompare:
      add({"--compare"});
      break;
  }
  add(more);
  tar.env = sys::default_environment();
  return tar;
}

std::vector<std::string> tar_list_command(const std::filesystem::path& archive) {
  return {"tar", "--list", "--quoting-style=escape", "--file", archive.string()};
}

base::Error tar_error(const std::string& step, const sys::RunResult& done) {
  constexpr std::size_t kTold = 1000;  // enough for several files
  return {base::ErrorCode::kIo,
          step + ": 'tar' failed: " + done.status.describe() + ": " + done.err.substr(0, kTold)};
}

}  // namespace reprise::container

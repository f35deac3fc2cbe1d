// SPDX-License-Identifier: Apache-2.0
#include "container/deep_paths.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "container/internal/tar_command.h"
#include "sys/beneath.h"
#include "sys/child.h"
#include "sys/files.h"

namespace reprise::container {

using base::Result;
namespace fs = std::filesystem;

namespace {

// Directories that tar is told to start in are this much of a path apart, so that each rest is
// short enough, and so that all directories that such a run changes are unpacked by it.
constexpr std::size_t kStep = 3000;
// Of the kernel, without the NUL.
constexpr std::size_t kLongestPath = 4095;

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Where tar starts for each path that is too long, and what it unpacks there.
using Parts = std::map<std::pair<std::size_t, std::string>, std::vector<std::string>>;

std::string start_of(const std::string& name, std::size_t limit) {
  return name.substr(0, name.rfind('/', limit));
}

// By length, since the later ones start in what the earlier ones make.
Parts parts_of(const std::vector<std::string>& names) {
  Parts parts;
  for (const std::string& name : names) {
    if (name.size() <= kLongestPath) continue;
    for (std::size_t limit = kStep; limit + kStep / 3 < name.size(); limit += kStep) {
      const std::string start = start_of(name, limit);
      parts.try_emplace({start.size(), start});
    }
  }
  for (auto& [start, wanted] : parts)
    for (const std::string& name : names)
      if (name.size() > start.first + 1 && name.starts_with(start.second + "/") &&
          name.size() - start.first <= kLongestPath)
        wanted.push_back(name);
  return parts;
}

Result<std::vector<std::string>> names_in(const fs::path& archive) {
  const std::string list = REPRISE_PASS(sys::run_ok(tar_list_command(archive), kTarLimit));
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find('\n', begin), list.size());
    names.push_back(unescaped(std::string_view(list).substr(begin, end - begin)));
    begin = end + 1;
  }
  return names;
}

Result<void> extract_part(const fs::path& archive, const fs::path& directory,
                          const std::string& start, const std::vector<std::string>& names) {
  const sys::UniqueFd place =
      REPRISE_PASS(sys::open_beneath(directory, start, O_RDONLY | O_DIRECTORY));
  const fs::path list = archive.string() + ".deep";
  std::string text;
  for (const std::string& name : names) text += name + '\0';
  REPRISE_PASS(sys::replace_file(list, text));
  constexpr int kPlace = 3;
  sys::SpawnOptions tar =
      tar_command(TarDoes::kExtract, archive, "/proc/self/fd/" + std::to_string(kPlace),
                  {"--strip-components=" + std::to_string(std::ranges::count(start, '/') + 1),
                   "--overwrite", "--no-recursion", "--no-wildcards", "--no-unquote", "--null",
                   "--verbatim-files-from", "--files-from", list.string()});
  tar.fds = {{place.get(), kPlace}};
  const Result<sys::RunResult> done = sys::run(std::move(tar), kTarLimit);
  REPRISE_PASS(sys::remove_tree(list));
  if (!done) return std::unexpected(done.error());
  if (done->status.success() || only_paths_too_long(done->err)) return {};
  return std::unexpected(tar_error("unpacking deep paths", *done));
}

}  // namespace

bool only_paths_too_long(std::string_view tar_said) {
  bool some = false;
  while (!tar_said.empty()) {
    const std::string_view line = tar_said.substr(0, tar_said.find('\n'));
    tar_said.remove_prefix(std::min(line.size() + 1, tar_said.size()));
    if (line.ends_with("File name too long"))
      some = true;
    else if (!line.ends_with("due to previous errors"))
      return false;
  }
  return some;
}

std::string unescaped(std::string_view name) {
  constexpr std::string_view kLetters = "abfnrtv";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
  constexpr std::size_t kDigits = 3;
  constexpr int kBase = 8;
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '\\' || i + 1 == name.size()) {
      plain += name[i];
      continue;
    }
    ++i;
    if (i + kDigits <= name.size() && std::ranges::all_of(name.substr(i, kDigits), is_octal)) {
      plain += static_cast<char>(std::stoi(std::string(name.substr(i, kDigits)), nullptr, kBase));
      i += kDigits - 1;
    } else if (const std::size_t letter = kLetters.find(name[i]); letter != kLetters.npos) {
      plain += kMeanings[letter];
    } else {
      plain += name[i];
    }
  }
  return plain;
}

Result<void> extract_deep_paths(const fs::path& archive, const fs::path& directory) {
  const std::vector<std::string> names = REPRISE_PASS(names_in(archive));
  for (const auto& [start, wanted] : parts_of(names))
    REPRISE_PASS(extract_part(archive, directory, start.second, wanted));
  return {};
}

}  // namespace reprise::container

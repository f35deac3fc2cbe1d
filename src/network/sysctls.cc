// SPDX-License-Identifier: Apache-2.0
#include "network/sysctls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "json/reader.h"
#include "json/writer.h"
#include "sys/files.h"
#include "sys/namespaces.h"

namespace reprise::network {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kRoot = "/proc/sys/";

// What lies in a directory of its own for each interface: "net/ipv4/conf/", "net/ipv6/neigh/".
std::optional<std::pair<std::string, std::string>> split_interface(const std::string& path) {
  for (const std::string_view kind : {"/conf/", "/neigh/"}) {
    const std::size_t at = path.find(kind);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + kind.size();
    const std::size_t end = path.find('/', begin);
    if (end == std::string::npos) return std::nullopt;
    return std::pair(path.substr(0, begin), path.substr(end));
  }
  return std::nullopt;
}

// The value in a namespace that was just made.
const std::string* fresh_value(const Sysctls& fresh, const std::string& path) {
  if (const auto same = fresh.find(path); same != fresh.end()) return &same->second;
  const auto parts = split_interface(path);
  if (!parts) return nullptr;
  // Only the first namespace shows the "default" of all kinds.
  for (const char* like : {"default", "lo"}) {
    const auto found = fresh.find(parts->first + like + parts->second);
    if (found != fresh.end()) return &found->second;
  }
  return nullptr;
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

bool follows_from_link(const fs::path& file) { return file.filename() == "mtu"; }

// Of the calling thread's namespace. What only shows a state cannot be written, and some of what
// can be written cannot be read, or not yet.
Result<Sysctls> read_all() {
  Sysctls found;
  std::error_code error;
  fs::recursive_directory_iterator entry(std::string(kRoot) + "net", error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    struct stat status{};
    if (::stat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    constexpr mode_t kBoth = S_IRUSR | S_IWUSR;
    if ((status.st_mode & kBoth) != kBoth || follows_from_link(entry->path())) continue;
    const auto value = sys::read_file(entry->path());
    if (value)
      found[entry->path().string().substr(std::string_view(kRoot).size())] =
          without_line_end(*value);
  }
  if (error) return base::fail_errno(error.value(), "reading '/proc/sys/net'");
  return found;
}

// Writing one may change others: ip_forward sets those of all interfaces, and so does "all".
int rank(const std::string& path) {
  if (path == "net/ipv4/ip_forward") return 0;
  if (path.find("/all/") != std::string::npos) return 1;
  return path.find("/default/") != std::string::npos ? 2 : 3;
}

// Not sys::replace_file: there is no file to replace. The error number, or 0.
int write_one(const std::string& path, const std::string& value) {
  const sys::UniqueFd file(::open((kRoot + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return errno;
  const std::string line = value + "\n";
  return ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0
                                                                                            : errno;
}

std::string write_all(const Sysctls& wanted) {
  std::vector<std::pair<std::string, std::string>> ordered(wanted.begin(), wanted.end());
  // Within a rank by name, as before.
  std::ranges::sort(ordered, {}, [](const auto& entry) {
    return std::pair(rank(entry.first), std::string_view(entry.first));
  });
  std::string refused;
  for (const auto& [path, value] : ordered) {
    const auto now = sys::read_file(kRoot + path);
    if (now && without_line_end(*now) == value) continue;
    const int error = write_one(path, value);
    if (error == 0 || (error == ENOENT && split_interface(path))) continue;
    refused += (refused.empty() ? "'" : ", '") + path + "'";
  }
  return refused;
}

}  // namespace

bool is_of_network(std::string_view path) {
  return path.starts_with("net/") && path.find("..") == std::string_view::npos;
}

Sysctls changed_sysctls(const Sysctls& now, const Sysctls& fresh, const Sysctls& given) {
  Sysctls changed;
  for (const auto& [path, value] : now) {
    const auto from_spec = given.find(path);
    const std::string* const before =
        from_spec != given.end() ? &from_spec->second : fresh_value(fresh, path);
    // "0 0" of a specification is "0\t0" in the kernel's words.
    const auto plain = [](std::string text) {
      std::ranges::replace(text, '\t', ' ');
      return text;
    };
    if (before == nullptr || plain(*before) != plain(value)) changed.emplace(path, value);
  }
  return changed;
}

Result<Sysctls> read_changed_sysctls(const NetworkNamespace& ns, const Sysctls& given) {
  Sysctls now;
  Sysctls fresh;
  const auto read_into = [](Sysctls& into) {
    return [&into]() -> Result<void> {
      into = REPRISE_PASS(read_all());
      return {};
    };
  };
  REPRISE_TRY(sys::in_network(ns, read_into(now)), "reading the network's settings");
  REPRISE_TRY(sys::in_new_network(read_into(fresh)), "reading the settings of a new network");
  return changed_sysctls(now, fresh, given);
}

Result<Sysctls> read_sysctls(const NetworkNamespace& ns, const Sysctls& like) {
  Sysctls now;
  REPRISE_TRY(sys::in_network(ns,
                              [&]() -> Result<void> {
                                for (const auto& [path, value] : like)
                                  if (const auto text = sys::read_file(kRoot + path))
                                    now[path] = without_line_end(*text);
                                return {};
                              }),
              "reading the network's settings");
  return now;
}

Result<std::string> write_sysctls(const NetworkNamespace& ns, const Sysctls& wanted) {
  std::string refused;
  if (wanted.empty()) return refused;
  REPRISE_TRY(sys::in_network(ns,
                              [&]() -> Result<void> {
                                refused = write_all(wanted);
                                return {};
                              }),
              "setting up the network");
  return refused;
}

std::string encode_sysctls(const Sysctls& sysctls) {
  return json_writer::print(json(sysctls)) + "\n";
}

Result<Sysctls> decode_sysctls(std::string_view text) {
  Sysctls sysctls;
  try {
    sysctls = json_reader::parse(text).get<Sysctls>();
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("unreadable settings of the network: ") + error.what());
  }
  for (const auto& [path, value] : sysctls)
    if (!is_of_network(path))
      return fail(ErrorCode::kCorrupt, "'" + path + "' is no setting of a network");
  return sysctls;
}

}  // namespace reprise::network

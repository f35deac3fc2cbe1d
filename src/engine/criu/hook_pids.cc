// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/hook_pids.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace reprise::engine::hook {
namespace {

constexpr int kLongest = 4096;
constexpr const char* kUnlimited = "max";

// "7:cpu,pids:/x" names pids.
bool has_pids(const char* controllers, const char* end) {
  constexpr const char* kName = "pids";
  const std::size_t length = std::strlen(kName);
  while (controllers < end) {
    const char* comma = std::strpbrk(controllers, ",:");
    if (static_cast<std::size_t>(comma - controllers) == length &&
        std::strncmp(controllers, kName, length) == 0)
      return true;
    controllers = comma + 1;
  }
  return false;
}

// The caller's place in the hierarchy that counts processes: cgroup v1's, if there is one, else
// v2's. Empty if it is not told.
void find_cgroup(char* place) {
  *place = '\0';
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return;
  char line[kLongest];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    line[std::strcspn(line, "\n")] = '\0';
    const char* controllers = std::strchr(line, ':');
    const char* path = controllers == nullptr ? nullptr : std::strchr(controllers + 1, ':');
    if (path == nullptr) continue;
    const bool v1 = has_pids(controllers + 1, path);
    if (v1 || path == controllers + 1) std::strcpy(place, path + 1);
    if (v1) break;
  }
  std::fclose(file);
}

// One word of a file; empty if there is none.
void read_word(const char* name, char* word) {
  *word = '\0';
  FILE* file = std::fopen(name, "re");
  if (file == nullptr) return;
  if (std::fscanf(file, "%63s", word) != 1) *word = '\0';
  std::fclose(file);
}

// In a single write(2), as the kernel wants it; false if it does not take it.
bool write_word(const char* name, const char* word) {
  FILE* file = std::fopen(name, "we");
  if (file == nullptr) return false;
  const bool written = std::fputs(word, file) >= 0;
  return std::fclose(file) == 0 && written;
}

}  // namespace

void lift_pids_limit(const char* note) {
  char place[kLongest];
  find_cgroup(place);
  if (*note == '\0' || *place == '\0' || std::strcmp(place, "/") == 0) return;
  for (const char* mount : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    char file[2 * kLongest];
    std::snprintf(file, sizeof file, "%s%s/pids.max", mount, place);
    char limit[64];
    read_word(file, limit);
    if (*limit == '\0') continue;
    if (std::strcmp(limit, kUnlimited) == 0) return;
    char text[sizeof file + sizeof limit];
    std::snprintf(text, sizeof text, "%s\n%s", file, limit);
    if (write_word(note, text) && !write_word(file, kUnlimited)) ::unlink(note);
    return;
  }
}

void put_pids_limit_back(const char* note) {
  FILE* file = *note == '\0' ? nullptr : std::fopen(note, "re");
  if (file == nullptr) return;
  char limit_file[2 * kLongest] = {};
  char limit[64] = {};
  const bool read = std::fgets(limit_file, sizeof limit_file, file) != nullptr &&
                    std::fscanf(file, "%63s", limit) == 1;
  std::fclose(file);
  limit_file[std::strcspn(limit_file, "\n")] = '\0';
  if (read && write_word(limit_file, limit)) ::unlink(note);
}

}  // namespace reprise::engine::hook

// SPDX-License-Identifier: Apache-2.0
//
// CRIU's images as somebody else may have written them. The first byte says which image it is; the
// seeds are those of a real container.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/criu_core.h"
#include "image/criu_files.h"
#include "image/criu_mounts.h"
#include "image/criu_own_mounts.h"
#include "image/criu_pagemap.h"
#include "image/criu_sockets.h"
#include "image/criu_stats.h"
#include "image/criu_tasks.h"
#include "vetting/rules.h"
#include "vetting/seccomp_profile.h"

namespace {

using namespace reprise;

void look_at(char kind, std::string_view file) {
  const vetting::Grants grants{.mounts = {{.place = "/proc", .type = "proc", .options = {"ro"}}},
                               .masked = {"/proc/kcore"},
                               .namespaces = {{"pid", ""}, {"cgroup", ""}}};
  switch (kind) {
    case 'c':
      if (const auto thread = image::decode_thread(file))
        (void)vetting::check_rights(*thread, grants, "process");
      (void)image::decode_core_limits(file);
      return;
    case 'i':
      (void)image::decode_ids(file);
      (void)image::decode_inventory(file);
      (void)image::decode_processes(file);
      (void)image::decode_user_namespace(file);
      (void)image::decode_network_key(file);
      (void)image::decode_pid_key(file);
      (void)image::decode_dump_stats(file);
      return;
    case 's':
      if (auto filters = image::decode_seccomp(file)) {
        (void)image::encode_seccomp(*filters);
        (void)vetting::with_filter(std::move(*filters), {0}, "12345678");
      }
      return;
    case 'm':
      if (const auto mounts = image::decode_mounts(file))
        (void)vetting::check_mounts(*mounts, grants, [](const std::string&) { return true; });
      (void)image::own_mounts(file, {"/sys/fs/cgroup"}, {.from = "old", .to = "new"});
      (void)image::forget_deleted_sources(file);
      return;
    case 'f':
      if (const auto files = image::decode_files(file))
        (void)vetting::check_files(*files, {}, grants);
      (void)image::decode_remaps(file);
      (void)image::decode_ghost(file);
      (void)image::keep_socket_files(file, {1, 2, 3, 4, 5, 6, 7, 8, 9});
      return;
    case 'g':
      if (const auto cgroups = image::decode_cgroups(file)) {
        (void)vetting::check_cgroups(*cgroups, grants, {"pids", "memory", ""});
        (void)vetting::renewed_cgroups(*cgroups, grants, "/machine/own");
      }
      return;
    case 'p':
      if (const auto pagemap = image::decode_pagemap(file))
        if (!image::decode_pagemap(image::encode_pagemap(*pagemap))) std::abort();
      (void)image::decode_eager_mappings(file);
      return;
    default:
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer has bytes, we texts
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.empty()) look_at(text.front(), text.substr(1));
  return 0;
}

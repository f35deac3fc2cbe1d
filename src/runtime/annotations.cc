// SPDX-License-Identifier: Apache-2.0
#include "runtime/annotations.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "oci/annotations.h"
#include "oci/cri.h"
#include "oci/spec.h"
#include "sys/files.h"

namespace reprise::runtime {

std::string bundle_of(const Call& call) {
  return call.arguments.option("bundle").value_or(
      call.arguments.option("b").value_or(std::filesystem::current_path().string()));
}

base::Result<void> check_annotations(const Call& call) {
  const auto spec = oci::load_spec(bundle_of(call));
  if (!spec) return {};
  return oci::pod_container(spec->annotations) ? oci::check_pod_annotations(spec->annotations)
                                               : oci::check_own_annotations(spec->annotations);
}

bool is_rootless() {
  if (::geteuid() != 0) return true;
  const auto map = sys::read_file("/proc/self/uid_map");
  if (!map) return false;
  std::istringstream words(*map);
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  words >> inside >> outside >> count;
  constexpr std::uint64_t kAll = 4294967295;
  return words && (inside != 0 || outside != 0 || count != kAll);
}

void tell_about_rootless(const Call& call) {
  constexpr const char* kText =
      "annotation 'reprise.dev/on-stop' has no effect without root: the container will be stopped "
      "without a checkpoint";
  tell_caller(call, Severity::kWarning, kText);
  std::fprintf(stderr, "reprise: %s\n", kText);
}

}  // namespace reprise::runtime

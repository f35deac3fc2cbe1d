// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: what programs of the host and the kernel tell us, in which names stand that a
// container has chosen: ip, nft, ss, runc's state, Podman's records, CRIU's log, files in /proc.
// The first byte says which it is.
#include <array>

#include "archive/container_dump.h"
#include "attributes/internal/attribute_kinds.h"
#include "attributes/internal/multicast.h"
#include "container/inotify_watches.h"
#include "container/joined_namespaces.h"
#include "engine/criu/expired_timers.h"
#include "image/criu_log.h"
#include "input.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "network/network_setup.h"
#include "oci/state.h"
#include "podman/command_edit.h"
#include "podman/config_command.h"
#include "podman/container_info.h"
#include "sys/affinity.h"
#include "sys/mountinfo.h"

namespace {

using namespace reprise;              // NOLINT(google-build-using-namespace): one file, one subject
using namespace reprise::container;   // NOLINT(google-build-using-namespace)
using namespace reprise::network;     // NOLINT(google-build-using-namespace)
using namespace reprise::attributes;  // NOLINT(google-build-using-namespace)

void output_of_ip(const std::string& text) {
  (void)parse_addresses(text);
  try {
    (void)parse_links(text);
    (void)parse_address_lines(text);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): what its header says
  }
  (void)parse_routes(text);
  (void)parse_rules(text);
}

void output_of_nft(const std::string& text) {
  (void)parse_hold_tables(text);
  (void)holds_any(text);
  (void)parse_held(text);
  (void)parse_criu_tables(text);
  (void)parse_tables(text);
}

void output_of_ss(const std::string& text) {
  (void)parse_connections(text);
  (void)parse_local_addresses(text);
}

void records_of_podman(const std::string& text) {
  (void)podman::parse_inspect(text);
  (void)podman::parse_container_config(text);
  const podman::RecordedCommand command{.words = podman::command_of_config(text), .image_index = 0};
  (void)podman::without_exclusive_options(command);
  (void)archive::parse_container_dump(text, text);
  (void)archive::parse_network_status(text);
  (void)archive::parse_deleted_files(text);
  (void)archive::make_podman_dump(text, {});
}

void state_of_runc(const std::string& text) {
  (void)oci::parse_state(text);
  (void)with_paths_of_init(text, {"/proc/1/ns/net"}, 1);
}

void log_of_criu(const std::string& text) {
  (void)image::drops_events(text);
  (void)image::found_passing_state(text);
  if (const auto found = image::find_cause(text))
    fuzz::require(!found->line.contains('\n'), "a cause is one line");
  if (const auto fault = image::find_file_fault(text)) {
    fuzz::require(fault->file.starts_with('/'), "a file is named from the root");
    fuzz::require(fault->reason.empty() != fault->size.empty() || fault->was.empty(),
                  "it is gone or has another size, not both");
  }
}

void files_of_the_kernel(const std::string& text) {
  for (const sys::Mount& mount : sys::parse_mountinfo(text)) (void)mount.option("upperdir");
  (void)sys::parse_cpu_list(text);
  (void)parse_watches(text);
  (void)parse_igmp(text);
  (void)parse_igmp6(text);
  (void)parse_numa_policy(policy_in(text));
  (void)engine::parse_expired_timer(text);
}

using Target = void (*)(const std::string&);

// New ones at the end: the seeds count.
constexpr std::array<Target, 7> kTargets = {
    &output_of_ip,  &output_of_nft, &output_of_ss,        &records_of_podman,
    &state_of_runc, &log_of_criu,   &files_of_the_kernel,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text = fuzz::text_of(data, size);
  kTargets.at(fuzz::way_of(text, kTargets.size()))(text);
  return 0;
}
